/**
 * @file `npm run published`: trains every run that `output/published/runs.json` lists and that is not there yet, one
 * after the other, and draws the pictures it lists. With names after `--`, such as `decoder-p97/coupled-2000`, only the runs
 * whose folders begin with one of them. A run that was stopped, at whatever moment, goes on where it was.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ensureBuilt, root } from './lib-build.mjs';

ensureBuilt();
const require = createRequire(import.meta.url);
const { readMetrics, requireFinite, saveFigure, terminalProgress, train, trainingCurves } =
  require('optimal-grokking');
const { isPublished, publishRun } = require('optimal-grokking/dist/train/publish.node.js');

const published = join(root, 'output', 'published');
const unfinished = join(root, 'output', 'runs', 'published');
const names = process.argv.slice(2);
/**
 * @type {{
 *   folder: string, weights: boolean, seeds?: number[], options: { seed?: number },
 *   picture?: { file: string, subtitle: string },
 * }[]}
 */
const list = JSON.parse(readFileSync(join(published, 'runs.json'), 'utf8'));

/** The runs of an entry: one, or one a seed. @param {(typeof list)[number]} entry */
function runsOf({ folder, seeds, options }) {
  if (seeds === undefined) return [{ folder, options }];
  return seeds.map((seed) => ({
    folder: folder.replace('{seed}', String(seed)),
    options: { ...options, seed },
  }));
}

const wanted = (/** @type {string} */ folder) =>
  names.length === 0 || names.some((name) => folder === name || folder.startsWith(`${name}/`));
const unknown = names.find(
  (name) => !list.flatMap(runsOf).some(({ folder }) => folder === name || folder.startsWith(`${name}/`)),
);
if (unknown !== undefined) {
  console.error(`'${unknown}' is no folder of output/published/runs.json; give one of those it lists`);
  process.exit(2);
}

for (const entry of list) {
  for (const { folder, options } of runsOf(entry).filter((run) => wanted(run.folder))) {
    const target = join(published, folder);
    if (isPublished(target)) {
      console.error(`${folder}: there already`);
      continue;
    }
    console.error(`${folder}:`);
    const out = join(unfinished, folder);
    const run = await train(options, { display: terminalProgress(), out, resume: true });
    if (run.summary.stoppedBy === 'signal') process.exit(130);
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
