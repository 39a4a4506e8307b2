/**
 * @file The suite `gpt`: one full-batch training step of write-up 2's one-block GPT on addition mod 113, with AdamW and
 * without validation. All contenders read the same rows and initial weights from one file.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gatherRows } from 'optimal-grokking/dist/data/split.js';
import { datasetOf, runConfig, splitOf } from 'optimal-grokking/dist/train/config.js';
import { encodeSafetensors } from 'optimal-grokking/dist/train/safetensors.js';
import { namedHostTensors } from 'optimal-grokking/dist/train/state.js';
import { prepareRun } from 'optimal-grokking/dist/train/step.js';

/** Write-up 2's setting, the preset of the command line; 3,830 rows are 30 % of 113². */
const config = runConfig({ preset: 'gpt', trainRows: 3830 });

/** @param {string} file @returns {string} */
const here = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));

/**
 * Writes the training rows (`tokens` [rows, 3], `targets` [rows]), the initial weights by their checkpoint names and the
 * configuration (JSON, as metadata `config`) to a safetensors file.
 *
 * @param {string} path
 */
function writeInputs(path) {
  const dataset = datasetOf(config);
  const rows = splitOf(config, dataset).train;
  const { tokens, targets } = gatherRows(dataset, rows);
  /** @type {[name: string, tensor: any][]} */
  const tensors = [
    ['tokens', { dtype: 'I32', shape: [rows.length, dataset.sequenceLength], data: tokens }],
    ['targets', { dtype: 'I32', shape: [rows.length], data: targets }],
  ];
  for (const [name, { shape, data }] of namedHostTensors(prepareRun(config).initial.params)) {
    tensors.push([name, { dtype: 'F32', shape, data }]);
  }
  writeFileSync(path, encodeSafetensors(new Map(tensors), { config: JSON.stringify(config) }));
}

/**
 * @param {{ inputs: string, threads: number, python: string | undefined }} options the file of `writeInputs`; threads a
 *   contender may use; the Python of the peers' environment, if there is one
 * @returns {import('../harness/contender.mjs').ContenderSpec[]} the baseline first
 */
function contenders({ inputs, threads, python }) {
  const common = ['--inputs', inputs, '--threads', String(threads)];
  /** @param {string} file @param {string[]} args */
  const node = (file, ...args) => ({
    command: process.execPath,
    args: [here(`contenders/${file}`), ...args],
  });
  const own = [
    {
      name: 'compiled',
      description: 'this project: the training step compiled to one native program',
      ...node('compiled-gpt.mjs', ...common),
    },
    {
      name: 'roofline',
      description: 'the matrix products of the hand-reduced step alone, in the same runtime',
      checked: false,
      ...node('roofline.mjs', '--list', here('roofline/gpt.json'), '--threads', String(threads)),
    },
  ];
  if (python === undefined) return own;
  /** @param {string} name @param {string} description @param {string[]} args */
  const torch = (name, description, ...args) => ({
    name,
    description,
    command: python,
    args: [here('peers/torch_gpt.py'), '--name', name, ...common, ...args],
    // Waiting threads that sleep were not measurably slower than spinning ones, and much faster beside other work.
    env: { PYTHONNOUSERSITE: '1', OMP_NUM_THREADS: String(threads), OMP_WAIT_POLICY: 'PASSIVE' },
  });
  return [
    ...own,
    torch('torch-as-written', 'write-up 2 as written, PyTorch eager', '--model', 'as-written'),
    torch(
      'torch-as-written-sdpa',
      'the same with PyTorch’s default scaled_dot_product_attention kernel',
      '--model',
      'as-written',
      '--attention',
      'default',
    ),
    torch(
      'torch-as-written-compiled',
      'write-up 2 as written, torch.compile',
      '--model',
      'as-written',
      '--compile',
    ),
    torch('torch-reduced', 'the hand-reduced model, PyTorch eager', '--model', 'reduced'),
    torch(
      'torch-reduced-compiled',
      'the hand-reduced model, torch.compile',
      '--model',
      'reduced',
      '--compile',
    ),
  ];
}

export const gpt = {
  name: 'gpt',
  title: 'one training step of write-up 2’s GPT (mod 113, 3,830 rows, width 128, AdamW)',
  baseline: 'compiled',
  config,
  writeInputs,
  contenders,
};
