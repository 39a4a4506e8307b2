/**
 * @file `npm run published`: trains every run that `output/published/runs.json` lists and that is not there yet, one
 * after the other, and draws the pictures it lists. With names after `--`, such as `decoder-p97/coupled-2000`, only the runs
 * whose folders begin with one of them; with `--threads N` on that many, which changes no number and lets two such commands
 * share two cores. A run that was stopped, at whatever moment, goes on where it was.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { readArguments, runCommand, UsageError } from './jupyter/command.mjs';
import { Interrupted } from './jupyter/execute.mjs';
import { ensureBuilt, root } from './lib-build.mjs';

const USAGE = 'Usage: npm run published [-- [--threads N] [FOLDER …]], for example decoder-p97/coupled-2000.';
const published = join(root, 'output', 'published');
const unfinished = join(root, 'output', 'runs', 'published');

/**
 * @typedef {{
 *   folder: string, weights: boolean, seeds?: number[], options: { seed?: number },
 *   picture?: { file: string, subtitle: string },
 * }} Entry
 */

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
  /** @type {Entry[]} */
  const list = JSON.parse(readFileSync(join(published, 'runs.json'), 'utf8'));
  const folders = list.flatMap(runsOf).map(({ folder }) => folder);
  const unknown = names.find((name) => !folders.some((folder) => isNamed(folder, name)));
  if (unknown !== undefined) {
    throw new UsageError(`'${unknown}' is no folder of output/published/runs.json. ${USAGE}`);
  }

  ensureBuilt();
  const require = createRequire(import.meta.url);
  const { readMetrics, requireFinite, saveFigure, terminalProgress, train, trainingCurves } =
    require('optimal-grokking');
  const { isPublished, publishRun } = require('optimal-grokking/dist/train/publish.node.js');
  for (const entry of list) {
    for (const { folder, options } of runsOf(entry)) {
      if (names.length > 0 && !names.some((name) => isNamed(folder, name))) continue;
      const target = join(published, folder);
      if (isPublished(target)) {
        console.error(`${folder}: there already`);
        continue;
      }
      console.error(`${folder}:`);
      const out = join(unfinished, folder);
      const run = await train(options, { display: terminalProgress(), out, resume: true, ...threads });
      if (run.summary.stoppedBy === 'signal') throw new Interrupted();
      requireFinite(run);
      publishRun(run, target, { weights: entry.weights });
      rmSync(out, { recursive: true });
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
