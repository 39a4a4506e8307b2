/** @file The training step of an inputs' file (see `presets.mjs`), written in tfjs, with the state that it starts from. */
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { dropout } from 'optimal-grokking/dist/compile/index.js';
import { asDecoderParams } from 'optimal-grokking/dist/models/decoder/index.js';
import { asGptParams, gptForward } from 'optimal-grokking/dist/models/gpt.js';
import { treeOfNames } from 'optimal-grokking/dist/models/initialize.js';
import { createModel } from 'optimal-grokking/dist/models/registry.js';
import { tokenBatch } from 'optimal-grokking/dist/models/rows.js';
import { datasetOf, modelConfigOf } from 'optimal-grokking/dist/train/config.js';
import { prepareRun } from 'optimal-grokking/dist/train/prepare.js';
import { decodeSafetensors } from 'optimal-grokking/dist/train/safetensors.js';
import { scheduleOf } from 'optimal-grokking/dist/train/step.js';
import { mlp } from './mlp.mjs';
import { plainDecoder } from './plain-decoder.mjs';
import { plainGpt } from './plain-gpt.mjs';
import { trainingStep } from './training-step.mjs';

/** @typedef {import('./training-step.mjs').TrainingStep} TrainingStep */
/** @typedef {import('./training-step.mjs').Uses | undefined} Uses */
/** @typedef {import('./training-step.mjs').TrueGradForm} TrueGradForm */

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
 * @param {import('optimal-grokking/dist/train/config.js').RunConfig} config
 * @param {Int32Array} tokens
 * @param {Form} form
 */
function gptLogits(config, tokens, form) {
  const model = modelConfigOf(config, datasetOf(config));
  const { sequenceLength, vocabulary } = model;
  if (form === 'reduced') {
    const batch = tokenBatch(tokens, sequenceLength, vocabulary);
    return (/** @type {any} */ params, /** @type {any} */ _, /** @type {Uses} */ uses) =>
      gptForward(model, asGptParams(params), batch, uses);
  }
  const embedding = form === 'plain' ? 'gather' : 'oneHot';
  return (/** @type {any} */ params) => {
    const rows = tf.tensor2d(tokens, [tokens.length / sequenceLength, sequenceLength], 'int32');
    return plainGpt(model, params, rows, embedding);
  };
}

/**
 * @param {import('optimal-grokking/dist/train/config.js').RunConfig} config
 * @param {Int32Array} tokens
 * @param {Form} form
 * @returns {import('./training-step.mjs').Forward}
 */
function decoderLogits(config, tokens, form) {
  const dataset = datasetOf(config);
  const model = createModel(modelConfigOf(config, dataset));
  const { sequenceLength, vocabulary } = dataset;
  if (form === 'reduced') {
    const batch = tokenBatch(tokens, sequenceLength, vocabulary);
    return (params, random) => model.forward(params, batch, random && { random });
  }
  const encoding = model.buffers.get('embed.pe');
  if (encoding === undefined) throw new RangeError('the plain decoder has sinusoidal positions');
  return (params, random) => {
    const rows = tf.tensor2d(tokens, [tokens.length / sequenceLength, sequenceLength], 'int32');
    const positions = tf.tensor2d(/** @type {Float32Array} */ (encoding.data), [
      sequenceLength,
      config.dModel,
    ]);
    /** @type {import('./plain-decoder.mjs').Dropout} */
    const drop = (x, use) => (random ? dropout(x, config.dropout, { ...random, purpose: use }) : x);
    return plainDecoder(/** @type {any} */ (model.config), positions, asDecoderParams(params), rows, drop);
  };
}

/** Whether the step of an inputs' file drops out. @param {string} path */
export const hasDropout = (path) => readInputs(path).config.dropout > 0;

/** An inputs' file. @param {string} path */
function readInputs(path) {
  const { tensors, metadata } = decodeSafetensors(readFileSync(path), path);
  /** @param {string} name @returns {any} */
  const stored = (name) => tensors.get(name);
  const names = [...tensors.keys()].filter((name) => name !== 'tokens' && name !== 'targets');
  /** @type {any} */
  const params = treeOfNames(
    names.map((name) => [name, { dtype: 'float32', shape: stored(name).shape, data: stored(name).data }]),
  );
  const [tokens, targets] = [stored('tokens').data, stored('targets').data];
  return { model: metadata.model, config: JSON.parse(String(metadata.config)), params, tokens, targets };
}

/**
 * The step of an inputs' file: the training rows' loss, gradient and update, and nothing else.
 *
 * @param {string} path
 * @param {Form} form
 * @param {{ dropout?: boolean, trueGrad?: TrueGradForm }} [options] `dropout: false` leaves dropout out where the model has
 *   it, so that its losses can be compared; `trueGrad` trains with TrueGrad's AdamW
 * @returns {TrainingStep}
 */
export function readStep(path, form, { dropout: drops = true, trueGrad } = {}) {
  const { model, config: stored, params, tokens, targets } = readInputs(path);
  const config = trueGrad === undefined ? stored : { ...stored, trueGrad };
  if (model === 'decoder') {
    const forward = decoderLogits(config, tokens, form);
    const seed = drops && config.dropout > 0 ? config.seed : undefined;
    return trainingStep({ forward, params, targets, classes: config.modulus, seed }, config);
  }
  if (model === 'gpt') {
    return trainingStep(
      { forward: gptLogits(config, tokens, form), params, targets, classes: config.modulus },
      config,
    );
  }
  const written = form === 'reduced' ? 'reduced' : 'plain';
  const forward = (/** @type {any} */ weights) => mlp(config, weights, tokens, written);
  return trainingStep({ forward, params, targets, classes: config.modulus }, config);
}

/**
 * The step as this project's users get it: that of `grok train`, evaluation included, where the model has one there.
 *
 * @param {string} path
 * @param {{ evaluate?: boolean }} [options] whether every step evaluates on the validation rows; default none but the
 *   first
 * @returns {TrainingStep}
 */
export function readUsersStep(path, { evaluate = false } = {}) {
  const { model, config, params } = readInputs(path);
  if (model === 'mlp') return readStep(path, 'reduced');
  const { step, initial } = prepareRun(config);
  return { step, state: { ...initial, params, schedule: scheduleOf(evaluate ? 1 : 2 ** 30, -1) } };
}
