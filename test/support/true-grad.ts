/** @file Squared gradients of single examples of a token model: by its uses, and one example after the other. */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { crossEntropy } from '../../lib/models/loss';
import type { ForwardOptions, Model } from '../../lib/models/model';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { type TokenBatch, tokenBatch } from '../../lib/models/rows';
import { type TrueGradForm, valueGradsAndSquares } from '../../lib/models/true-grad';
import { labelsOf } from './decoder';

/** A training step's inputs: a model, a batch of it, and what dropout draws from. */
export interface Case {
  readonly model: Model & {
    readonly config: { readonly answers: number; readonly sequenceLength: number; readonly dropout: number };
  };
  readonly tokens: Int32Array;
  /** Default all rows of `tokens`. */
  readonly batch?: TokenBatch;
}

const batchOf = ({ model: { config }, tokens, batch }: Case): TokenBatch =>
  batch ?? tokenBatch(tokens, config.sequenceLength, config.vocabulary);

const optionsOf = ({ model: { config } }: Case): ForwardOptions =>
  config.dropout > 0 ? { random: { seed: 5, step: tf.scalar(2, 'int32') } } : {};

/** The rows of the logits and labels that are an example's answers. */
const answersOf = (example: number, rows: number, answers: number) =>
  tf.tensor1d(
    Array.from({ length: answers }, (_, answer) => answer * rows + example),
    'int32',
  );

function labels(given: Case): tf.Tensor2D {
  const { answers, classes } = given.model.config;
  return labelsOf(answers * batchOf(given).rows, classes);
}

/** Loss, gradients and squares by the model's marks. */
export function markedStep(given: Case, params: Params, form: TrueGradForm = 'exact') {
  const batch = batchOf(given);
  return valueGradsAndSquares(
    (p, uses) => crossEntropy(given.model.forward(p, batch, { ...optionsOf(given), uses }), labels(given)),
    params,
    { examples: batch.rows, form },
  );
}

/** Loss and gradients by the model's ordinary pass. */
export function ordinaryStep(given: Case, params: Params) {
  return valueAndGrads(
    (p) => crossEntropy(given.model.forward(p, batchOf(given), optionsOf(given)), labels(given)),
    params,
  );
}

/**
 * The mean over the examples of the squared gradients of their own losses, each by the ordinary pass over the whole batch, so
 * that all have the dropout that they have there.
 */
export function squaresOneByOne(given: Case, params: Params): Map<string, tf.Tensor> {
  const batch = batchOf(given);
  const { answers } = given.model.config;
  const sums = new Map<string, tf.Tensor>();
  for (let example = 0; example < batch.rows; example++) {
    const own = answersOf(example, batch.rows, answers);
    const { grads } = valueAndGrads((p) => {
      const logits = given.model.forward(p, batch, optionsOf(given));
      return crossEntropy(tf.gather(logits, own), tf.gather(labels(given), own));
    }, params);
    for (const [name, gradient] of namedTensors(grads)) {
      const square = tf.div(tf.square(gradient), batch.rows);
      sums.set(name, tf.add(sums.get(name) ?? 0, square));
    }
  }
  return sums;
}

/** The same from batches of one row, which needs dropout to be off. */
export function squaresOfSingleRows(given: Case, params: Params): Map<string, tf.Tensor> {
  const { answers, sequenceLength, vocabulary } = given.model.config;
  const rows = given.tokens.length / sequenceLength;
  const sums = new Map<string, tf.Tensor>();
  for (let example = 0; example < rows; example++) {
    const row = given.tokens.slice(example * sequenceLength, (example + 1) * sequenceLength);
    const batch = tokenBatch(row, sequenceLength, vocabulary);
    const own = tf.gather(labels(given), answersOf(example, rows, answers)) as tf.Tensor2D;
    const { grads } = valueAndGrads((p) => crossEntropy(given.model.forward(p, batch), own), params);
    for (const [name, gradient] of namedTensors(grads)) {
      const square = tf.div(tf.square(gradient), rows);
      sums.set(name, tf.add(sums.get(name) ?? 0, square));
    }
  }
  return sums;
}

/**
 * Expects tensors to equal a reference, each within its own largest number; where the reference is 0, so must they be.
 *
 * @param floor Reference numbers of at most this size are rounding of 0, and so may be the others.
 */
export function expectTensors(
  actual: Params,
  reference: ReadonlyMap<string, tf.Tensor>,
  tolerance: number,
  floor = 0,
): void {
  for (const [name, tensor] of namedTensors(actual)) {
    const expected = (reference.get(name) as tf.Tensor).dataSync();
    const isZero = expected.every((x) => Math.abs(x) <= floor);
    const error = isZero ? floor : tolerance;
    expect(tensor.dataSync(), name).toMatchReference(isZero ? expected.map(() => 0) : expected, error);
  }
}
