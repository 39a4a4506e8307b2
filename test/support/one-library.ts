/** @file Fails a test file that loads the built library in a process that has the sources: of their kernels, one would win. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const built = fileURLToPath(new URL('../../lib/dist/', import.meta.url));
const { cache } = createRequire(import.meta.url);
const isLoaded = () => Object.keys(cache).some((path) => path.startsWith(built));

const before = isLoaded();
afterAll(() => {
  if (!before && isLoaded()) {
    throw new Error('this file loads the built library: it needs a place in ALONE of vitest.config.mjs');
  }
});
