/** @file One training step as plain tfjs: loss, gradient, update, and the evaluation when it is due. */
import * as tf from '@tensorflow/tfjs-core';
import { cond, minibatch, type Step } from '../compile';
import { ArgumentError } from '../errors';
import { accuracy, crossEntropy } from '../models/loss';
import type { ForwardOptions, Model } from '../models/model';
import { type Params, valueAndGrads } from '../models/params';
import { selectRows, type TokenBatch } from '../models/rows';
import { type TrueGradForm, type Uses, valueGradsAndSquares } from '../models/true-grad';
import { weightNoise } from '../models/weight-noise';
import { applyUpdates, type Transform } from '../optim';
import type { TrainState } from './state';

/** Rows of a table, ready for a model. */
export interface Batch {
  readonly tokens: TokenBatch;
  /** [answers · rows], the first answer of all rows, then the second. */
  readonly targets: Int32Array;
}

/** What a step is made of; free of any particular model or operation. */
export interface StepParts {
  readonly forward: Model['forward'];
  readonly classes: number;
  /** Predicted tokens a row. Default 1. */
  readonly answers?: number;
  readonly train: Batch;
  readonly validation: Batch;
  readonly optimizer: Transform;
  /** Where the model has one, applied to updated parameters. Default none. */
  readonly project?: Model['project'];
  /** Fixes what is drawn in a step: rows, dropout, noise. Default 0. */
  readonly seed?: number;
  /** Training rows in one update. Default all of them. */
  readonly batchSize?: number | 'full';
  /** Whether the forward pass draws in training. Default false. */
  readonly dropout?: boolean;
  /** Standard deviation of the noise on the parameters in training. Default 0. */
  readonly weightNoise?: number;
  /** Whether dropout stays on in evaluations. Default false. */
  readonly dropoutInValidation?: boolean;
  /** How the optimiser's squares are formed. Without it, it is given none. */
  readonly trueGrad?: TrueGradForm;
}

/**
 * Names of what a step reports: `trainLoss` is the loss that the step's own update follows, over its own rows. The others are
 * measured when an evaluation is due, and NaN at other steps.
 */
export const METRICS = {
  trainLoss: 'trainLoss',
  evaluatedTrainLoss: 'evaluatedTrainLoss',
  trainAccuracy: 'trainAccuracy',
  validationLoss: 'validationLoss',
  validationAccuracy: 'validationAccuracy',
} as const;

/** Rows with their targets as tensors, chosen in the step or all of them. */
interface Rows {
  readonly tokens: TokenBatch;
  /** [answers · rows], int32 */
  readonly targets: tf.Tensor1D;
}

/**
 * Dropout of an evaluation draws from a seed of its own, counted from the other end, so that it shares no mask with the
 * training step.
 */
const evaluationSeed = (seed: number) => Number.MAX_SAFE_INTEGER - seed;

/**
 * A training step on a `TrainState`. Before the update, when the step number is a multiple of `schedule.every` or equals
 * `schedule.last`, it also evaluates the parameters on all training and validation rows.
 *
 * @throws {ArgumentError} for `trueGrad` `released` with weight noise
 */
export function makeStep(parts: StepParts): Step<TrainState> {
  const {
    forward,
    classes,
    answers = 1,
    train,
    validation,
    optimizer,
    project = (updated) => updated,
  } = parts;
  const { seed = 0, batchSize = 'full', dropout = false, weightNoise: noise = 0 } = parts;
  const { dropoutInValidation = false, trueGrad } = parts;
  const full = batchSize === 'full' || batchSize === train.tokens.rows;
  if (trueGrad === 'released' && noise > 0) {
    throw new ArgumentError(
      `weightNoise is ${noise}, but trueGrad 'released' takes an embedding's squares from its weights, which are then those without noise; leave out weightNoise, or take exact or token`,
    );
  }
  const noisy = dropout || noise > 0;
  // Where the update sees all rows as an evaluation would, its own forward pass is the evaluation of the training rows.
  const sharesForward = full && noise === 0 && (!dropout || dropoutInValidation);

  return (state: TrainState<tf.Tensor>) => {
    const { params, step } = state;
    const all: Rows = { tokens: train.tokens, targets: tf.tensor1d(train.targets, 'int32') };
    const rows = full
      ? all
      : drawRows(all, minibatch(all.tokens.rows, batchSize, { seed, purpose: 'batch', step }));
    const random: ForwardOptions = noisy ? { random: { seed, step } } : {};
    let logits: tf.Tensor2D | undefined;
    const lossOf = (clean: Params, uses?: Uses) => {
      const used = noise === 0 ? clean : weightNoise(clean, { std: noise, seed, step });
      const result = forward(used, rows.tokens, uses ? { ...random, uses } : random); // [answers · rows, classes]
      // Run eagerly, tfjs frees what this function leaves behind; an evaluation may still need the logits.
      logits = sharesForward ? tf.keep(result) : undefined;
      return crossEntropy(result, oneHot(rows.targets, classes));
    };
    const { value, grads, ...squared } =
      trueGrad === undefined
        ? valueAndGrads(lossOf, params)
        : valueGradsAndSquares(lossOf, params, { examples: rows.tokens.rows, form: trueGrad });
    const context = { params, step, ...squared };
    const { updates, state: optimizerState } = optimizer.update(grads, state.optimizer, context);

    const { every, last } = state.schedule;
    const due = tf.logicalOr(tf.equal(tf.mod(step, every), 0), tf.equal(step, last));
    const evaluate = (batch: Rows, known?: { readonly logits: tf.Tensor2D; readonly loss: tf.Tensor }) => {
      const options: ForwardOptions =
        dropoutInValidation && dropout ? { random: { seed: evaluationSeed(seed), step } } : {};
      const computed = known?.logits ?? forward(params, batch.tokens, options);
      return {
        loss: known?.loss ?? crossEntropy(computed, oneHot(batch.targets, classes)),
        accuracy: accuracy(computed, batch.targets, answers),
      };
    };
    const evaluation = cond(
      due,
      () => {
        const onTrain = evaluate(all, logits && { logits, loss: value });
        const onValidation = evaluate({
          tokens: validation.tokens,
          targets: tf.tensor1d(validation.targets, 'int32'),
        });
        return {
          [METRICS.evaluatedTrainLoss]: onTrain.loss,
          [METRICS.trainAccuracy]: onTrain.accuracy,
          [METRICS.validationLoss]: onValidation.loss,
          [METRICS.validationAccuracy]: onValidation.accuracy,
        };
      },
      () => ({
        [METRICS.evaluatedTrainLoss]: tf.scalar(Number.NaN),
        [METRICS.trainAccuracy]: tf.scalar(Number.NaN),
        [METRICS.validationLoss]: tf.scalar(Number.NaN),
        [METRICS.validationAccuracy]: tf.scalar(Number.NaN),
      }),
    );
    logits?.dispose();
    const next: TrainState<tf.Tensor> = {
      params: project(applyUpdates(params, updates), params),
      optimizer: optimizerState,
      step: tf.add(step, tf.scalar(1, 'int32')),
      schedule: state.schedule,
    };
    return { state: next, metrics: { [METRICS.trainLoss]: value, ...evaluation } };
  };
}

/** Some of the rows. @param chosen int32 [rows of the batch] */
function drawRows({ tokens, targets }: Rows, chosen: tf.Tensor1D): Rows {
  const answers = targets.size / tokens.rows;
  const places = Array.from({ length: answers }, (_, answer) =>
    tf.add(chosen, tf.scalar(answer * tokens.rows, 'int32')),
  );
  return {
    tokens: selectRows(tokens, chosen),
    targets: tf.gather(targets, tf.concat(places) as tf.Tensor1D),
  };
}

/** [answers · rows, classes], float32: 1 at the label. */
function oneHot(labels: tf.Tensor1D, classes: number): tf.Tensor2D {
  return tf.cast(tf.oneHot(labels, classes), 'float32') as tf.Tensor2D;
}

/** When to evaluate, as part of the state, so that changing it compiles nothing anew. */
export function scheduleOf(every: number, last: number): TrainState['schedule'] {
  return {
    every: { dtype: 'int32', shape: [], data: Int32Array.of(every) },
    last: { dtype: 'int32', shape: [], data: Int32Array.of(last) },
  };
}
