/** @file The benchmark's command line: runs suites and reports their ratios. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { COMPILED_DEVICES } from 'optimal-grokking/dist/compile/devices.js';
import { ratioFigure } from './harness/figure.mjs';
import { describeMachine, otherLoad } from './harness/machine.mjs';
import { peersPython, setUpPeers } from './harness/peers.mjs';
import { ratioTable } from './harness/report.mjs';
import { arms } from './suites/arms.mjs';
import { compile } from './suites/compile.mjs';
import { decoder } from './suites/decoder.mjs';
import { factored } from './suites/factored.mjs';
import { gpt } from './suites/gpt.mjs';
import { memory } from './suites/memory.mjs';
import { mlp } from './suites/mlp.mjs';
import { pair } from './suites/pair.mjs';
import { tfjs } from './suites/tfjs.mjs';
import { truegrad } from './suites/truegrad.mjs';

/** @typedef {import('./harness/report.mjs').Section} Section */

/**
 * @typedef {object} Suite
 * @property {string} title one line for the help
 * @property {(context: import('./harness/steps.mjs').Context) => AsyncGenerator<Section>} measure
 */

/** @type {Readonly<Record<string, Suite>>} */
const SUITES = { gpt, decoder, mlp, truegrad, arms, factored, tfjs, compile, memory, pair };

/**
 * @typedef {object} Options
 * @property {string[]} only
 * @property {number} rounds
 * @property {number[]} threads
 * @property {string} device
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

/** Collects the numbers of a list. @param {string} text @param {number[] | undefined} before @returns {number[]} */
const threadCounts = (text, before) => [
  ...(Array.isArray(before) && before !== DEFAULT_THREADS ? before : []),
  wholeNumber(1024)(text),
];

/** One thread, and as many as this machine has cores. */
const DEFAULT_THREADS = [...new Set([1, availableParallelism()])];

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

/** The picture of one of several sections: its name comes before the ending. @param {string} path @param {string} id */
function pictureOf(path, id) {
  const ending = extname(path);
  return join(dirname(path), `${basename(path, ending)}-${id}${ending}`);
}

/** One line that is overwritten, on a terminal; nothing elsewhere. @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** Runs suites one after the other. @param {Options} options @param {AbortSignal} signal */
async function* sections({ only, rounds, threads, device, peers }, signal) {
  for (const name of only) {
    const folder = mkdtempSync(join(tmpdir(), 'bench-'));
    try {
      const python = peersPython();
      const context = { folder, rounds, threads, device, peers, python, signal, progress };
      yield* /** @type {Suite} */ (SUITES[name]).measure(context);
    } finally {
      progress('');
      rmSync(folder, { recursive: true, force: true });
    }
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
    machine: describeMachine(options.device),
    node: process.version,
    loadPerCoreBefore: busy,
    device: options.device,
    rounds: options.rounds,
    /** @type {Section[]} */
    sections: [],
  };
  for await (const section of sections(options, signal)) {
    progress('');
    for (const { name, reason } of section.skipped) console.error(`skipped ${name}: ${reason}`);
    console.log(`${section.title}\n${section.subtitle}, ${record.machine.cpu}\n\n${ratioTable(section)}\n`);
    record.sections.push(section);
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(record, null, 1)}\n`);
  }
  if (options.picture === undefined) return;
  const { saveFigure } = await import('optimal-grokking/dist/figures/static.node.js');
  for (const section of record.sections) {
    const path = record.sections.length === 1 ? options.picture : pictureOf(options.picture, section.id);
    await saveFigure(ratioFigure(section, record.machine.cpu), path);
  }
}

/** The suites with what they measure, for the help. */
function suitesHelp() {
  const width = Math.max(...Object.keys(SUITES).map((name) => name.length));
  const lines = Object.entries(SUITES).map(([name, { title }]) => `  ${name.padEnd(width)}  ${title}`);
  return `\nSuites:\n${lines.join('\n')}`;
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
    .option(
      '--threads <n...>',
      'numbers of threads of each contender, measured one after the other',
      threadCounts,
      DEFAULT_THREADS,
    )
    .addOption(
      new Option('--device <device>', 'where this project and its roofline run; the peers use the CPU')
        .choices([...COMPILED_DEVICES])
        .default('cpu'),
    )
    .option('--json <file>', 'write every figure to this file', outputPath)
    .option('--picture <file>', 'draw the ratios to this .svg or .png file, or files', picturePath)
    .option('--no-peers', 'leave the other frameworks out')
    .option(
      '--setup-peers',
      'make bench/peers/.venv with the other frameworks (about 6 GB on Linux), and end',
    )
    .addHelpText('after', suitesHelp())
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
