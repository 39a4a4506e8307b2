/**
 * @file The suite `memory`: how much a process grows when an opened program runs, against what the step has to keep; and
 * whether it goes on growing over many calls.
 */
import { join } from 'node:path';
import { runProbe } from '../harness/probe.mjs';
import { withRounds } from '../harness/report.mjs';
import { PRESETS, writeInputs } from '../presets.mjs';

/** A process is measured once, so rounds are repetitions here, and few suffice. */
const MOST_ROUNDS = 3;

/** Parameters and optimiser state, and so many times the activations that are alive at once. */
const ACTIVATIONS = 1.5;

const CALLS = 10_000;

/**
 * @param {import('../harness/steps.mjs').Context} context
 * @returns {AsyncGenerator<import('../harness/report.mjs').Section>}
 */
async function* measure({ folder, rounds: wanted, threads: [threads = 1], device, signal, progress }) {
  const rounds = Math.min(wanted, MOST_ROUNDS);
  const subtitle = `${threads} ${threads === 1 ? 'thread' : 'threads'}, ${rounds} rounds`;
  /** @param {import('../presets.mjs').Preset} preset @param {readonly string[]} args @returns {Promise<any[]>} */
  const repeat = async (preset, args) => {
    const inputs = join(folder, `${preset.name}.safetensors`);
    writeInputs(preset, inputs);
    const found = [];
    for (let round = 1; round <= rounds; round++) {
      progress(`memory: round ${round} of ${rounds}, ${preset.name} ${args.join(' ')}`);
      const common = ['--inputs', inputs, '--threads', String(threads), '--device', device];
      found.push(await runProbe('memory.mjs', [...common, ...args], signal));
    }
    return found;
  };
  /** @param {string} name @param {string} description @param {any[]} found */
  const growthRow = (name, description, found) => {
    const bound = found[0].stateBytes + ACTIVATIONS * found[0].liveBytes;
    return {
      name,
      description,
      stateBytes: found[0].stateBytes,
      liveBytes: found[0].liveBytes,
      growthBytes: withRounds(found.map(({ growth }) => growth)),
      ratio: withRounds(found.map(({ growth }) => growth / bound)),
    };
  };
  const { gpt, mlp } = PRESETS;
  yield {
    id: 'memory-growth',
    title: 'growth of a process when an opened program runs',
    subtitle,
    unit: '× goal',
    axis: `growth ÷ (parameters + optimiser state + ${ACTIVATIONS} × live activations) (1 or less is reached)`,
    rows: [
      growthRow('gpt', gpt.title, await repeat(gpt, [])),
      growthRow('gpt-evaluating', 'the same, evaluating at every step', await repeat(gpt, ['--evaluate'])),
      growthRow('mlp', mlp.title, await repeat(mlp, [])),
    ],
    skipped: [],
  };
  const tiny = PRESETS['gpt-tiny'];
  const found = await repeat(tiny, ['--calls', String(CALLS)]);
  yield {
    id: 'memory-calls',
    title: `a process after ${CALLS.toLocaleString('en')} calls of a small step`,
    subtitle,
    unit: '× before',
    axis: 'resident memory after ÷ before (1 is no growth)',
    rows: [
      {
        name: tiny.name,
        description: tiny.title,
        beforeBytes: withRounds(found.map(({ before }) => before)),
        growthBytes: withRounds(found.map(({ before, after }) => after - before)),
        ratio: withRounds(found.map(({ before, after }) => after / before)),
      },
    ],
    skipped: [],
  };
}

export const memory = { title: 'growth of memory over a run, against what a step has to keep', measure };
