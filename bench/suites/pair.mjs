/**
 * @file The suite `pair`: two runs at once on one machine, against one after the other with all cores each. Two runs have
 * the same work to do either way, so that the ratio of the times is the loss of throughput.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Contender } from '../harness/contender.mjs';
import { withRounds } from '../harness/report.mjs';
import { interleave } from '../harness/rounds.mjs';
import { pairedRatios } from '../harness/statistics.mjs';
import { PRESETS, writeInputs } from '../presets.mjs';
import { compiled } from './contenders.mjs';

const BASELINE = 'one after the other';

/** @typedef {{ name: string, description: string, threads: number, spinning?: boolean, atOnce: boolean }} Arrangement */

/** @param {number} cores @returns {Arrangement[]} the baseline first */
function arrangements(cores) {
  const half = Math.max(1, Math.floor(cores / 2));
  return [
    { name: BASELINE, description: `${cores} threads each`, threads: cores, atOnce: false },
    {
      name: `${BASELINE}, sleeping`,
      description: `${cores} threads each, which sleep while they wait`,
      threads: cores,
      spinning: false,
      atOnce: false,
    },
    { name: 'at once, half', description: `${half} threads each`, threads: half, atOnce: true },
    { name: 'at once', description: `${cores} threads each`, threads: cores, atOnce: true },
    {
      name: 'at once, sleeping',
      description: `${cores} threads each, which sleep while they wait`,
      threads: cores,
      spinning: false,
      atOnce: true,
    },
  ];
}

/** Two contenders that take turns, or train together, as one trainer. */
class Pair {
  /** @param {Arrangement} arrangement @param {readonly [Contender, Contender]} runs */
  constructor(arrangement, runs) {
    this.spec = arrangement;
    this.runs = runs;
  }

  /** Both runs train this many steps. @param {number} steps @returns {Promise<number>} ms for a step of each */
  async train(steps) {
    const [first, second] = this.runs;
    const start = performance.now();
    if (this.spec.atOnce) await Promise.all([first.train(steps), second.train(steps)]);
    else {
      await first.train(steps);
      await second.train(steps);
    }
    return (performance.now() - start) / steps;
  }
}

/**
 * @param {import('../harness/steps.mjs').Context} context
 * @returns {AsyncGenerator<import('../harness/report.mjs').Section>}
 */
async function* measure({ folder, rounds, device, signal, progress }) {
  const cores = availableParallelism();
  const preset = PRESETS.gpt;
  const inputs = join(folder, `${preset.name}.safetensors`);
  writeInputs(preset, inputs);
  /** @type {Map<string, [Contender, Contender]>} */
  const running = new Map();
  const all = () => [...running.values()].flat();
  const killAll = () => {
    for (const contender of all()) contender.kill();
  };
  signal.addEventListener('abort', killAll);
  try {
    const pairs = [];
    for (const arrangement of arrangements(cores)) {
      const { name, description, threads, spinning } = arrangement;
      const key = `${threads} ${spinning}`;
      if (!running.has(key)) {
        const options = { inputs, threads, device, ...(spinning === undefined ? {} : { spinning }) };
        const run = () => new Contender(compiled(name, description, 'reduced', options));
        progress(`starting ${name}`);
        const runs = /** @type {[Contender, Contender]} */ ([run(), run()]);
        running.set(key, runs);
        await Promise.all(runs.map((contender) => contender.ready()));
      }
      pairs.push(new Pair(arrangement, /** @type {[Contender, Contender]} */ (running.get(key))));
    }
    const times = await interleave(pairs, {
      rounds,
      onTurn: (round, name) => progress(`pair: round ${round} of ${rounds}, ${name}`),
    });
    const base = times.get(/** @type {Pair} */ (pairs[0])) ?? [];
    yield {
      id: 'pair',
      title: 'two runs on one machine',
      subtitle: `${preset.title}, ${cores} cores, ${rounds} rounds`,
      unit: `× ${BASELINE}`,
      axis: `time for both runs ÷ that of ${BASELINE} (1.1 loses 9 % of the throughput)`,
      baseline: BASELINE,
      rows: pairs.map((pair) => {
        const { name, description, threads, spinning = true } = pair.spec;
        const msPerStep = times.get(pair) ?? [];
        const settings = { threads, spinning };
        const ratio = withRounds(pairedRatios(msPerStep, base));
        return { name, description, settings, msPerStep: withRounds(msPerStep), ratio };
      }),
      skipped: [],
      config: preset.config,
    };
  } finally {
    signal.removeEventListener('abort', killAll);
    await Promise.all(all().map((contender) => contender.close()));
  }
}

export const pair = { title: 'two runs at once against one after the other', measure };
