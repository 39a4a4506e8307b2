/**
 * @file `npm run published`: trains every run that `output/published/runs.json` and the protocol of the singular values list
 * and that is not there yet, one after the other, and draws the pictures they list. With names after `--`, such as
 * `decoder-p97/coupled-2000`, only the runs whose folders begin with one of them; with `--threads N` on that many, which changes
 * no number and lets two such commands share two cores: a run that another one is making is left to it. A run that was
 * stopped, at whatever moment, goes on where it was.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { readArguments, runCommand, UsageError } from './jupyter/command.mjs';
import { Interrupted } from './jupyter/execute.mjs';
import { ensureBuilt, root } from './lib-build.mjs';

const USAGE = 'Usage: npm run published [-- [--threads N] [FOLDER …]], for example decoder-p97/coupled-2000.';
const published = join(root, 'output', 'published');
const unfinished = join(root, 'output', 'runs', 'published');
const claims = join(root, 'output', 'runs', 'published-claims');

/**
 * @typedef {{
 *   folder: string, weights: boolean, seeds?: number[], options: { seed?: number },
 *   spectrum?: { every: number, dense?: number, records?: number },
 *   picture?: { file: string, subtitle: string },
 * }} Entry
 */

/** All entries, in the order in which they are made. @returns {Entry[]} */
function entries() {
  const read = (/** @type {string[]} */ ...path) =>
    JSON.parse(readFileSync(join(published, ...path), 'utf8'));
  return [...read('runs.json'), ...read('singular-values', 'protocol.json').runs];
}

/** What `train` is told of an entry's singular values. @param {Entry} entry */
function recording({ spectrum }) {
  if (spectrum === undefined) return {};
  const { every, dense } = spectrum;
  return { spectrumEvery: every, ...(dense === undefined ? {} : { spectrumDense: dense }) };
}

/** The runs of an entry: one, or one a seed. @param {Entry} entry */
function runsOf({ folder, seeds, options }) {
  if (seeds === undefined) return [{ folder, options }];
  return seeds.map((seed) => ({
    folder: folder.replace('{seed}', String(seed)),
    options: { ...options, seed },
  }));
}

/** Whether a run is meant by a name: its own folder's or that of a folder above. */
const isNamed = (/** @type {string} */ folder, /** @type {string} */ name) =>
  folder === name || folder.startsWith(`${name}/`);

await runCommand(async () => {
  const { values, positionals: names } = readArguments(
    { options: { threads: { type: 'string' } }, allowPositionals: true },
    USAGE,
  );
  const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };
  const list = entries();
  const folders = list.flatMap(runsOf).map(({ folder }) => folder);
  const unknown = names.find((name) => !folders.some((folder) => isNamed(folder, name)));
  if (unknown !== undefined) {
    throw new UsageError(`'${unknown}' is no folder that is listed in output/published. ${USAGE}`);
  }

  ensureBuilt();
  const require = createRequire(import.meta.url);
  const { readMetrics, requireFinite, saveFigure, terminalProgress, train, trainingCurves } =
    require('optimal-grokking');
  const { isPublished, publishRun } = require('optimal-grokking/dist/train/publish.node.js');
  const { FolderInUseError, RunLock } = require('optimal-grokking/dist/train/run-lock.node.js');

  /** Makes one run, from where it is to its place. */
  const make = async (/** @type {Entry} */ entry, /** @type {ReturnType<typeof runsOf>[number]} */ run) => {
    const { folder, options } = run;
    const target = join(published, folder);
    if (isPublished(target)) {
      console.error(`${folder}: there already`);
      return;
    }
    console.error(`${folder}:`);
    const out = join(unfinished, folder);
    const settings = { display: terminalProgress(), out, resume: true, ...threads, ...recording(entry) };
    const trained = await train(options, settings);
    if (trained.summary.stoppedBy === 'signal') throw new Interrupted();
    requireFinite(trained);
    const records = entry.spectrum?.records;
    publishRun(trained, target, { weights: entry.weights, ...(records === undefined ? {} : { records }) });
    rmSync(out, { recursive: true });
  };
  /** The same, unless another process is at it. Its claim lasts until the run is in its place. */
  const makeAlone = async (
    /** @type {Entry} */ entry,
    /** @type {ReturnType<typeof runsOf>[number]} */ run,
  ) => {
    const claim = join(claims, run.folder);
    mkdirSync(claim, { recursive: true });
    let lock;
    try {
      lock = RunLock.take(claim);
      await make(entry, run);
    } catch (error) {
      if (!(error instanceof FolderInUseError)) throw error;
      console.error(`${run.folder}: another process is at it`);
    } finally {
      lock?.release();
    }
  };
  for (const entry of list) {
    for (const run of runsOf(entry)) {
      if (names.length > 0 && !names.some((name) => isNamed(run.folder, name))) continue;
      await makeAlone(entry, run);
    }
    const { picture } = entry;
    if (picture === undefined || existsSync(join(published, picture.file))) continue;
    if (!runsOf(entry).every(({ folder }) => isPublished(join(published, folder)))) continue;
    const histories = runsOf(entry).map(({ folder, options }) => ({
      label: `seed ${options.seed}`,
      history: readMetrics(join(published, folder, 'metrics.csv')),
    }));
    const figure = trainingCurves(histories, { subtitle: picture.subtitle });
    await saveFigure(figure, join(published, picture.file));
  }
});
