/**
 * @file The benchmark's command line: starts a suite's contenders, checks that they do the same work, lets them take
 * turns and reports ratios.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { disagreement } from './harness/agreement.mjs';
import { Contender, ContenderError } from './harness/contender.mjs';
import { ratioFigure } from './harness/figure.mjs';
import { describeMachine, otherLoad } from './harness/machine.mjs';
import { peersPython, SETUP_COMMAND, setUpPeers } from './harness/peers.mjs';
import { ratioTable, results } from './harness/report.mjs';
import { interleave } from './harness/rounds.mjs';
import { gpt } from './suites/gpt.mjs';

const SUITES = { gpt };

/**
 * @typedef {object} Options
 * @property {(keyof typeof SUITES)[]} only
 * @property {number} rounds
 * @property {number} threads
 * @property {boolean} peers
 * @property {boolean} [setupPeers]
 * @property {string} [json]
 * @property {string} [picture]
 */

/** @param {number} most @returns {(text: string) => number} */
const wholeNumber = (most) => (text) => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > most) {
    throw new InvalidArgumentError(`Give a whole number from 1 to ${most}.`);
  }
  return value;
};

/** @param {string} text */
function outputPath(text) {
  if (!existsSync(dirname(resolve(text))))
    throw new InvalidArgumentError('Give a path in a folder that exists.');
  return text;
}

/** @param {string} text */
function picturePath(text) {
  if (!/\.(svg|png)$/i.test(text)) throw new InvalidArgumentError('Give a path that ends in .svg or .png.');
  return outputPath(text);
}

/** One line that is overwritten, on a terminal; nothing elsewhere. @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/**
 * Starts contenders one after the other, so that none is disturbed while it compiles. One that does not start is
 * skipped, unless the ratios are taken to it.
 *
 * @param {readonly import('./harness/contender.mjs').ContenderSpec[]} specs
 * @param {string} baseline
 * @param {Contender[]} running receives each as soon as it is started
 * @param {AbortSignal} signal
 */
async function start(specs, baseline, running, signal) {
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
      skipped.push({ name: spec.name, reason: error.message });
    }
  }
  return skipped;
}

/**
 * Runs one suite.
 *
 * @param {typeof SUITES[keyof typeof SUITES]} suite
 * @param {Options} options
 * @param {AbortSignal} signal ends everything at once
 */
async function runSuite(suite, { rounds, threads, peers }, signal) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  /** @type {Contender[]} */
  const running = [];
  signal.addEventListener('abort', () => {
    for (const contender of running) contender.kill();
  });
  try {
    const inputs = join(folder, 'inputs.safetensors');
    suite.writeInputs(inputs);
    const python = peers ? peersPython() : undefined;
    const specs = suite.contenders({ inputs, threads, python });
    const skipped = await start(specs, suite.baseline, running, signal);
    if (peers && python === undefined) {
      skipped.push({
        name: 'peers',
        reason: `bench/peers/.venv does not exist: make it with \`${SETUP_COMMAND}\``,
      });
    }
    const trained = running.filter(({ spec }) => spec.checked !== false);
    const problem = disagreement(
      trained.map(({ spec, introduction }) => ({ name: spec.name, losses: introduction.losses })),
    );
    if (problem !== undefined) throw new ContenderError(problem);

    const times = await interleave(running, {
      rounds,
      onTurn: (round, name) => progress(`${suite.name}: round ${round} of ${rounds}, ${name}`),
    });
    const measured = running.map((contender) => {
      const { versions, settings, losses } = contender.introduction;
      const { name, description } = contender.spec;
      return { name, description, versions, settings, losses, rounds: times.get(contender) ?? [] };
    });
    return { skipped, contenders: results(measured, suite.baseline) };
  } finally {
    progress('');
    await Promise.all(running.map((contender) => contender.close()));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {Options} options @param {AbortSignal} signal */
async function measure(options, signal) {
  const busy = otherLoad();
  if (busy > 0.5) {
    console.error(
      `The machine is busy (load ${busy.toFixed(1)} a core): expect a wide spread, or measure when it is idle.`,
    );
  }
  const record = {
    date: new Date().toISOString(),
    machine: describeMachine(),
    node: process.version,
    loadPerCoreBefore: busy,
    threads: options.threads,
    rounds: options.rounds,
    /** @type {object[]} */
    suites: [],
  };
  for (const name of options.only) {
    const suite = SUITES[name];
    const { skipped, contenders } = await runSuite(suite, options, signal);
    for (const { name: who, reason } of skipped) console.error(`skipped ${who}: ${reason}`);
    const subtitle = `${options.threads} threads, ${options.rounds} rounds, ${record.machine.cpu}`;
    console.log(`${suite.name}: ${suite.title}`);
    console.log(`${subtitle}\n\n${ratioTable(contenders, suite.baseline)}`);
    record.suites.push({
      name,
      title: suite.title,
      baseline: suite.baseline,
      config: suite.config,
      skipped,
      contenders,
    });
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(record, null, 1)}\n`);
    if (options.picture !== undefined) {
      const { saveFigure } = await import('optimal-grokking/dist/figures/static.node.js');
      const title = `${suite.name}: time of a training step`;
      await saveFigure(
        ratioFigure(contenders, { title, subtitle, baseline: suite.baseline }),
        options.picture,
      );
    }
  }
}

/**
 * @param {readonly string[]} argv arguments without the program's name
 * @returns {Promise<number>} exit code: 0 done, 1 failure, 2 bad arguments, 130 interrupted
 */
export async function main(argv) {
  const command = new Command('npm run bench --')
    .description('Compares the compiled training step with other implementations of the same step.')
    .addOption(
      new Option('--only <suites...>', 'suites to run')
        .choices(Object.keys(SUITES))
        .default(Object.keys(SUITES)),
    )
    .option('--rounds <n>', 'interleaved rounds', wholeNumber(1000), 15)
    .option('--threads <n>', 'threads of each contender', wholeNumber(1024), availableParallelism())
    .option('--json <file>', 'write every figure to this file', outputPath)
    .option('--picture <file>', 'draw the ratios to this .svg or .png file', picturePath)
    .option('--no-peers', 'leave the other frameworks out')
    .option(
      '--setup-peers',
      'make bench/peers/.venv with the other frameworks (about 6 GB on Linux), and end',
    )
    .exitOverride();
  try {
    command.parse([...argv], { from: 'user' });
  } catch (error) {
    return /** @type {{ exitCode: number }} */ (error).exitCode === 0 ? 0 : 2;
  }
  /** @type {Options} */
  const options = command.opts();
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    if (options.setupPeers) setUpPeers();
    else await measure(options, interruption.signal);
    return 0;
  } catch (error) {
    if (interruption.signal.aborted) return 130;
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}
