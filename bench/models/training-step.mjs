/** @file A full-batch training step of any model: loss, gradient, AdamW or TrueGrad's AdamW; no evaluation. */
import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from 'optimal-grokking/dist/models/loss.js';
import { valueAndGrads } from 'optimal-grokking/dist/models/params.js';
import { valueGradsAndSquares } from 'optimal-grokking/dist/models/true-grad/index.js';
import { adamw, applyUpdates, tgAdamW } from 'optimal-grokking/dist/optim/index.js';
import { toHostTree } from 'optimal-grokking/dist/train/state.js';

/**
 * @typedef {object} TrainingStep
 * @property {any} step a step as `Program.compile` takes it; its metric `trainLoss` is the loss before the update
 * @property {any} state in host memory
 */

/**
 * Logits of all training rows, [rows, classes].
 *
 * @typedef {(params: any, random?: { seed: number, step: tf.Tensor }, uses?: Uses) => tf.Tensor2D} Forward
 */

/** @typedef {import('optimal-grokking/dist/models/true-grad/index.js').Uses} Uses */
/** @typedef {import('optimal-grokking/dist/models/true-grad/index.js').TrueGradForm} TrueGradForm */

/**
 * @param {object} model
 * @param {Forward} model.forward
 * @param {any} model.params initial parameters, in host memory
 * @param {Int32Array} model.targets [rows]
 * @param {number} model.classes
 * @param {number} [model.seed] what dropout draws from; without it nothing is dropped
 * @param {import('optimal-grokking/dist/optim/index.js').OptimizerOptions & { trueGrad?: TrueGradForm }} options AdamW's;
 *   with `trueGrad`, TrueGrad's
 * @returns {TrainingStep}
 */
export function trainingStep({ forward, params, targets, classes, seed }, options) {
  const { trueGrad, ...rest } = options;
  const optimizer =
    trueGrad === undefined ? adamw(rest) : tgAdamW({ ...rest, decayAsReleased: trueGrad === 'released' });
  /** @param {any} state */
  const step = (state) => {
    /** @type {tf.Tensor2D} */
    const labels = tf.cast(tf.oneHot(tf.tensor1d(targets, 'int32'), classes), 'float32');
    const random = seed === undefined ? undefined : { seed, step: state.step };
    /** @param {any} given @param {Uses} [uses] */
    const loss = (given, uses) => crossEntropy(forward(given, random, uses), labels);
    const { value, grads, ...squared } =
      trueGrad === undefined
        ? valueAndGrads(loss, state.params)
        : valueGradsAndSquares(loss, state.params, { examples: targets.length, form: trueGrad });
    const context = { params: state.params, step: state.step, ...squared };
    const update = optimizer.update(grads, state.optimizer, context);
    return {
      state: {
        params: applyUpdates(state.params, update.updates),
        optimizer: update.state,
        step: tf.add(state.step, tf.scalar(1, 'int32')),
      },
      metrics: { trainLoss: value },
    };
  };
  const moments = toHostTree((weights) => optimizer.init(weights), params);
  const zero = { dtype: 'int32', shape: [], data: Int32Array.of(0) };
  return { step, state: { params, optimizer: moments, step: zero } };
}
