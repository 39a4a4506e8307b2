/** @file `npm run tables`: writes the tables that are made from the compiler's rules and tfjs's registry. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ensureBuilt, root } from './lib-build.mjs';
import { capabilitiesFile, missingKernels } from './tables/capabilities.mjs';
import { FUNCTIONS, operationsPage } from './tables/operations.mjs';

ensureBuilt();
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-wasm');
const { operations } = require('optimal-grokking');
const kernels = operations().map((/** @type {{ kernel: string }} */ { kernel }) => kernel);

/** @type {Record<string, string>} */
const files = {
  'docs/operations.md': operationsPage(operations(), FUNCTIONS),
  'test/support/capabilities.json': capabilitiesFile(missingKernels(tf, kernels, ['cpu', 'wasm'])),
};
mkdirSync(join(root, 'docs'), { recursive: true });
for (const [path, text] of Object.entries(files)) {
  writeFileSync(join(root, path), text);
  console.log(path);
}
