import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { simplify } from '../../../lib/compile/passes/simplify';
import type { InputSpec } from '../../../lib/compile/trace/trace';
import { host } from '../kernels/arbitraries';
import { expectSameBits, expectSameValues, float, graphOf, ops } from './graphs';

const MATRIX = float(2, 3);
const INTEGERS: InputSpec = { dtype: 'int32', shape: [2, 3] };
type Unary = (x: tf.Tensor) => tf.Tensor;

/** A sign of zero, infinities and NaN must all come through. */
const VALUES = host([-0, 0, Number.POSITIVE_INFINITY, Number.NaN, -2.5, 1e-40], [2, 3]);

describe('simplify', () => {
  it.each<[string, Unary]>([
    ['x · 1', (x) => tf.mul(x, 1)],
    ['1 · x', (x) => tf.mul(1, x)],
    ['x · ones', (x) => tf.mul(x, tf.ones([2, 3]))],
    ['x · [[1]]', (x) => tf.mul(x, tf.onesLike(tf.ones([1, 1])))],
    ['x / 1', (x) => tf.div(x, 1)],
    ['x − 0', (x) => tf.sub(x, 0)],
    ['a cast to the same type', (x) => tf.cast(x, 'float32')],
    ['a reshape to the same shape', (x) => tf.reshape(x, [2, 3])],
    ['a reshape there and back', (x) => tf.reshape(tf.expandDims(x, 1), [2, 3])],
    ['a transposition that moves nothing', (x) => tf.transpose(x, [0, 1])],
    ['a transposition there and back', (x) => tf.transpose(tf.transpose(x))],
    ['a repetition once', (x) => tf.tile(x, [1, 1])],
  ])('leaves out %s', async (_, f) => {
    const before = graphOf((x) => tf.neg(f(x)), MATRIX);
    const after = simplify(before);
    expect(before.nodes.length).toBeGreaterThan(1);
    // Dead code stays: another pass removes it.
    expectSameValues(after.nodes.at(-1)?.inputs, after.inputs);
    expect(ops(after).at(-1)).toBe('Neg');
    await expectSameBits(before, after, [VALUES]);
  });

  it.each<[string, Unary]>([
    ['i + 0', (x) => tf.add(x, tf.scalar(0, 'int32'))],
    ['0 + i', (x) => tf.add(tf.zeros([2, 3], 'int32'), x)],
  ])('leaves out %s of integers', (_, f) => {
    const after = simplify(graphOf(f, INTEGERS));
    expectSameValues(after.outputs, after.inputs);
  });

  it.each<[string, Unary]>([
    ['x + 0: −0 + 0 is 0', (x) => tf.add(x, 0)],
    ['x − (−0): −0 − (−0) is 0', (x) => tf.sub(x, -0)],
    ['0 − x', (x) => tf.sub(0, x)],
    ['1 / x', (x) => tf.div(1, x)],
    ['x · 0: 0 · ∞ is NaN', (x) => tf.mul(x, 0)],
    ['x · −1', (x) => tf.mul(x, -1)],
    ['x · [1, 2, 1]', (x) => tf.mul(x, tf.tensor1d([1, 2, 1]))],
  ])('keeps %s', async (_, f) => {
    const before = graphOf(f, MATRIX);
    const after = simplify(before);
    expect(ops(after)).toEqual(ops(before));
    await expectSameBits(before, after, [VALUES]);
  });

  it('joins reshapes and transpositions that follow one another', async () => {
    const before = graphOf(
      (x) => [
        tf.reshape(tf.expandDims(tf.reshape(x, [6]), 0), [3, 2]),
        tf.transpose(tf.transpose(x, [1, 0, 2]), [2, 0, 1]),
      ],
      float(2, 3, 1),
    );
    const after = simplify(before);
    const [shape, order] = [after.nodes[2], after.nodes[4]];
    expect([shape?.op, shape?.attrs]).toEqual(['Reshape', { shape: [3, 2] }]);
    expectSameValues(shape?.inputs, after.inputs);
    expect([order?.op, order?.attrs]).toEqual(['Transpose', { perm: [2, 1, 0] }]);
    expectSameValues(order?.inputs, after.inputs);
    await expectSameBits(before, after, [host([1, 2, 3, 4, 5, 6], [2, 3, 1])]);
  });

  it('turns a product with ones that gives the shape into a broadcast', async () => {
    const before = graphOf((x) => tf.mul(x, tf.ones([4, 2, 3])), MATRIX);
    const after = simplify(before);
    expect(ops(after)).toEqual(['BroadcastTo']);
    await expectSameBits(before, after, [VALUES]);
  });

  it('takes the source of a broadcast where the other operand has the whole shape, on either side', async () => {
    const sum = (x: tf.Tensor, y: tf.Tensor, other: Unary) => {
      const wide = tf.mul(x, tf.ones([4, 2, 3]));
      return [tf.add(wide, other(y)), tf.add(other(y), wide)];
    };
    const before = graphOf((x, y) => sum(x, y, tf.exp), MATRIX, float(4, 2, 3));
    const after = simplify(before);
    for (const { op, inputs } of after.nodes) if (op === 'Add') expect(inputs).toContain(after.inputs[0]);
    await expectSameBits(before, after, [VALUES, host(Array(24).fill(0.5), [4, 2, 3])]);
  });

  it('keeps a broadcast that alone gives the result its shape', async () => {
    const before = graphOf((x, y) => tf.add(tf.mul(x, tf.ones([4, 2, 3])), y), MATRIX, MATRIX);
    const after = simplify(before);
    expect(ops(after)).toEqual(['BroadcastTo', 'Add']);
    expect(after.nodes[1]?.inputs[0]).toBe(after.nodes[0]?.outputs[0]);
    await expectSameBits(before, after, [VALUES, VALUES]);
  });

  it('keeps one of two broadcasts that give the shape together', async () => {
    const wide = (x: tf.Tensor) => tf.mul(x, tf.ones([4, 2, 3]));
    const before = graphOf((x, y) => tf.maximum(wide(x), wide(y)), MATRIX, MATRIX);
    await expectSameBits(before, simplify(before), [VALUES, VALUES]);
  });
});
