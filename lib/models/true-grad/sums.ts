/** @file Sums over places. */
import * as tf from '@tensorflow/tfjs-core';

/** The sum of one tensor or more. */
export function addedUp<T extends tf.Tensor>(terms: readonly T[]): T {
  return terms.reduce((a, b) => tf.add(a, b));
}

/** Each two of the items, once. */
export function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((a, i) => items.slice(i + 1).map((b): [T, T] => [a, b]));
}
