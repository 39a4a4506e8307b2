/**
 * @file `npm run tables`: writes the tables that are made from the compiler's rules and tfjs's registry. With the argument
 * `tensorflow` it prints what tfjs's backend on TensorFlow lacks, where that is installed, and writes nothing.
 */
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

function writeTables() {
  const missing = missingKernels(tf, kernels, ['cpu', 'wasm']);
  /** @type {Record<string, string>} */
  const files = {
    'docs/operations.md': operationsPage(operations(), FUNCTIONS, missing),
    'test/support/capabilities.json': capabilitiesFile(missing),
  };
  mkdirSync(join(root, 'docs'), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    writeFileSync(join(root, path), text);
    console.log(path);
  }
}

function printTensorFlow() {
  require('@tensorflow/tfjs-node');
  if (tf.getKernelsForBackend('tensorflow').length === 0) {
    console.error('tfjs on TensorFlow is not installed: docs/devices.md says how to get it.');
    process.exitCode = 1;
    return;
  }
  const { tensorflow = [] } = missingKernels(tf, kernels, ['tensorflow']);
  console.log(`tfjs:node: ${tensorflow.join(', ') || 'nothing'}`);
}

const argument = process.argv[2];
if (argument === undefined) writeTables();
else if (argument === 'tensorflow') printTensorFlow();
else {
  console.error(`The argument is ${argument}: give none, or tensorflow.`);
  process.exitCode = 2;
}
