/** @file `npm run grok -- …`: builds `lib` if needed, then hands over to the command line in this same process. */
import { createRequire } from 'node:module';
import { ensureBuilt } from './lib-build.mjs';

ensureBuilt();
// A reader such as `head` that has seen enough closes the pipe: no failure, and nothing is left to say.
process.stdout.on('error', (error) => {
  if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPIPE') throw error;
  process.exit(0);
});
const { main } = createRequire(import.meta.url)('optimal-grokking/dist/cli/main.node.js');
process.exitCode = await main(process.argv.slice(2));
