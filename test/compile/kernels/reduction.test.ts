import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DType } from '../../../lib/compile';
import { reductions } from '../../../lib/compile/kernels/reduction';
import { agree, agreeOn, type Case, refusalOf } from './agreement';
import { axesOf, axisOf, host, shapes, tensors } from './arbitraries';

type Reduce = (x: tf.Tensor, axes: number[] | undefined, keepDims: boolean) => tf.Tensor;

const ANY: readonly DType[] = ['float32', 'int32', 'bool'];

interface Reduction {
  readonly f: Reduce;
  readonly gradient?: boolean;
  readonly low?: number;
  readonly high?: number;
  readonly absolute?: boolean;
}

/** Reductions over any axes; the range keeps products within float32. */
const REDUCTIONS: Readonly<Record<string, Reduction>> = {
  Sum: { f: (x, axes, keepDims) => tf.sum(x, axes, keepDims) },
  // tfjs's CPU backend divides before it sums, and misses a 0 by rounding error.
  Mean: { f: (x, axes, keepDims) => tf.mean(x, axes, keepDims), absolute: true },
  Max: { f: (x, axes, keepDims) => tf.max(x, axes, keepDims) },
  Min: { f: (x, axes, keepDims) => tf.min(x, axes, keepDims) },
  // Its gradient takes a cumulative product, which has no lowering.
  Prod: { f: (x, axes, keepDims) => tf.prod(x, axes, keepDims), gradient: false, low: -2, high: 2 },
};

const ALONG: Readonly<Record<string, (x: tf.Tensor, axis: number) => tf.Tensor>> = {
  ArgMax: (x, axis) => tf.argMax(x, axis),
  ArgMin: (x, axis) => tf.argMin(x, axis),
};

const reductionCase = ({ f, gradient = true, absolute = false, ...range }: Reduction): fc.Arbitrary<Case> => {
  return fc
    .tuple(shapes(), fc.constantFrom(...ANY), fc.boolean())
    .chain(([shape, dtype, keepDims]) =>
      fc.tuple(tensors(shape, dtype, range), axesOf(shape.length), fc.constant(keepDims)),
    )
    .map(([x, axes, keepDims]) => ({
      name: `${x.dtype}[${x.shape}] over ${axes}, keepDims ${keepDims}`,
      f: (given) => f(given, axes, keepDims),
      inputs: [x],
      gradient,
      absolute,
    }));
};

const argCase = (f: (x: tf.Tensor, axis: number) => tf.Tensor): fc.Arbitrary<Case> =>
  fc
    .tuple(shapes({ min: 1 }), fc.constantFrom<DType>('float32', 'int32'))
    .chain(([shape, dtype]) =>
      // Few different values, so that many tie.
      fc.tuple(tensors(shape, dtype, { low: -0.125, high: 1 }), axisOf(shape.length)),
    )
    .map(([x, axis]) => ({
      name: `${x.dtype}[${x.shape}] along ${axis}`,
      f: (given) => f(given, axis),
      inputs: [x],
      gradient: false,
    }));

const softmaxCase: fc.Arbitrary<Case> = shapes({ min: 1 })
  .chain((shape) => tensors(shape, 'float32', { low: -30, high: 30 }))
  .map((x) => ({
    name: `Softmax of [${x.shape}]`,
    f: (given) => [tf.softmax(given), tf.logSoftmax(given)],
    inputs: [x],
    // A gradient that is 0 in exact arithmetic, such as along an axis of size 1, is rounding error in both.
    absolute: true,
  }));

describe('reductions', () => {
  it.each(Object.entries(REDUCTIONS))('%s agrees with eager tfjs over any axes', (kernel, tested) =>
    agreeOn(kernel, reductionCase(tested)),
  );

  it.each(Object.entries(ALONG))('%s agrees with eager tfjs, the first of equals included', (kernel, f) =>
    agreeOn(kernel, argCase(f)),
  );

  it('Softmax, and logSoftmax made of others, agree with eager tfjs', () => agreeOn('Softmax', softmaxCase));

  it('are all tested', () => {
    const tested = [...Object.keys(REDUCTIONS), ...Object.keys(ALONG), 'Softmax'];
    expect(tested.sort()).toEqual(Object.keys(reductions).sort());
  });
});

describe('reductions in corner cases', () => {
  const { POSITIVE_INFINITY: INF, NaN: NAN } = Number;
  const of = (name: string, f: (x: tf.Tensor) => tf.Tensor, x: Case['inputs'][number]): Case => ({
    name,
    f: (given) => f(given),
    inputs: [x],
    gradient: false,
  });

  it('of no elements: sums are 0, products 1, means NaN', () =>
    agree(
      [tf.sum, tf.prod, tf.mean].flatMap((f) => [
        of(`${f.name} over axis 0`, (x) => f(x, 0), host([], [0, 3])),
        of(`${f.name} over all`, (x) => f(x), host([], [2, 0])),
        of(`${f.name} that leaves nothing`, (x) => f(x, 1), host([], [0, 3])),
      ]),
    ));

  it('with infinities', () =>
    agree(
      [tf.sum, tf.mean, tf.max, tf.min].flatMap((f) =>
        [
          [INF, 1, 2],
          [INF, -INF, 1],
          [-INF, -INF, -INF],
        ].map((data) => of(`${f.name} of ${data}`, (x) => f(x), host(data))),
      ),
    ));

  it('with NaN: sums, means and products are NaN', () =>
    agree([tf.sum, tf.mean, tf.prod].map((f) => of(f.name, (x) => f(x), host([1, NAN, 2])))));

  it('softmax keeps to a finite answer for logits of any size', () => {
    const logits = host([1e5, 0, -1e5, -INF, 0, 1, 3e38, -3e38, 0], [3, 3]);
    return agree([
      of('softmax', (x) => tf.softmax(x), logits),
      of('logSoftmax', (x) => tf.logSoftmax(x), logits),
    ]);
  });

  it('prod has no gradient in a compiled step: an error that names what is missing', () => {
    const gradient = tf.grad((x) => tf.prod(x) as tf.Tensor);
    expect(refusalOf(gradient, { dtype: 'float32', shape: [3] })).toContain(
      "the operation 'Cumprod' on (float32[3]) cannot be compiled",
    );
  });

  it('argMax of bools is refused', () => {
    const message = refusalOf((x) => tf.argMax(x), { dtype: 'bool', shape: [3] });
    expect(message).toContain("'ArgMax' on (bool[3]) cannot be compiled: it takes float32 or int32");
  });
});
