import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFunction, type DType } from '../../../lib/compile';
import { reductions } from '../../../lib/compile/kernels/reduction';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { agree, agreeOn, type Case, refusalOf } from './agreement';
import { axesOf, axisOf, host, shapes, tensors } from './arbitraries';

type Reduce = (x: tf.Tensor, axes: number[] | undefined, keepDims: boolean) => tf.Tensor;

const ANY: readonly DType[] = ['float32', 'int32', 'bool'];

interface Reduction {
  readonly f: Reduce;
  readonly types?: readonly DType[];
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
  Prod: { f: (x, axes, keepDims) => tf.prod(x, axes, keepDims), low: -2, high: 2 },
  All: { f: (x, axes, keepDims) => tf.all(x, axes, keepDims), types: ['bool'] },
  Any: { f: (x, axes, keepDims) => tf.any(x, axes, keepDims), types: ['bool'] },
};

const ALONG: Readonly<Record<string, (x: tf.Tensor, axis: number) => tf.Tensor>> = {
  ArgMax: (x, axis) => tf.argMax(x, axis),
  ArgMin: (x, axis) => tf.argMin(x, axis),
};

const reductionCase = ({ f, types = ANY, absolute = false, ...range }: Reduction): fc.Arbitrary<Case> => {
  return fc
    .tuple(shapes(), fc.constantFrom(...types), fc.boolean())
    .chain(([shape, dtype, keepDims]) =>
      fc.tuple(tensors(shape, dtype, range), axesOf(shape.length), fc.constant(keepDims)),
    )
    .map(([x, axes, keepDims]) => ({
      name: `${x.dtype}[${x.shape}] over ${axes}, keepDims ${keepDims}`,
      f: (given) => f(given, axes, keepDims),
      inputs: [x],
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

  it('sums of the rows of large matrices: right, and the same bits on one to four threads', async () => {
    const [rows, columns] = [700, 400];
    const data = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i) * 10 ** (i % 5));
    const x = host(Array.from(data), [rows, columns], 'float32');
    const expected = new Float64Array(columns);
    for (const [i, value] of data.entries()) expected[i % columns] = (expected[i % columns] ?? 0) + value;
    const results = await Promise.all(
      [1, 2, 3, 4].map(async (threads) => {
        const f = ([input]: tf.Tensor[]) => [tf.sum(input as tf.Tensor, 0)];
        const compiled = await compileFunction(onnxRuntimeNode, f, [x], { threads });
        const [sum] = await compiled.run([x]);
        await compiled.release();
        return sum;
      }),
    );
    for (const sum of results) expect(sum).toEqual(results[0]);
    for (const [i, value] of expected.entries()) {
      // To a millionth of what is summed: up to 1e4, seven hundred times.
      expect(Math.abs((results[0]?.data[i] ?? Number.NaN) - value)).toBeLessThan(1e-6 * rows * 10 ** (i % 5));
    }
  });

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

  it('along an axis of a tensor that has nothing on another', () =>
    agree([
      of('max', (x) => tf.max(x, 1), host([], [0, 3])),
      of('argMax', (x) => tf.argMax(x, -1), host([], [0, 3])),
      of('softmax', (x) => tf.softmax(x), host([], [0, 3])),
      of('topk', (x) => tf.topk(x, 2).values, host([], [0, 3])),
    ]));

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

  it('the gradient of prod is right where factors are 0', () =>
    agree(
      [
        [2, 0, 3],
        [0, 0, 3],
        [0, 0, 0],
        [1e20, 1e-20, 5],
      ].map((data) => ({ name: `prod of ${data}`, f: (x) => tf.prod(x), inputs: [host(data)] })),
      'Cumprod',
    ));

  it('all of nothing is true, as in logic; tfjs’s CPU backend says false', async () => {
    const compiled = await compileFunction(
      onnxRuntimeNode,
      ([x]) => [tf.all(x as tf.Tensor, 0), tf.any(x as tf.Tensor, 0)],
      [{ dtype: 'bool', shape: [0, 2] }],
    );
    const [all, any] = await compiled.run([host([], [0, 2], 'bool')]);
    await compiled.release();
    expect([...(all?.data ?? [])]).toEqual([1, 1]);
    expect([...(any?.data ?? [])]).toEqual([0, 0]);
  });

  const rows = shapes({ min: 1 }).chain((shape) =>
    fc.tuple(tensors(shape, 'float32', { low: -8, high: 8 }), axesOf(shape.length), fc.boolean()),
  );

  it('logSumExp, which tfjs makes of others, agrees', () =>
    agreeOn(
      'Max',
      rows.map(([x, axes, keepDims]) => ({
        name: `logSumExp of [${x.shape}] over ${axes}`,
        f: (given) => tf.logSumExp(given, axes, keepDims),
        inputs: [x],
      })),
    ));

  it('moments, which tfjs makes of others, agree', () =>
    agreeOn(
      'Mean',
      rows.map(([x, axes, keepDims]) => ({
        name: `moments of [${x.shape}] over ${axes}`,
        f: (given) => {
          const { mean, variance } = tf.moments(given, axes, keepDims);
          return [mean, variance];
        },
        inputs: [x],
        absolute: true,
      })),
    ));

  it.each([1, 2, 'euclidean', Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] as const)(
    'the norm %s agrees',
    (order) =>
      agree([
        { name: 'over all', f: (x) => tf.norm(x, order), inputs: [host([1, -2, 2.5, 3, 0.5, -1], [2, 3])] },
        {
          name: 'of rows',
          f: (x) => tf.norm(x, order, -1, true),
          inputs: [host([1, -2, 2.5, 3, 0.5, -1], [2, 3])],
        },
      ]),
  );

  it('argMax of bools is refused', () => {
    const message = refusalOf((x) => tf.argMax(x), { dtype: 'bool', shape: [3] });
    expect(message).toContain("'ArgMax' on (bool[3]) cannot be compiled: it takes float32 or int32");
  });
});
