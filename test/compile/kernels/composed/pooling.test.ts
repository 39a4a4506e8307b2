import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pooling, windowCounts } from '../../../../lib/compile/kernels/composed/pooling';
import { agree, agreeOn, type Case } from '../agreement';
import { filled, host, tensors } from '../arbitraries';
import { differencesMatchOn } from '../drawn-differences';

type Shape4D = [number, number, number, number];
type Pair = [number, number];

const pair = (most: number) => fc.tuple(fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: most }));

const layers = fc.record({
  image: fc.tuple(
    fc.integer({ min: 1, max: 2 }),
    fc.integer({ min: 3, max: 6 }),
    fc.integer({ min: 3, max: 6 }),
    fc.integer({ min: 1, max: 3 }),
  ),
  filter: pair(3),
  strides: pair(3),
  pad: fc.constantFrom('same' as const, 'valid' as const),
});

/** Every number once, in an order of the seed's: maxima that no two pixels share, further apart than a difference's step. */
function distinct(shape: Shape4D, seed: number) {
  const order = filled(shape, 'float32', { low: 0, high: 1e6 }, seed).data;
  const rank = Array.from(order.keys()).sort((a, b) => (order[a] as number) - (order[b] as number));
  const numbers = new Array<number>(order.length);
  for (const [place, element] of rank.entries()) numbers[element] = (place - order.length / 2) / 4;
  return host(numbers, shape);
}

const poolCase = (
  pool: (x: tf.Tensor4D, filter: Pair, strides: Pair, pad: 'same' | 'valid') => tf.Tensor,
  image: (shape: Shape4D) => fc.Arbitrary<Case['inputs'][number]>,
) =>
  layers.chain(({ image: shape, filter, strides, pad }) =>
    image(shape).map(
      (x): Case => ({
        name: `[${shape}] by [${filter}], strides [${strides}], ${pad}`,
        f: (given) => pool(given as tf.Tensor4D, filter, strides, pad),
        inputs: [x],
      }),
    ),
  );

const average = poolCase(tf.avgPool, (shape) => tensors(shape));
/** Few different numbers: the gradient of maxima that tie goes to the first. */
const tied = poolCase(tf.maxPool, (shape) => tensors(shape, 'float32', { low: -0.125, high: 0.125 }));
const untied = poolCase(tf.maxPool, (shape) => fc.nat().map((seed) => distinct(shape, seed)));

describe('pooling', () => {
  it.each([
    ['avgPool', average],
    ['maxPool of ties', tied],
    ['maxPool', untied],
  ])('%s agrees with eager tfjs', (_, drawn) => agreeOn(undefined, drawn, { batches: 1 }));

  it.each([
    ['avgPool, which tfjs has wrong at padded edges,', average],
    ['maxPool', untied],
  ])('the gradient of %s agrees with finite differences', (_, drawn) => differencesMatchOn(drawn));

  it.each([
    ['avgPool', average],
    ['maxPool', tied],
  ])('%s agrees in float64', (_, drawn) => agreeOn(undefined, drawn, { precision: 'float64', batches: 1 }));

  it('is reached in all its kernels by these and their gradients', () =>
    expect(Object.keys(pooling).sort()).toEqual(['AvgPool', 'AvgPoolGrad', 'MaxPool', 'MaxPoolGrad']));

  it('takes the largest of numbers that are all negative, at padded edges too', () =>
    agree([
      {
        name: 'negative',
        f: (x) => tf.maxPool(x as tf.Tensor4D, 3, 1, 'same'),
        inputs: [host([-1, -2, -3, -4], [1, 2, 2, 1])],
      },
    ]));
});

describe('windowCounts', () => {
  it('counts the pixels of the image that each window shows', () => {
    const layer = tf.backend_util.computePool2DInfo([1, 3, 3, 1], 2, 2, 1, 'same');
    expect([...windowCounts(layer)]).toEqual([4, 2, 2, 1]);
  });
});
