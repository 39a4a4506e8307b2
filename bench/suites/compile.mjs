/** @file The suite `compile`: how long each preset's step takes to compile, in a new process each time. */
import { join } from 'node:path';
import { runProbe } from '../harness/probe.mjs';
import { withRounds } from '../harness/report.mjs';
import { PRESETS, writeInputs } from '../presets.mjs';

/** How long compiling may take, in s. */
const GOAL = 3;

/**
 * @param {import('../harness/steps.mjs').Context} context
 * @returns {AsyncGenerator<import('../harness/report.mjs').Section>}
 */
async function* measure({ folder, rounds, threads: [threads = 1], device, signal, progress }) {
  const presets = [PRESETS.gpt, PRESETS.mlp].map((preset) => ({
    preset,
    inputs: join(folder, `${preset.name}.safetensors`),
    kernels: 0,
    /** @type {number[]} */
    seconds: [],
  }));
  for (const { preset, inputs } of presets) writeInputs(preset, inputs);
  for (let round = 1; round <= rounds; round++) {
    for (const entry of presets) {
      progress(`compile: round ${round} of ${rounds}, ${entry.preset.name}`);
      const args = ['--inputs', entry.inputs, '--threads', String(threads), '--device', device];
      const { seconds, kernels } = await runProbe('compile.mjs', args, signal);
      entry.seconds.push(seconds);
      entry.kernels = kernels;
    }
  }
  yield {
    id: 'compile',
    title: 'compiling a training step for the first time',
    subtitle: `${threads} ${threads === 1 ? 'thread' : 'threads'}, ${rounds} rounds`,
    unit: '× goal',
    axis: `time to compile ÷ goal of ${GOAL} s (1 or less is reached)`,
    rows: presets.map(({ preset: { name, title }, kernels, seconds }) => ({
      name,
      description: title,
      kernels,
      seconds: withRounds(seconds),
      ratio: withRounds(seconds.map((time) => time / GOAL)),
    })),
    skipped: [],
  };
}

export const compile = { title: `the time to compile a step, against a goal of ${GOAL} s`, measure };
