/** @file One of each kind of random tensor, for comparing devices. */
import * as tf from '@tensorflow/tfjs-core';
import {
  bernoulli,
  dropout,
  dropoutMask,
  minibatch,
  permutation,
  randomNormal,
  randomUniform,
  randomWords,
} from '../../../lib/compile';

/** Tensors that are the same bits on every device, by name. */
const EXACT: Readonly<Record<string, (seed: tf.Tensor, step: tf.Tensor) => tf.Tensor>> = {
  'a scalar of words': (seed, step) => randomWords([], { seed, step, purpose: 'scalar' }),
  'words of less than a row': (seed, step) => randomWords([3, 5], { seed, step, purpose: 'a' }),
  'words of whole rows': (seed, step) => randomWords([2, 1024], { seed, step, purpose: 'a' }),
  'words of rows and a part': (seed, step) => randomWords([3, 1000], { seed, step, purpose: 'a' }),
  'more rows than columns': (seed, step) => randomWords([1100, 1024], { seed, step, purpose: 'a' }),
  'words of a seed given as a number': (_, step) => randomWords([7], { seed: 123, step, purpose: 'a' }),
  'words of a seed above 32 bits': (_, step) => randomWords([7], { seed: 2 ** 40 + 5, step, purpose: 'a' }),
  'words of a step given as a number': (seed) => randomWords([7], { seed, step: 9, purpose: 'a' }),
  'no words': (seed, step) => randomWords([0, 4], { seed, step, purpose: 'a' }),
  uniform: (seed, step) => randomUniform([31, 70], { seed, step, purpose: 'uniform' }),
  events: (seed, step) => bernoulli(0.3, [40, 70], { seed, step, purpose: 'events' }),
  'certain events': (seed, step) => bernoulli(1, [5], { seed, step, purpose: 'events' }),
  'impossible events': (seed, step) => bernoulli(0, [5], { seed, step, purpose: 'events' }),
  'a dropout mask of a row': (seed, step) => dropoutMask(0.1, [1024], { seed, step, purpose: 'mask' }),
  'a dropout mask of a row and a part': (seed, step) =>
    dropoutMask(0.3, [1500], { seed, step, purpose: 'mask' }),
  'a dropout mask': (seed, step) => dropoutMask(0.1, [33, 100], { seed, step, purpose: 'mask' }),
  'dropout of ones': (seed, step) => dropout(tf.ones([9, 9]), 0.5, { seed, step, purpose: 'dropout' }),
  'a permutation': (seed, step) => permutation(1500, { seed, step, purpose: 'order' }),
  'a batch that wraps': (seed, step) => minibatch(10, 4, { seed, step, purpose: 'batch' }),
  'a batch of whole epochs': (seed, step) => minibatch(12, 4, { seed, step, purpose: 'batch' }),
};

/** Normal numbers, which devices round differently. */
const ROUNDED: typeof EXACT = {
  'a few normals': (seed, step) => randomNormal([5], { seed, step, purpose: 'normal' }),
  'many normals': (seed, step) => randomNormal([50, 1001], { seed, step, purpose: 'normal' }),
};

export const EXACT_NAMES = Object.keys(EXACT);
export const ROUNDED_NAMES = Object.keys(ROUNDED);

/** Draws one of each: first the exact ones, then the rounded ones, in the order of their names. */
export function drawn([seed, step]: tf.Tensor[]): tf.Tensor[] {
  return [EXACT, ROUNDED].flatMap((draws) =>
    Object.values(draws).map((draw) => draw(seed as tf.Tensor, step as tf.Tensor)),
  );
}

/** Seeds and steps to draw with: both ends of int32 among them. */
export const KEYS = [
  [0, 0],
  [7, 100],
  [2 ** 31 - 1, 2 ** 31 - 1],
  [-1, 12_345],
] as const;

export const keyTensor = (value: number) => ({
  dtype: 'int32' as const,
  shape: [] as number[],
  data: Int32Array.of(value),
});
