/**
 * @file Carries out one run of a comparison in a process of its own, for `scripts/compare.mjs`: what is to be done comes as a
 * message, and so does what became of it. Ends with a checkpoint when it is told to stop, or when nobody is listening any more.
 */
import { createRequire } from 'node:module';
import { buildStamp } from '../lib-build.mjs';

const require = createRequire(import.meta.url);
const before = buildStamp();
const { carryOut } = require('optimal-grokking/dist/sweep/comparison/carry-out.js');
const after = buildStamp();

/** As a signal would; while the run is being compiled nothing listens for one, and nothing would be lost. */
const stop = () => {
  if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(143);
};
process.on('disconnect', stop);
process.on('message', async (/** @type {any} */ message) => {
  if (message.stop) return stop();
  const { protocol, run, places, commit, build } = message;
  let answer;
  try {
    if (before !== build || after !== build) {
      throw new Error('lib has been built anew since the runner began; start it again.');
    }
    answer = await carryOut(protocol, run, places, { commit });
  } catch (error) {
    answer = { outcome: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
  process.off('disconnect', stop);
  if (process.connected) process.send?.(answer, () => process.disconnect());
});
