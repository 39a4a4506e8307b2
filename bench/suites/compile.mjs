/**
 * @file The suite `compile`: how long each preset's step takes to compile for the first time and when a cache has it, in
 * a new process each time.
 */
import { join } from 'node:path';
import { runProbe } from '../harness/probe.mjs';
import { withRounds } from '../harness/report.mjs';
import { PRESETS, writeInputs } from '../presets.mjs';

/** How long compiling may take, in s: a step never compiled before, and one that is in the cache. */
const GOALS = { first: 3, cached: 0.3 };

/**
 * @param {import('../harness/steps.mjs').Context} context
 * @returns {AsyncGenerator<import('../harness/report.mjs').Section>}
 */
async function* measure({ folder, rounds, threads: [threads = 1], device, signal, progress }) {
  const cache = join(folder, 'cache');
  const presets = [PRESETS.gpt, PRESETS.mlp].map((preset) => ({
    preset,
    args: [
      ...['--inputs', join(folder, `${preset.name}.safetensors`)],
      ...['--threads', String(threads), '--device', device],
    ],
    modelBytes: 0,
    /** @type {number[]} */
    first: [],
    /** @type {number[]} */
    cached: [],
  }));
  for (const { preset, args } of presets) {
    writeInputs(preset, join(folder, `${preset.name}.safetensors`));
    // Fills the cache.
    await runProbe('compile.mjs', [...args, '--cache', cache], signal);
  }
  for (let round = 1; round <= rounds; round++) {
    for (const entry of presets) {
      progress(`compile: round ${round} of ${rounds}, ${entry.preset.name}`);
      const { seconds, modelBytes } = await runProbe('compile.mjs', entry.args, signal);
      entry.first.push(seconds);
      entry.modelBytes = modelBytes;
      entry.cached.push((await runProbe('compile.mjs', [...entry.args, '--cache', cache], signal)).seconds);
    }
  }
  yield {
    id: 'compile',
    title: 'compiling a training step',
    subtitle: `${threads} ${threads === 1 ? 'thread' : 'threads'}, ${rounds} rounds`,
    unit: '× goal',
    axis: `time to compile ÷ goal of ${GOALS.first} s, from a cache ${GOALS.cached} s (1 or less is reached)`,
    rows: presets.flatMap(({ preset: { name, title }, modelBytes, ...times }) =>
      /** @type {const} */ (['first', 'cached']).map((which) => ({
        name: which === 'first' ? name : `${name}-cached`,
        description: which === 'first' ? title : 'the same, from a cache in a folder',
        modelBytes,
        seconds: withRounds(times[which]),
        ratio: withRounds(times[which].map((time) => time / GOALS[which])),
      })),
    ),
    skipped: [],
  };
}

export const compile = {
  title: `the time to compile a step, against goals of ${GOALS.first} s and, from a cache, ${GOALS.cached} s`,
  measure,
};
