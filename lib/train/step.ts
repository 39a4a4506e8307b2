/** @file One training step as plain tfjs: loss, gradient, update, and the evaluation when it is due. */
import * as tf from '@tensorflow/tfjs-core';
import { cond, type Step } from '../compile';
import { gatherRows } from '../data/split';
import { asGptParams, gptForward } from '../models/gpt';
import { initializeGpt } from '../models/initialize';
import { accuracy, crossEntropy } from '../models/loss';
import { type Params, valueAndGrads } from '../models/params';
import { type TokenBatch, tokenBatch } from '../models/rows';
import { applyUpdates, OPTIMIZERS, type Transform } from '../optim';
import { datasetOf, modelConfigOf, type RunConfig, splitOf } from './config';
import { type TrainState, toHostTree } from './state';

/** Rows of a table, ready for a model. */
export interface Batch {
  readonly tokens: TokenBatch;
  /** [rows] */
  readonly targets: Int32Array;
}

/** What a step is made of; free of any particular model or operation. */
export interface StepParts {
  /** Logits at the answer position, [rows, classes]. */
  readonly forward: (params: Params, tokens: TokenBatch) => tf.Tensor2D;
  readonly classes: number;
  readonly train: Batch;
  readonly validation: Batch;
  readonly optimizer: Transform;
}

/** Names of what a step reports. The last three are NaN at steps without an evaluation. */
export const METRICS = {
  trainLoss: 'trainLoss',
  trainAccuracy: 'trainAccuracy',
  validationLoss: 'validationLoss',
  validationAccuracy: 'validationAccuracy',
} as const;

/**
 * A full-batch training step on a `TrainState`. Before the update, when the step number is a multiple of
 * `schedule.every` or equals `schedule.last`, it also evaluates the parameters on all training and validation rows.
 */
export function makeStep({ forward, classes, train, validation, optimizer }: StepParts): Step<TrainState> {
  return (state: TrainState<tf.Tensor>) => {
    const targets = tf.tensor1d(train.targets, 'int32');
    let logits: tf.Tensor2D | undefined;
    const { value, grads } = valueAndGrads((params) => {
      // Run eagerly, tfjs frees what this function leaves behind; the accuracy still needs the logits.
      logits = tf.keep(forward(params, train.tokens)); // [rows, classes]
      return crossEntropy(logits, oneHot(targets, classes));
    }, state.params);
    const context = { params: state.params, step: state.step };
    const { updates, state: optimizerState } = optimizer.update(grads, state.optimizer, context);

    const { every, last } = state.schedule;
    const due = tf.logicalOr(tf.equal(tf.mod(state.step, every), 0), tf.equal(state.step, last));
    const evaluation = cond(
      due,
      () => ({
        [METRICS.trainAccuracy]: accuracy(logits as tf.Tensor2D, targets),
        ...evaluate(forward(state.params, validation.tokens), validation.targets, classes),
      }),
      () => ({
        [METRICS.trainAccuracy]: tf.scalar(Number.NaN),
        [METRICS.validationLoss]: tf.scalar(Number.NaN),
        [METRICS.validationAccuracy]: tf.scalar(Number.NaN),
      }),
    );
    (logits as tf.Tensor2D | undefined)?.dispose();
    const next: TrainState<tf.Tensor> = {
      params: applyUpdates(state.params, updates),
      optimizer: optimizerState,
      step: tf.add(state.step, tf.scalar(1, 'int32')),
      schedule: state.schedule,
    };
    return { state: next, metrics: { [METRICS.trainLoss]: value, ...evaluation } };
  };
}

function evaluate(logits: tf.Tensor2D, targets: Int32Array, classes: number): Record<string, tf.Tensor> {
  const labels = tf.tensor1d(targets, 'int32');
  return {
    [METRICS.validationLoss]: crossEntropy(logits, oneHot(labels, classes)),
    [METRICS.validationAccuracy]: accuracy(logits, labels),
  };
}

/** [rows, classes], float32: 1 at the label. */
function oneHot(labels: tf.Tensor1D, classes: number): tf.Tensor2D {
  return tf.cast(tf.oneHot(labels, classes), 'float32') as tf.Tensor2D;
}

/** Everything a run begins with. */
export interface PreparedRun {
  readonly step: Step<TrainState>;
  /** Initial parameters, zeroed optimiser state, step 0. */
  readonly initial: TrainState;
  readonly trainRows: number;
  readonly validationRows: number;
}

/** Data, model, optimiser and initial state of a configuration. */
export function prepareRun(config: RunConfig): PreparedRun {
  const dataset = datasetOf(config);
  const split = splitOf(config, dataset);
  const model = modelConfigOf(config, dataset);
  const batch = (rows: Int32Array): Batch => {
    const { tokens, targets } = gatherRows(dataset, rows);
    return { tokens: tokenBatch(tokens, dataset.sequenceLength, dataset.vocabulary), targets };
  };
  const optimizer = OPTIMIZERS[config.optimizer](config);
  const params = initializeGpt(model, config.init, config.seed);
  return {
    step: makeStep({
      forward: (tensors, tokens) => gptForward(model, asGptParams(tensors), tokens),
      classes: model.classes,
      train: batch(split.train),
      validation: batch(split.validation),
      optimizer,
    }),
    initial: {
      params,
      optimizer: toHostTree((tensors) => optimizer.init(tensors), params),
      step: { dtype: 'int32', shape: [], data: Int32Array.of(0) },
      schedule: scheduleOf(config.evalEvery, config.steps - 1),
    },
    trainRows: split.train.length,
    validationRows: split.validation.length,
  };
}

/** When to evaluate, as part of the state, so that changing it compiles nothing anew. */
export function scheduleOf(every: number, last: number): TrainState['schedule'] {
  return {
    every: { dtype: 'int32', shape: [], data: Int32Array.of(every) },
    last: { dtype: 'int32', shape: [], data: Int32Array.of(last) },
  };
}
