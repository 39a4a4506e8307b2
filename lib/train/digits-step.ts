/**
 * @file One step of training a classifier of images by minibatches, as plain tfjs. What differs from run to run (the seed, the
 * learning rate) is part of the state, so that one compiled program does for all runs of a model and an optimiser.
 */
import * as tf from '@tensorflow/tfjs-core';
import { cond, every, type HostTensor, minibatch, type Step, type Tree } from '../compile';
import type { ImageClassifier } from '../models/image-classifier';
import { accuracy, crossEntropy } from '../models/loss';
import { mapParams, type Params, valueAndGrads } from '../models/params';
import { type TrueGradForm, type Uses, valueGradsAndSquares } from '../models/true-grad';
import { applyUpdates, type Transform } from '../optim';

/** Images with their classes. */
export interface LabelledImages {
  /** Row-major [rows, pixels]. */
  readonly images: Float32Array;
  /** [rows], whole numbers from 0. */
  readonly labels: Int32Array;
}

/** What a step is made of. */
export interface DigitsStepParts {
  readonly model: ImageClassifier;
  /** Its updates are multiplied by the state's `learningRate`, so its own learning rate should be 1. */
  readonly optimizer: Transform;
  readonly train: LabelledImages;
  /** What is evaluated, all of it at once. */
  readonly validation: LabelledImages;
  /** Images of one update; what is left over of an epoch is not seen in it. */
  readonly batchSize: number;
  /** Evaluates before the update at steps that are a multiple of this. */
  readonly evalEvery: number;
  /** Forms S, the mean squared gradient of single images, for the optimiser; absent: it is not formed. */
  readonly trueGrad?: TrueGradForm | undefined;
}

/** Tensors are `HostTensor`s between calls and traced tensors inside a step. */
export type DigitsState<L = HostTensor> = {
  readonly params: Tree<L>;
  /** In the form that the optimiser's `init` gives it. */
  readonly optimizer: Tree<L>;
  /** Updates done so far, int32 scalar. */
  readonly step: L;
  /** Fixes the order of the images, int32 scalar. */
  readonly seed: L;
  /** float32 scalar. */
  readonly learningRate: L;
};

/** What a step reports: `train…` of its minibatch before the update, `validation…` where due and NaN elsewhere. */
export const DIGITS_METRICS = ['trainLoss', 'trainAccuracy', 'validationLoss', 'validationAccuracy'] as const;

/** A training step on a `DigitsState`. */
export function makeDigitsStep(parts: DigitsStepParts): Step<DigitsState> {
  const { model, optimizer, batchSize, trueGrad } = parts;
  const { classes } = model;
  const trainRows = parts.train.labels.length;

  return (state: DigitsState<tf.Tensor>) => {
    const { params, step, seed, learningRate } = state;
    const rows = minibatch(trainRows, batchSize, { seed, purpose: 'batch', step }, { remainder: 'drop' });
    const train = tensorsOf(parts.train);
    const images: tf.Tensor2D = tf.gather(train.images, rows);
    const labels: tf.Tensor1D = tf.gather(train.labels, rows);
    let logits: tf.Tensor2D | undefined;
    const loss = (used: Params, uses?: Uses) => {
      // Run eagerly, tfjs frees what this function leaves behind; the accuracy still needs the logits.
      logits = tf.keep(model.forward(used, images, uses));
      return crossEntropy(logits, oneHot(labels, classes));
    };
    const { value, grads, ...rest } =
      trueGrad === undefined
        ? valueAndGrads(loss, params)
        : valueGradsAndSquares(loss, params, { examples: batchSize, form: trueGrad });
    const { updates, state: optimizerState } = optimizer.update(grads, state.optimizer, {
      params,
      step,
      ...rest,
    });
    const trainAccuracy = accuracy(logits as unknown as tf.Tensor2D, labels);
    (logits as unknown as tf.Tensor2D).dispose();
    const evaluation = cond(
      every(step, parts.evalEvery),
      () => {
        const validation = tensorsOf(parts.validation);
        const computed = model.forward(params, validation.images);
        return {
          validationLoss: crossEntropy(computed, oneHot(validation.labels, classes)) as tf.Tensor,
          validationAccuracy: accuracy(computed, validation.labels) as tf.Tensor,
        };
      },
      () => ({ validationLoss: tf.scalar(Number.NaN), validationAccuracy: tf.scalar(Number.NaN) }),
    );
    const next: DigitsState<tf.Tensor> = {
      params: applyUpdates(
        params,
        mapParams(updates, [], (update) => tf.mul(update, learningRate)),
      ),
      optimizer: optimizerState,
      step: tf.add(step, tf.scalar(1, 'int32')),
      seed,
      learningRate,
    };
    return { state: next, metrics: { trainLoss: value, trainAccuracy, ...evaluation } };
  };
}

function tensorsOf({ images, labels }: LabelledImages): { images: tf.Tensor2D; labels: tf.Tensor1D } {
  return {
    images: tf.tensor2d(images, [labels.length, images.length / labels.length]),
    labels: tf.tensor1d(labels, 'int32'),
  };
}

/** [rows, classes], float32: 1 at the label. */
function oneHot(labels: tf.Tensor1D, classes: number): tf.Tensor2D {
  return tf.cast(tf.oneHot(labels, classes), 'float32') as tf.Tensor2D;
}
