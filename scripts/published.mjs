/**
 * @file `npm run published`: trains every run that `output/published/runs.json` lists and that is not there yet, one
 * after the other. Stopped and started again it goes on with what is missing.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ensureBuilt, root } from './lib-build.mjs';

ensureBuilt();
const require = createRequire(import.meta.url);
const { terminalProgress, train } = require('optimal-grokking');
const { isPublished, publishRun } = require('optimal-grokking/dist/train/publish.node.js');

const published = join(root, 'output', 'published');
/** @type {{ folder: string, weights: boolean, seeds?: number[], options: object }[]} */
const list = JSON.parse(readFileSync(join(published, 'runs.json'), 'utf8'));
const runs = list.flatMap(({ folder, weights, seeds, options }) =>
  seeds === undefined
    ? [{ folder, weights, options }]
    : seeds.map((seed) => ({
        folder: folder.replace('{seed}', String(seed)),
        weights,
        options: { ...options, seed },
      })),
);

for (const { folder, weights, options } of runs) {
  const target = join(published, folder);
  if (isPublished(target)) {
    console.error(`${folder}: there already`);
    continue;
  }
  console.error(`${folder}:`);
  const run = await train(options, { display: terminalProgress() });
  if (run.summary.stoppedBy === 'signal') process.exit(130);
  publishRun(run, target, { weights });
}
