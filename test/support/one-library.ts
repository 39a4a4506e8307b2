/**
 * @file Fails a test file that loads what changes tfjs for the test files after it in the same process: the built library
 * registers its kernels over the sources', danfo.js a second tfjs's gradients over the corrected ones.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const folders = ['../../lib/dist/', '../../node_modules/@tensorflow/tfjs-node/'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);
const { cache } = createRequire(import.meta.url);
const loaded = () => folders.filter((folder) => Object.keys(cache).some((path) => path.startsWith(folder)));

const before = loaded();
afterAll(() => {
  const [folder] = loaded().filter((path) => !before.includes(path));
  if (folder !== undefined) {
    throw new Error(`this file loads ${folder}: it needs a place in ALONE of vitest.config.mjs`);
  }
});
