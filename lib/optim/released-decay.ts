/** @file Weight decay as the package truegrad 5.0.0 applies it, defect included, for comparisons with what it computes. */
import * as tf from '@tensorflow/tfjs-core';
import { isTensor, mapTree } from '../compile';
import { namedTensors } from '../models/params';
import type { Schedule } from './schedule';
import { stateless, type Transform } from './transform';

/** What decays and how fast. */
export interface ReleasedDecayOptions {
  /** At least 0. */
  readonly weightDecay: number;
  /** The learning rate of each step. */
  readonly learningRate: Schedule;
}

/**
 * Weight decay applied once for every parameter tensor: the package goes through the tensors in order and, before it updates
 * one, multiplies *all* of them by r = 1 − lr·weightDecay. In a step each of n tensors is so decayed n times, and the updates
 * of those that come first are decayed along with them: w ← rⁿ·w + rⁿ⁻¹⁻ᵏ·Δ for tensor k of 0 to n − 1.
 *
 * The last link of a chain: the updates Δ it is given are those that would be added to the parameters. The order of the
 * tensors is that of `namedTensors`.
 * @see `TrueGrad.step` in the package's `truegrad/optim.py`, which calls the decay of all parameters inside its loop over them
 */
export function addDecayAsReleased({ weightDecay, learningRate }: ReleasedDecayOptions): Transform {
  if (weightDecay === 0) return stateless((updates) => updates);
  return stateless((updates, { params, step }) => {
    const before = new Map(namedTensors(params));
    const names = [...before.keys()];
    const decay = tf.mul(learningRate(step), weightDecay);
    const ratio = tf.sub(1, decay);
    const powers: tf.Tensor[] = [tf.scalar(1)];
    while (powers.length < names.length) powers.push(tf.mul(powers.at(-1) as tf.Tensor, ratio));
    // rⁿ − 1 = −lr·weightDecay·(1 + r + … + rⁿ⁻¹), without the cancellation of the left side.
    const shrinkage = tf.neg(
      tf.mul(
        decay,
        powers.reduce((sum, power) => tf.add(sum, power)),
      ),
    );
    return mapTree(updates, isTensor, (update, path) => {
      const later = powers[names.length - 1 - names.indexOf(path)] as tf.Tensor;
      return tf.add(tf.mul(update, later), tf.mul(before.get(path) as tf.Tensor, shrinkage));
    }) as typeof updates;
  });
}
