import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { cond } from '../../../lib/compile';
import { shareCommonSubexpressions } from '../../../lib/compile/passes/common-subexpressions';
import { host } from '../kernels/arbitraries';
import { expectSameBits, expectSameValues, float, graphOf, ops } from './graphs';

const X = float(2, 3);
const VALUES = host([1, -2, 0, -0, 5, 0.5], [2, 3]);
const { POSITIVE_INFINITY: INF, NaN: NAN } = Number;

describe('shareCommonSubexpressions', () => {
  it('computes equal chains once', async () => {
    const chain = (x: tf.Tensor) => tf.sum(tf.exp(tf.mul(x, 2)), 1);
    const before = graphOf((x) => [chain(x), tf.neg(chain(x))], X);
    const after = shareCommonSubexpressions(before);
    expect(ops(before)).toEqual(['Multiply', 'Exp', 'Sum', 'Multiply', 'Exp', 'Sum', 'Neg']);
    expect(ops(after)).toEqual(['Multiply', 'Exp', 'Sum', 'Neg']);
    expectSameValues(after.nodes[3]?.inputs, after.outputs.slice(0, 1));
    await expectSameBits(before, after, [VALUES]);
  });

  it('shares all results of a kernel that has several', async () => {
    const before = graphOf((x) => [...tf.unstack(x), ...tf.unstack(x)], X);
    const after = shareCommonSubexpressions(before);
    expect(ops(after)).toEqual(['Unpack']);
    expectSameValues(after.outputs.slice(2), after.outputs.slice(0, 2));
    await expectSameBits(before, after, [VALUES]);
  });

  it.each<[string, (x: tf.Tensor) => tf.Tensor[]]>([
    ['another axis', (x) => [tf.sum(x, 0, true), tf.sum(x, 1, true)]],
    ['another kernel', (x) => [tf.argMax(x), tf.argMin(x)]],
    ['another order of operands', (x) => [tf.sub(x, tf.exp(x)), tf.sub(tf.exp(x), x)]],
    [
      'padding with ∞, −∞, NaN, 0 and −0',
      (x) =>
        [INF, -INF, NAN, 0, -0].map((value) =>
          tf.pad(
            x,
            [
              [1, 0],
              [0, 0],
            ],
            value,
          ),
        ),
    ],
    ['a divisor 0 and −0', (x) => [tf.div(1, tf.mul(x, tf.scalar(0))), tf.div(1, tf.mul(x, tf.scalar(-0)))]],
    ['constants of other types', (x) => [tf.cast(x, 'int32'), tf.cast(x, 'bool')]],
    ['constants of other shapes', (x) => [tf.mul(x, tf.fill([1, 1], 2)), tf.mul(x, tf.fill([1, 1, 1], 2))]],
  ])('keeps apart what differs in %s', async (_, f) => {
    const before = graphOf(f, X);
    const after = shareCommonSubexpressions(before);
    expect(new Set(after.outputs).size).toBe(after.outputs.length);
    await expectSameBits(before, after, [VALUES]);
  });

  it('lets a branch use what was computed before it', () => {
    const graph = graphOf((x) => {
      const total = tf.sum(x);
      const { y } = cond(
        tf.greater(total, 0),
        () => ({ y: tf.sum(x) }),
        () => ({ y: tf.neg(tf.sum(x)) }),
      );
      return y;
    }, X);
    expect(ops(graph)).toEqual(['Sum', 'Greater', 'Cond', [['Sum'], ['Sum', 'Neg']]]);
    expect(ops(shareCommonSubexpressions(graph))).toEqual(['Sum', 'Greater', 'Cond', [[], ['Neg']]]);
  });

  it('keeps what a branch computes inside of it: the other branch and what follows compute their own', async () => {
    const before = graphOf((x) => {
      const positive = tf.greater(tf.sum(x), 0);
      const { y } = cond(
        positive,
        () => ({ y: tf.exp(x) }),
        () => ({ y: tf.neg(tf.exp(x)) }),
      );
      return [y, tf.exp(x)];
    }, X);
    const after = shareCommonSubexpressions(before);
    expect(ops(after)).toEqual(['Sum', 'Greater', 'Cond', [['Exp'], ['Exp', 'Neg']], 'Exp']);
    await expectSameBits(before, after, [VALUES]);
  });

  it('never merges choices, which may compute different things', () => {
    const graph = graphOf((x) => {
      const positive = tf.greater(tf.sum(x), 0);
      const choose = (f: (x: tf.Tensor) => tf.Tensor) =>
        cond(
          positive,
          () => ({ y: f(x) }),
          () => ({ y: x }),
        ).y;
      return [choose(tf.exp), choose(tf.neg)];
    }, X);
    expect(ops(shareCommonSubexpressions(graph)).filter((op) => op === 'Cond')).toHaveLength(2);
  });
});
