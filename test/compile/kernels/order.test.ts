import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DType, HostTensor } from '../../../lib/compile';
import { ordering } from '../../../lib/compile/kernels/order';
import { agree, agreeOn, type Case, refusalOf } from './agreement';
import { host, shapes, tensors } from './arbitraries';

const NUMBERS = fc.constantFrom<DType>('float32', 'int32');

/** Few different values, so that many tie. */
const topKCase: fc.Arbitrary<Case> = fc
  .tuple(shapes({ min: 1 }), NUMBERS)
  .chain(([shape, dtype]) =>
    fc.tuple(tensors(shape, dtype, { low: -0.125, high: 1 }), fc.integer({ min: 1, max: shape.at(-1) ?? 1 })),
  )
  .map(([x, k]) => ({
    name: `TopK of ${x.dtype}[${x.shape}], k ${k}`,
    f: (given) => {
      const { values, indices } = tf.topk(given, k);
      return [values, indices];
    },
    inputs: [x],
  }));

const sorted = (x: HostTensor): HostTensor => {
  const [rows = 0, length = 0] = x.shape;
  const data = x.data.slice();
  for (let row = 0; row < rows; row++) data.subarray(row * length, (row + 1) * length).sort();
  return { ...x, data };
};

const searchCase: fc.Arbitrary<Case> = fc
  .tuple(
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 6 }),
    NUMBERS,
  )
  .chain(([rows, length, count, dtype]) =>
    fc.tuple(tensors([rows, length], dtype), tensors([rows, count], dtype)),
  )
  .map(([sequence, values]) => ({
    name: `SearchSorted of [${values.shape}] in ${sequence.dtype}[${sequence.shape}]`,
    f: (a, b) => [
      tf.searchSorted(a, b, 'left'),
      tf.searchSorted(a, b, 'right'),
      tf.lowerBound(a, b),
      tf.upperBound(a, b),
    ],
    inputs: [sorted(sequence), values],
    gradient: false,
  }));

const bincountCase: fc.Arbitrary<Case> = fc
  .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 6 }), NUMBERS, fc.boolean())
  .chain(([length, size, dtype, hasWeights]) =>
    fc.tuple(
      tensors([length], 'int32', { low: 0, high: 7 }),
      hasWeights ? tensors([length], dtype) : fc.constant(host([], [0], dtype)),
      fc.constant(size),
    ),
  )
  .map(([x, weights, size]) => ({
    name: `Bincount of [${x.shape}] into ${size}, weights ${weights.dtype}[${weights.shape}]`,
    f: (a, b) => tf.bincount(a as tf.Tensor1D, b as tf.Tensor1D, size),
    inputs: [x, weights],
    gradient: false,
  }));

const denseBincountCase: fc.Arbitrary<Case> = fc
  .tuple(shapes({ min: 1, max: 2 }), fc.integer({ min: 1, max: 6 }), fc.boolean(), fc.boolean())
  .chain(([shape, size, hasWeights, binary]) =>
    fc.tuple(
      tensors(shape, 'int32', { low: 0, high: 7 }),
      hasWeights ? tensors(shape) : fc.constant(host([], [0])),
      fc.constant({ size, binary }),
    ),
  )
  .map(([x, weights, { size, binary }]) => ({
    name: `DenseBincount of [${x.shape}] into ${size}, weights [${weights.shape}], binary ${binary}`,
    f: (a, b) => tf.denseBincount(a as tf.Tensor1D, b as tf.Tensor1D, size, binary),
    inputs: [x, weights],
    gradient: false,
  }));

const KERNELS: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  TopK: topKCase,
  SearchSorted: searchCase,
  Bincount: bincountCase,
  DenseBincount: denseBincountCase,
};

describe('sorting, searching and counting', () => {
  it.each(Object.entries(KERNELS))('%s agrees with eager tfjs', agreeOn);

  it('are all tested', () => {
    expect(Object.keys(KERNELS).sort()).toEqual(Object.keys(ordering).sort());
  });

  it('topk of k = 0 and of infinities', () =>
    agree([
      { name: 'k = 0', f: (x) => tf.topk(x, 0).values, inputs: [host([1, 2])], gradient: false },
      {
        name: 'infinities',
        f: (x) => tf.topk(x, 3).values,
        inputs: [host([1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38])],
      },
    ]));

  it('topk of bools is refused', () => {
    expect(refusalOf((x) => tf.topk(x).values, { dtype: 'bool', shape: [3] })).toContain(
      "'TopK' on (bool[3]) cannot be compiled: it takes float32 or int32",
    );
  });
});
