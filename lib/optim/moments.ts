/** @file Running means of gradients and of their squares, which the adaptive optimisers share. */
import * as tf from '@tensorflow/tfjs-core';
import { mapParams, type Params } from '../models/params';

/** What keeps a divisor away from 0: `add` is √v̂ + eps, Adam's; `floor` is max(√v̂, eps), TrueGrad's. */
export type EpsMode = 'add' | 'floor';

/** The ways there are. */
export const EPS_MODES: readonly EpsMode[] = ['add', 'floor'];

/** Zeros in the form of the parameters. */
export function zerosOf(params: Params): Params {
  return mapParams(params, [], (p) => tf.zerosLike(p));
}

/** beta·mean + (1 − beta)·values, in the form of `mean`. */
export function movingMean(mean: Params, values: Params, beta: number): Params {
  return mapParams(mean, [values], (m, x) => movingMeanOf(m, x, beta));
}

/** The same of the values' squares. */
export function movingMeanSquare(mean: Params, values: Params, beta: number): Params {
  return mapParams(mean, [values], (m, x) => movingMeanOf(m, tf.square(x), beta));
}

function movingMeanOf(mean: tf.Tensor, values: tf.Tensor, beta: number): tf.Tensor {
  return tf.add(tf.mul(mean, beta), tf.mul(values, 1 - beta));
}

/** 1/(1 − βᵗ) for update number t = step + 1: what takes the zeros that a mean begins with out of it. */
export function debias(beta: number, step: tf.Tensor): tf.Tensor {
  return tf.reciprocal(biasCorrection(beta, step));
}

/** Its root, for the root of a mean of squares. */
export function debiasRoot(beta: number, step: tf.Tensor): tf.Tensor {
  return tf.reciprocal(tf.sqrt(biasCorrection(beta, step)));
}

/** 1 − βᵗ for update number t = step + 1, without the cancellation of the direct form. */
function biasCorrection(beta: number, step: tf.Tensor): tf.Tensor {
  const t = tf.add(tf.cast(step, 'float32'), 1);
  return tf.neg(tf.expm1(tf.mul(t, Math.log(beta))));
}

/** A divisor from the mean of squares `v`: its debiased root, kept away from 0. */
export function divisor(
  v: tf.Tensor,
  correction: tf.Tensor,
  { eps, mode }: { readonly eps: number; readonly mode: EpsMode },
): tf.Tensor {
  const root = tf.mul(tf.sqrt(v), correction);
  return mode === 'add' ? tf.add(root, eps) : tf.maximum(root, eps);
}
