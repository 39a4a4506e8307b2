import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import '../../../lib/compile';
import { filled, host } from '../kernels/arbitraries';
import { expectGradientsOfDifferences } from '../kernels/differences';

const x = filled([3, 4, 2], 'float32', { low: -2, high: 2 }, 5);
/** Two zeros along one line, one along another. */
const withZeros = host([1.5, 0, -2, 0.5, 0, 1.25, 0, -1, 2, 3, 0.75, 0], [3, 4]);

const MODES = [
  { exclusive: false, reverse: false },
  { exclusive: true, reverse: false },
  { exclusive: false, reverse: true },
  { exclusive: true, reverse: true },
];

describe.each(MODES)(
  'exclusive $exclusive, reverse $reverse: the gradient equals finite differences',
  (mode) => {
    const { exclusive, reverse } = mode;

    it.each([0, 1, 2, -1, -2])('of cumsum along %i', (axis) =>
      expectGradientsOfDifferences((y) => tf.cumsum(y, axis, exclusive, reverse), [x]),
    );

    it.each([0, 1, 2, -3])('of cumprod along %i', (axis) =>
      expectGradientsOfDifferences((y) => tf.cumprod(y, axis, exclusive, reverse), [x]),
    );

    it.each([0, 1])('of cumprod along %i with factors 0', (axis) =>
      expectGradientsOfDifferences((y) => tf.cumprod(y, axis, exclusive, reverse), [withZeros]),
    );
  },
);

describe('the gradient of prod equals finite differences', () => {
  it.each([[undefined], [0], [1], [-1], [[0, 2]], [[-1, 0]], [[]]])('over %s', async (axes) => {
    await expectGradientsOfDifferences((y) => tf.prod(y, axes), [x]);
    await expectGradientsOfDifferences((y) => tf.prod(y, axes, true), [x]);
  });

  it.each([0, 1])('over %i with factors 0', (axis) =>
    expectGradientsOfDifferences((y) => tf.prod(y, axis), [withZeros]),
  );
});

describe('eager tfjs has these gradients too', () => {
  it('cumsum along the first axis, which tfjs turned round', () => {
    const weights = tf.tensor2d([
      [1, 2],
      [3, 4],
    ]);
    const slope = tf.grad((y) => tf.mul(tf.cumsum(y, 0), weights))(tf.ones([2, 2]));
    expect(slope.arraySync()).toEqual([
      [4, 6],
      [3, 4],
    ]);
  });

  it('maximum with a broadcast operand, where tfjs threw', () => {
    const [, slope] = tf.grads((a, b) => tf.maximum(a, b))([tf.zeros([2, 3]), tf.ones([3])]);
    expect((slope as tf.Tensor).arraySync()).toEqual([2, 2, 2]);
  });
});
