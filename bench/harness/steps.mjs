/** @file A suite of contenders: starts them, checks that they do the same work, lets them take turns. */
import { join } from 'node:path';
import { writeInputs } from '../presets.mjs';
import { disagreement } from './agreement.mjs';
import { Contender, ContenderError } from './contender.mjs';
import { SETUP_COMMAND } from './peers.mjs';
import { results } from './report.mjs';
import { interleave } from './rounds.mjs';

/** @typedef {import('./report.mjs').Section} Section */

/**
 * @typedef {object} Context What a suite is given.
 * @property {string} folder an empty folder for its files
 * @property {number} rounds
 * @property {readonly number[]} threads numbers of threads to measure with
 * @property {string} device
 * @property {string | undefined} python the Python of the peers' environment, if there is one
 * @property {boolean} peers whether peers are wanted
 * @property {AbortSignal} signal ends everything at once
 * @property {(text: string) => void} progress
 */

/**
 * @typedef {object} StepSuite
 * @property {string} name
 * @property {string} title
 * @property {string} baseline name of the contender that the others are divided by
 * @property {import('../presets.mjs').Preset} preset
 * @property {(options: ContenderOptions) => import('./contender.mjs').ContenderSpec[]} contenders
 */

/** @typedef {{ inputs: string, threads: number, device: string, python: string | undefined }} ContenderOptions */

/**
 * Starts contenders one after the other, so that none is disturbed while it compiles. One that does not start is
 * skipped, unless the ratios are taken to it.
 *
 * @param {readonly import('./contender.mjs').ContenderSpec[]} specs
 * @param {string} baseline
 * @param {Contender[]} running receives each as soon as it is started
 * @param {Pick<Context, 'signal' | 'progress'>} context
 */
async function start(specs, baseline, running, { signal, progress }) {
  /** @type {{ name: string, reason: string }[]} */
  const skipped = [];
  for (const spec of specs) {
    progress(`starting ${spec.name}`);
    const contender = new Contender(spec);
    running.push(contender);
    try {
      await contender.ready();
    } catch (error) {
      if (signal.aborted || spec.name === baseline || !(error instanceof ContenderError)) throw error;
      running.pop();
      await contender.close();
      // The name is printed in front.
      skipped.push({ name: spec.name, reason: error.message.replace(`${spec.name} `, '') });
    }
  }
  return skipped;
}

/**
 * Measures one suite with one number of threads.
 *
 * @param {StepSuite} suite
 * @param {number} threads
 * @param {Context} context
 * @returns {Promise<Section>}
 */
async function measureOnce(suite, threads, context) {
  const { folder, rounds, device, python, peers, signal, progress } = context;
  const { name, title, baseline, preset } = suite;
  /** @type {Contender[]} */
  const running = [];
  const killAll = () => {
    for (const contender of running) contender.kill();
  };
  signal.addEventListener('abort', killAll);
  try {
    const inputs = join(folder, `${preset.name}.safetensors`);
    writeInputs(preset, inputs);
    const specs = suite.contenders({ inputs, threads, device, python: peers ? python : undefined });
    const skipped = await start(specs, baseline, running, context);
    if (peers && python === undefined) {
      const reason = `bench/peers/.venv does not exist: make it with \`${SETUP_COMMAND}\``;
      skipped.push({ name: 'peers', reason });
    }
    const trained = running.filter(({ spec }) => spec.checked !== false);
    const problem = disagreement(
      trained.map(({ spec, introduction }) => ({ name: spec.name, losses: introduction.losses })),
    );
    if (problem !== undefined) throw new ContenderError(problem);

    const times = await interleave(running, {
      rounds,
      onTurn: (round, who) => progress(`${name}: round ${round} of ${rounds}, ${who}`),
    });
    const measured = running.map((contender) => {
      const { versions, settings, losses } = contender.introduction;
      const { name: who, description } = contender.spec;
      return {
        name: who,
        description,
        versions,
        settings: { ...settings, threads },
        losses,
        rounds: times.get(contender) ?? [],
      };
    });
    return {
      id: `${name}-${threads}`,
      title: `one training step of ${title}`,
      subtitle: `${threads} ${threads === 1 ? 'thread' : 'threads'}, ${rounds} rounds`,
      unit: `× ${baseline}`,
      axis: `time of a step ÷ that of ${baseline} (lower is faster)`,
      baseline,
      rows: results(measured, baseline),
      skipped,
      config: preset.config,
    };
  } finally {
    signal.removeEventListener('abort', killAll);
    await Promise.all(running.map((contender) => contender.close()));
  }
}

/**
 * @param {StepSuite} suite
 * @param {Context} context
 * @returns {AsyncGenerator<Section>} one for each number of threads
 */
export async function* measureSteps(suite, context) {
  for (const threads of context.threads) yield await measureOnce(suite, threads, context);
}
