import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { cond } from '../../../lib/compile';
import { removeDeadCode } from '../../../lib/compile/passes/dead-code';
import { fuseAddition } from '../../../lib/compile/passes/fuse-addition';
import { filled } from '../kernels/arbitraries';
import { expectSameBits, expectSameValues, float, graphOf, ops, run } from './graphs';

const [A, B] = [float(4, 5), float(5, 3)];
const fuse = (graph: Parameters<typeof fuseAddition>[0]) => removeDeadCode(fuseAddition(graph));
type Ternary = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor) => tf.Tensor | tf.Tensor[];

describe('fuseAddition', () => {
  it.each([
    ['a row', [3]],
    ['a column', [4, 1]],
    ['a matrix', [4, 3]],
    ['a number', []],
  ])(
    'adds %s inside of the product, on either side: the same bits where nothing is rounded',
    async (_, shape) => {
      const inputs = [A, B, float(...shape)].map((spec, i) => filled(spec.shape, 'float32', {}, i));
      for (const f of [
        (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor) => tf.add(tf.matMul(a, b), c),
        (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor) => tf.add(c, tf.matMul(a, b)),
      ]) {
        const before = graphOf(f, A, B, float(...shape));
        const after = fuse(before);
        expect(ops(before)).toEqual(['BatchMatMul', 'Add']);
        expect(ops(after)).toEqual(['MatMulAdd']);
        expectSameValues(after.nodes[0]?.inputs, after.inputs);
        await expectSameBits(before, after, inputs);
      }
    },
  );

  it('keeps the flags of the product', async () => {
    const [at, bt] = [float(5, 4), float(3, 5)];
    const before = graphOf((a, b, c) => tf.add(tf.matMul(a, b, true, true), c), at, bt, float(3));
    const after = fuse(before);
    expect(after.nodes[0]?.attrs).toEqual({ transposeA: true, transposeB: true });
    await expectSameBits(
      before,
      after,
      [at, bt, float(3)].map(({ shape }, i) => filled(shape, 'float32', {}, i)),
    );
  });

  it('adds one product to another', async () => {
    const before = graphOf((a, b) => tf.add(tf.matMul(a, b), tf.matMul(tf.neg(a), tf.exp(b))), A, B);
    const after = fuse(before);
    expect(ops(after)).toEqual(['BatchMatMul', 'Neg', 'Exp', 'MatMulAdd']);
    await expectSameBits(
      before,
      after,
      [A, B].map(({ shape }, i) => filled(shape, 'float32', {}, i)),
    );
  });

  it.each<[string, Ternary, number[]]>([
    [
      'a product that is used twice',
      (a, b, c) => {
        const y = tf.matMul(a, b);
        return [tf.add(y, c), tf.exp(y)];
      },
      [3],
    ],
    [
      'a product that is a result itself',
      (a, b, c) => {
        const y = tf.matMul(a, b);
        return [y, tf.add(y, c)];
      },
      [3],
    ],
    [
      'a product added to itself',
      (a, b) => {
        const y = tf.matMul(a, b);
        return tf.add(y, y);
      },
      [3],
    ],
    ['a sum of a larger shape', (a, b, c) => tf.add(tf.matMul(a, b), c), [2, 4, 3]],
    ['a product in batches', (a, b, c) => tf.add(tf.matMul(tf.expandDims(a), tf.expandDims(b)), c), [3]],
    ['a difference', (a, b, c) => tf.sub(tf.matMul(a, b), c), [3]],
  ])('leaves %s', (_, f, shape) => {
    const graph = graphOf(f, A, B, float(...shape));
    expect(ops(fuse(graph))).toEqual(ops(graph));
  });

  it('adds in another order at most: long sums differ by rounding error', async () => {
    const specs = [float(3, 1000), float(1000, 4), float(4)];
    const inputs = specs.map(({ shape }, i) => {
      const tensor = filled(shape, 'float32', { low: -1, high: 1 }, i);
      return { ...tensor, data: Float32Array.from(tensor.data, (x) => Math.sin(x + i)) };
    });
    const before = graphOf((a, b, c) => tf.add(tf.matMul(a, b), c), ...specs);
    const [expected, actual] = [await run(before, inputs), await run(fuse(before), inputs)];
    expect(actual[0]?.data).toMatchReference(expected[0]?.data as Float32Array, 1e-6);
  });

  it('does not move a product into a branch that may not run', async () => {
    const before = graphOf(
      (a, b, c) => {
        const y = tf.matMul(a, b);
        return cond(
          tf.greater(tf.sum(c), 0),
          () => ({ y: tf.add(y, c) }),
          () => ({ y: tf.neg(c) }),
        ).y;
      },
      A,
      B,
      float(4, 3),
    );
    const after = fuse(before);
    expect(ops(after)).toEqual(['BatchMatMul', 'Sum', 'Greater', 'Cond', [['Add'], ['Neg']]]);
  });

  it('fuses inside of a branch', () => {
    const graph = graphOf(
      (a, b, c) =>
        cond(
          tf.greater(tf.sum(c), 0),
          () => ({ y: tf.add(tf.matMul(a, b), c) }),
          () => ({ y: tf.neg(c) }),
        ).y,
      A,
      B,
      float(4, 3),
    );
    expect(ops(fuse(graph))).toEqual(['Sum', 'Greater', 'Cond', [['MatMulAdd'], ['Neg']]]);
  });
});
