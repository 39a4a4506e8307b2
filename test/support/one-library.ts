/**
 * @file Fails a test file that changes something for the test files after it in the same process. What it loads may change
 * tfjs: the built library registers its kernels over the sources', danfo.js a second tfjs's gradients over the corrected
 * ones. A module that it replaces keeps its former self in whatever an earlier file has loaded.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';

const REMEDY = 'it needs a place in ALONE of vitest.config.mjs';

const source = readFileSync(expect.getState().testPath as string, 'utf8');
const replaced = /\bvi\.(?:doM|m)ock\((?:import\()?\s*('[^']*')/.exec(source)?.[1];
if (replaced !== undefined) throw new Error(`this file replaces the module ${replaced}: ${REMEDY}`);

const folders = ['../../lib/dist/', '../../node_modules/@tensorflow/tfjs-node/'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);
const { cache } = createRequire(import.meta.url);
const loaded = () => folders.filter((folder) => Object.keys(cache).some((path) => path.startsWith(folder)));

const before = loaded();
afterAll(() => {
  const [folder] = loaded().filter((path) => !before.includes(path));
  if (folder !== undefined) throw new Error(`this file loads ${folder}: ${REMEDY}`);
});
