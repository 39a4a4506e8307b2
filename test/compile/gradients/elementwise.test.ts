import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { filled, host } from '../kernels/arbitraries';
import { expectGradientsOfDifferences } from '../kernels/differences';
import '../../../lib/compile';

/** Multiples of 1/16, moved so that no two of different tensors are equal. */
const tensor = (shape: readonly number[], seed: number) => {
  const drawn = filled(shape, 'float32', { low: -2, high: 2 }, seed);
  return { ...drawn, data: Float32Array.from(drawn.data, (x) => x + seed / 256) };
};

const BINARY = { maximum: tf.maximum, minimum: tf.minimum, squaredDifference: tf.squaredDifference };

const FORMS: readonly (readonly [number[], number[]])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [[1], [2, 3]],
  [[], [3]],
  [
    [4, 1, 3],
    [2, 1],
  ],
];

describe.each(Object.entries(BINARY))('the gradient of %s', (_, f) => {
  it.each(FORMS)('by [%s] and [%s] equals finite differences', (a, b) =>
    expectGradientsOfDifferences((x, y) => f(x, y), [tensor(a, 1), tensor(b, 3)]),
  );
});

describe('the gradient of floorDiv', () => {
  it('is 0, also through a broadcast', () =>
    expectGradientsOfDifferences(
      (x, y) => tf.add(tf.sum(tf.mul(x, 2)), tf.floorDiv(x, y)),
      [tensor([2, 3], 1), host([1.5, -0.7, 2.5])],
    ));
});

describe('ties', () => {
  it.each([tf.maximum, tf.minimum])('go to the first operand, as in tfjs', (f) => {
    const [a, b] = tf.grads((x, y) => f(x, y))([tf.tensor1d([1, 2]), tf.tensor1d([1, 2])]);
    expect([...(a as tf.Tensor).dataSync()]).toEqual([1, 1]);
    expect([...(b as tf.Tensor).dataSync()]).toEqual([0, 0]);
  });
});
