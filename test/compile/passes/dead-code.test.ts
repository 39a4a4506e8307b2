import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { cond } from '../../../lib/compile';
import { removeDeadCode } from '../../../lib/compile/passes/dead-code';
import { host } from '../kernels/arbitraries';
import { expectSameBits, expectSameValues, float, graphOf, ops } from './graphs';

const X = float(2, 3);
const VALUES = host([1, -2, 0, 3, 5, 0.5], [2, 3]);

describe('removeDeadCode', () => {
  it('removes what leads to no result, and keeps the inputs', async () => {
    const before = graphOf(
      (x, y) => {
        tf.exp(tf.mul(y, 2));
        return tf.neg(x);
      },
      X,
      X,
    );
    const after = removeDeadCode(before);
    expect(ops(before)).toEqual(['Multiply', 'Exp', 'Neg']);
    expect(ops(after)).toEqual(['Neg']);
    expectSameValues(after.inputs, before.inputs);
    await expectSameBits(before, after, [VALUES, VALUES]);
  });

  it('keeps a kernel of which one result is used', async () => {
    const before = graphOf((x) => tf.unstack(x)[1] as tf.Tensor, X);
    expect(ops(removeDeadCode(before))).toEqual(['Unpack']);
    await expectSameBits(before, removeDeadCode(before), [VALUES]);
  });

  it('changes nothing where all is used', () => {
    const graph = graphOf((x) => tf.sum(tf.exp(x)), X);
    expect(removeDeadCode(graph)).toEqual(graph);
  });

  it('keeps what only a branch uses, and removes what a branch does not use itself', async () => {
    const before = graphOf((x) => {
      const outer = tf.exp(x);
      const whenTrue = () => {
        tf.tanh(x);
        return { y: tf.mul(outer, 2) };
      };
      return cond(tf.greater(tf.sum(x), 0), whenTrue, () => ({ y: x })).y;
    }, X);
    const after = removeDeadCode(before);
    expect(ops(before)).toEqual(['Exp', 'Sum', 'Greater', 'Cond', [['Tanh', 'Multiply'], []]]);
    expect(ops(after)).toEqual(['Exp', 'Sum', 'Greater', 'Cond', [['Multiply'], []]]);
    await expectSameBits(before, after, [VALUES]);
  });

  it('removes a choice that nobody uses, its condition and all that its branches needed', () => {
    const graph = graphOf((x) => {
      const outer = tf.exp(x);
      cond(
        tf.greater(tf.sum(x), 0),
        () => ({ y: tf.neg(outer) }),
        () => ({ y: outer }),
      );
      return x;
    }, X);
    expect(ops(removeDeadCode(graph))).toEqual([]);
  });
});
