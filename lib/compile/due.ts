/** @file When to do something inside a step, as conditions for `cond`. Exact: steps are compared as integers. */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError, shown } from './errors';

/** Steps are int32. */
const LAST_STEP = 2 ** 31 - 1;

/**
 * Whether a step is a multiple of k; step 0 is.
 * @param step int32 scalar, at least 0.
 * @param k A positive integer, or an int32 scalar of one, which may change from call to call.
 * @returns bool scalar.
 */
export function every(step: tf.Tensor, k: number | tf.Tensor): tf.Scalar {
  if (typeof k === 'number') checkPositive('k', k);
  const period = typeof k === 'number' ? tf.scalar(k, 'int32') : k;
  return tf.equal(tf.mod(step, period), tf.scalar(0, 'int32')) as tf.Scalar;
}

/**
 * Whether a step is one of `logSpacedSteps`, evenly spread on a logarithmic axis.
 * @param step int32 scalar, at least 0.
 * @returns bool scalar.
 */
export function logSpaced(step: tf.Tensor, perDecade: number): tf.Scalar {
  const due = tf.tensor1d(logSpacedSteps(perDecade, LAST_STEP), 'int32');
  return tf.any(tf.equal(step, due)) as tf.Scalar;
}

/**
 * 0, and 10^(i/perDecade) for i = 0, 1, …, rounded to whole numbers, each once: 0, 1, 2, 5, 10, 22, 46, 100, … for 3.
 * @param perDecade From 1 to 1000.
 * @param last The largest step wanted, below 2³¹.
 */
export function logSpacedSteps(perDecade: number, last: number): Int32Array {
  checkPositive('perDecade', perDecade);
  if (perDecade > 1000) throw new CompileError(`perDecade is ${shown(perDecade)}, expected at most 1000`);
  const steps = new Set([0]);
  for (let i = 0; ; i++) {
    // Powers of ten are exact this way.
    const step = Math.round(10 ** Math.floor(i / perDecade) * 10 ** ((i % perDecade) / perDecade));
    if (step > last) break;
    steps.add(step);
  }
  return Int32Array.from([...steps].filter((step) => step <= last));
}

function checkPositive(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1 || value > LAST_STEP) {
    throw new CompileError(
      `${name} is ${shown(value)}, expected a whole number from 1 to ${LAST_STEP} (2^31 - 1)`,
    );
  }
}
