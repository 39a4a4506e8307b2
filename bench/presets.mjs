/**
 * @file What is measured: a model with its size, its training rows and its optimiser. Every contender of a suite reads
 * the same rows, initial weights and settings from one file.
 */
import { writeFileSync } from 'node:fs';
import { makeDataset } from 'optimal-grokking/dist/data/dataset.js';
import { randomStream } from 'optimal-grokking/dist/data/random.js';
import { gatherRows, splitRows } from 'optimal-grokking/dist/data/split.js';
import { datasetOf, runConfig, splitOf } from 'optimal-grokking/dist/train/config.js';
import { prepareRun } from 'optimal-grokking/dist/train/prepare.js';
import { encodeSafetensors } from 'optimal-grokking/dist/train/safetensors.js';
import { namedHostTensors } from 'optimal-grokking/dist/train/state.js';

/** @typedef {import('optimal-grokking/dist/train/config.js').RunConfig} RunConfig */
/** @typedef {import('./models/mlp.mjs').MlpConfig} MlpConfig */
/** @typedef {import('optimal-grokking/dist/compile/index.js').HostTensor} HostTensor */

/**
 * @typedef {object} Inputs What a contender starts from.
 * @property {Int32Array} tokens row-major [rows, tokens of a row]
 * @property {Int32Array} targets [rows]
 * @property {(readonly [name: string, tensor: HostTensor])[]} weights by their checkpoint names
 */

/**
 * @typedef {{ name: string, title: string, model: 'gpt' | 'decoder', config: RunConfig, inputs: () => Inputs }
 *   | { name: string, title: string, model: 'mlp', config: MlpConfig, inputs: () => Inputs }} Preset
 */

/**
 * A model that the command line trains.
 *
 * @param {string} name
 * @param {string} title
 * @param {RunConfig} config
 * @returns {Preset}
 */
function runPreset(name, title, config) {
  const inputs = () => {
    const dataset = datasetOf(config);
    const { tokens, targets } = gatherRows(dataset, splitOf(config, dataset).train);
    return { tokens, targets, weights: namedHostTensors(prepareRun(config).initial.params) };
  };
  return { name, title, model: config.model === 'decoder' ? 'decoder' : 'gpt', config, inputs };
}

/** Write-up 1's decoder as the command line trains it, on 2,000 pairs. @param {number} dModel @param {number} dFF */
function decoderPreset(dModel, dFF) {
  return runPreset(
    `decoder-${dModel}-${dFF}`,
    `write-up 1’s decoder (mod 97, 2,000 rows, width ${dModel}, ${dFF} hidden units, 2 layers, causal, dropout 0.1, AdamW)`,
    runConfig({ preset: 'decoder', trainRows: 2000, dModel, dFF }),
  );
}

/** @type {MlpConfig} */
const mlpConfig = { modulus: 97, hidden: 500, learningRate: 1e-3, weightDecay: 1, betas: [0.9, 0.98] };

/**
 * Half of the pairs, by a seeded permutation; weights that keep the size of what they multiply: two of the inputs are 1,
 * all of the hidden units count.
 *
 * @returns {Inputs}
 */
function mlpInputs() {
  const { modulus, hidden } = mlpConfig;
  const dataset = makeDataset({ operation: 'add', modulus });
  const { tokens, targets } = gatherRows(dataset, splitRows(dataset, { seed: 0, trainFraction: 0.5 }).train);
  // Without the "=" that ends each row of the data set.
  const pairs = tokens.filter((_, index) => index % dataset.sequenceLength < 2);
  /** @param {string} name @param {readonly [number, number]} shape @param {number} std @returns {[string, HostTensor]} */
  const weight = (name, [rows, columns], std) => [
    name,
    {
      dtype: 'float32',
      shape: [rows, columns],
      data: randomStream(0, `init/${name}`).normals(rows * columns, std),
    },
  ];
  return {
    tokens: pairs,
    targets,
    weights: [
      weight('fc1', [2 * modulus, hidden], Math.SQRT1_2),
      weight('fc2', [hidden, modulus], 1 / Math.sqrt(hidden)),
    ],
  };
}

export const PRESETS = {
  /** Write-up 2's setting, the preset of the command line; 3,830 rows are 30 % of 113². */
  gpt: runPreset(
    'gpt',
    'write-up 2’s GPT (mod 113, 3,830 rows, width 128, 512 hidden units, AdamW)',
    runConfig({ preset: 'gpt', trainRows: 3830 }),
  ),
  /** The setting in which TrueGrad's optimisers are compared with AdamW. */
  'gpt-59': runPreset(
    'gpt-59',
    'write-up 2’s GPT (mod 59, half of the pairs, width 128, 512 hidden units)',
    runConfig({ preset: 'gpt', modulus: 59, trainFraction: 0.5 }),
  ),
  /** The same model, so small that a JavaScript backend takes a fraction of a second a step. */
  'gpt-small': runPreset(
    'gpt-small',
    'write-up 2’s GPT made small (mod 23, 264 rows, width 32, 128 hidden units, AdamW)',
    runConfig({ preset: 'gpt', modulus: 23, trainRows: 264, dModel: 32 }),
  ),
  /** Smaller still: a call of it is little more than the call itself. */
  'gpt-tiny': runPreset(
    'gpt-tiny',
    'write-up 2’s GPT made tiny (mod 7, 25 rows, width 8, 32 hidden units, AdamW)',
    runConfig({ preset: 'gpt', modulus: 7, trainRows: 25, dModel: 8 }),
  ),
  /** Three of the sizes of write-up 1's grid: the smallest, the paper's width and the largest. */
  'decoder-64-256': decoderPreset(64, 256),
  'decoder-128-512': decoderPreset(128, 512),
  'decoder-256-2048': decoderPreset(256, 2048),
  /** @type {Preset} */
  mlp: {
    name: 'mlp',
    title: 'Gromov’s two-layer network (mod 97, 4,704 rows, 500 hidden units, AdamW)',
    model: 'mlp',
    config: mlpConfig,
    inputs: mlpInputs,
  },
};

/**
 * Writes a preset's rows (`tokens` [rows, tokens of a row], `targets` [rows]), its initial weights by their checkpoint
 * names, and as metadata its `model` and its `config` (JSON) to a safetensors file.
 *
 * @param {Preset} preset
 * @param {string} path
 */
export function writeInputs({ model, config, inputs }, path) {
  const { tokens, targets, weights } = inputs();
  const rows = targets.length;
  /** @type {[name: string, tensor: any][]} */
  const tensors = [
    ['tokens', { dtype: 'I32', shape: [rows, tokens.length / rows], data: tokens }],
    ['targets', { dtype: 'I32', shape: [rows], data: targets }],
    .../** @type {[string, any][]} */ (
      weights.map(([name, { shape, data }]) => [name, { dtype: 'F32', shape, data }])
    ),
  ];
  writeFileSync(path, encodeSafetensors(new Map(tensors), { model, config: JSON.stringify(config) }));
}
