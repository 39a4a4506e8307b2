/**
 * @file `npm run published`: trains every run that `output/published/runs.json` lists and that is not there yet, one
 * after the other, and draws the pictures it lists. Stopped and started again it goes on with what is missing.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ensureBuilt, root } from './lib-build.mjs';

ensureBuilt();
const require = createRequire(import.meta.url);
const { readMetrics, saveFigure, terminalProgress, train, trainingCurves } = require('optimal-grokking');
const { isPublished, publishRun } = require('optimal-grokking/dist/train/publish.node.js');

const published = join(root, 'output', 'published');
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

for (const entry of list) {
  for (const { folder, options } of runsOf(entry)) {
    const target = join(published, folder);
    if (isPublished(target)) {
      console.error(`${folder}: there already`);
      continue;
    }
    console.error(`${folder}:`);
    const run = await train(options, { display: terminalProgress() });
    if (run.summary.stoppedBy === 'signal') process.exit(130);
    publishRun(run, target, { weights: entry.weights });
  }
  const { picture } = entry;
  if (picture === undefined || existsSync(join(published, picture.file))) continue;
  const histories = runsOf(entry).map(({ folder, options }) => ({
    label: `seed ${options.seed}`,
    history: readMetrics(join(published, folder, 'metrics.csv')),
  }));
  const figure = trainingCurves(histories, { subtitle: picture.subtitle });
  await saveFigure(figure, join(published, picture.file));
}
