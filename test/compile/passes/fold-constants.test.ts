import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { cond } from '../../../lib/compile';
import { foldConstants } from '../../../lib/compile/passes/fold-constants';
import { simplify } from '../../../lib/compile/passes/simplify';
import { host } from '../kernels/arbitraries';
import { float, graphOf, ops, run } from './graphs';

const X = float(2, 3);
const constants = () => tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);

describe('foldConstants', () => {
  it.each<[string, () => tf.Tensor, number[]]>([
    ['a chain', () => tf.sum(tf.mul(constants(), 2), 1), [12, 30]],
    ['labels', () => tf.oneHot(tf.tensor1d([1, 0], 'int32'), 3), [0, 1, 0, 1, 0, 0]],
    ['a mask', () => tf.greater(constants(), 3), [0, 0, 0, 1, 1, 1]],
    ['a product', () => tf.matMul(constants(), constants(), false, true), [14, 32, 32, 77]],
    ['parts put together', () => tf.concat([constants(), tf.zeros([1, 3])]), [1, 2, 3, 4, 5, 6, 0, 0, 0]],
    ['a stack', () => tf.stack([tf.tensor1d([1, 2]), tf.tensor1d([3, 4])], 1), [1, 3, 2, 4]],
    ['one part of several', () => tf.split(constants(), 3, 1)[1] as tf.Tensor, [2, 5]],
    ['integers', () => tf.mod(tf.tensor1d([-7, 7], 'int32'), tf.scalar(3, 'int32')), [2, 1]],
  ])('computes %s', (_, make, expected) => {
    const before = graphOf((x) => [make(), x], X);
    const after = foldConstants(before);
    expect(before.nodes.length).toBeGreaterThan(0);
    expect(ops(after)).toEqual([]);
    const [value] = after.outputs;
    expect(value).toMatchObject({ dtype: before.outputs[0]?.dtype, shape: before.outputs[0]?.shape });
    const { constant } = value as NonNullable<typeof value>;
    expect(constant && 'data' in constant ? [...constant.data] : constant).toEqual(expected);
  });

  it('keeps a result of equal numbers as one number, the sign of zeros included', () => {
    const { outputs } = foldConstants(graphOf(() => [tf.neg(tf.zeros([2, 3])), tf.mul(tf.ones([50]), 3)], X));
    expect(outputs.map(({ constant }) => constant)).toEqual([{ fill: -0 }, { fill: 3 }]);
  });

  it('leaves what depends on an input', () => {
    const graph = graphOf((x) => tf.add(tf.exp(x), tf.exp(constants())), X);
    expect(ops(graph)).toEqual(['Exp', 'Exp', 'Add']);
    expect(ops(foldConstants(graph))).toEqual(['Exp', 'Add']);
  });

  it('agrees with what the program would compute', async () => {
    const graph = graphOf((x) => tf.mul(x, tf.softmax(tf.log1p(constants()))), X);
    const inputs = [host([1, -2, 3, -4, 5, -6], [2, 3])];
    const [before, after] = [await run(graph, inputs), await run(foldConstants(graph), inputs)];
    expect(ops(foldConstants(graph))).toEqual(['Multiply']);
    expect(after[0]?.data).toMatchReference(before[0]?.data as Float32Array, 1e-6);
  });

  it('works inside of branches', () => {
    const graph = graphOf((x) => {
      const whenTrue = () => ({ y: tf.mul(x, tf.exp(constants())) });
      return cond(tf.greater(tf.sum(x), 0), whenTrue, () => ({ y: x })).y;
    }, X);
    expect(ops(foldConstants(graph))).toEqual(['Sum', 'Greater', 'Cond', [['Multiply'], []]]);
  });

  it('repeats a single number without writing it out, and leaves other repetitions to what uses them', () => {
    const wide = (x: tf.Tensor) => tf.mul(x, tf.ones([4, 2, 3]));
    const graph = graphOf(() => [wide(tf.fill([2, 3], 7)), wide(constants())], X);
    const after = foldConstants(simplify(graph));
    expect(ops(after)).toEqual(['BroadcastTo']);
    expect(after.outputs[0]).toMatchObject({ shape: [4, 2, 3], constant: { fill: 7 } });
  });

  it('leaves results of more than 16 Mi elements in the program', () => {
    const graph = graphOf(() => tf.tile(tf.tensor1d([1, 2]), [2 ** 23 + 1]), X);
    expect(ops(foldConstants(graph))).toEqual(['Tile']);
  });
});
