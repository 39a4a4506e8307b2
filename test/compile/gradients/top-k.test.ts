import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import '../../../lib/compile';
import { host } from '../kernels/arbitraries';
import { expectGradientsOfDifferences } from '../kernels/differences';

const x = host([3, -1, 2.5, 0.5, 7, 4, -2, 1.5, 0, 6, 5, 8], [2, 2, 3]);

describe('the gradient of topk equals finite differences', () => {
  it.each([1, 2, 3])('for k = %i', (k) => expectGradientsOfDifferences((y) => tf.topk(y, k).values, [x]));

  it('of one element', () => expectGradientsOfDifferences((y) => tf.topk(y, 1).values, [host([2])]));

  it('where the values are used with the places', () =>
    expectGradientsOfDifferences(
      (y) => {
        const { values, indices } = tf.topk(y, 2);
        return tf.mul(values, tf.cast(indices, 'float32'));
      },
      [x],
    ));
});
