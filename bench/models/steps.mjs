/** @file The training step of an inputs' file (see `presets.mjs`), written in tfjs, with the state that it starts from. */
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { gatherRows } from 'optimal-grokking/dist/data/split.js';
import { treeOfNames } from 'optimal-grokking/dist/models/initialize.js';
import { tokenBatch } from 'optimal-grokking/dist/models/rows.js';
import { OPTIMIZERS } from 'optimal-grokking/dist/optim/index.js';
import { datasetOf, modelConfigOf, splitOf } from 'optimal-grokking/dist/train/config.js';
import { decodeSafetensors } from 'optimal-grokking/dist/train/safetensors.js';
import { toHostTree } from 'optimal-grokking/dist/train/state.js';
import { makeStep, prepareRun, scheduleOf } from 'optimal-grokking/dist/train/step.js';
import { mlpStep } from './mlp.mjs';
import { plainGpt } from './plain-gpt.mjs';

/**
 * How a model is written.
 *
 * - `reduced`: by hand reduced to what the loss depends on, as this project trains it;
 * - `plain`: as one would write it without a thought for speed;
 * - `one-hot`: the same, tokens embedded by products with one-hot rows, as write-up 2 has it.
 *
 * @typedef {'reduced' | 'plain' | 'one-hot'} Form
 */
export const FORMS = /** @type {const} */ (['reduced', 'plain', 'one-hot']);

/**
 * @typedef {object} TrainingStep
 * @property {any} step a step as `Program.compile` takes it; its metric `trainLoss` is the loss before the update
 * @property {any} state in host memory
 */

/** Row-major tokens, [rows, positions]. @param {import('optimal-grokking/dist/models/rows.js').TokenBatch} batch */
function tokensOf({ rows, positions }) {
  const tokens = new Int32Array(rows * positions.length);
  for (const [position, { tokens: distinct, index }] of positions.entries()) {
    for (let row = 0; row < rows; row++) {
      tokens[row * positions.length + position] = Number(distinct[Number(index[row])]);
    }
  }
  return tf.tensor2d(tokens, [rows, positions.length], 'int32');
}

/** @param {import('optimal-grokking/dist/train/config.js').RunConfig} config @param {Form} form */
function gptStep(config, form) {
  const prepared = prepareRun(config);
  if (form === 'reduced') return prepared;
  const dataset = datasetOf(config);
  const model = modelConfigOf(config, dataset);
  const split = splitOf(config, dataset);
  /** @param {Int32Array} rows */
  const batch = (rows) => {
    const { tokens, targets } = gatherRows(dataset, rows);
    return { tokens: tokenBatch(tokens, dataset.sequenceLength, dataset.vocabulary), targets };
  };
  const step = makeStep({
    forward: (params, tokens) =>
      plainGpt(model, /** @type {any} */ (params), tokensOf(tokens), form === 'plain' ? 'gather' : 'oneHot'),
    classes: model.classes,
    train: batch(split.train),
    validation: batch(split.validation),
    optimizer: OPTIMIZERS[config.optimizer](config),
  });
  return { ...prepared, step };
}

/**
 * Reads an inputs' file.
 *
 * @param {string} path
 * @param {Form} form
 * @param {{ evaluate?: boolean }} [options] for the GPT, whether every step evaluates on the validation rows; default
 *   never
 * @returns {TrainingStep}
 */
export function readStep(path, form, { evaluate = false } = {}) {
  const { tensors, metadata } = decodeSafetensors(readFileSync(path), path);
  const config = JSON.parse(String(metadata.config));
  /** @param {string} name @returns {any} */
  const stored = (name) => tensors.get(name);
  const names = [...tensors.keys()].filter((name) => name !== 'tokens' && name !== 'targets');
  /** @type {any} */
  const params = treeOfNames(
    names.map((name) => [name, { dtype: 'float32', shape: stored(name).shape, data: stored(name).data }]),
  );
  if (metadata.model === 'mlp') {
    const rows = { tokens: stored('tokens').data, targets: stored('targets').data };
    const { step, optimizer } = mlpStep(config, rows, form === 'reduced' ? 'reduced' : 'plain');
    const zero = { dtype: 'int32', shape: [], data: Int32Array.of(0) };
    const moments = toHostTree((weights) => optimizer.init(weights), params);
    return { step, state: { params, optimizer: moments, step: zero } };
  }
  const { step, initial } = gptStep(config, form);
  // Every step, or none after step 0, which is over before anything is measured.
  const schedule = evaluate ? scheduleOf(1, -1) : scheduleOf(2 ** 30, -1);
  return { step, state: { ...initial, params, schedule } };
}
