import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { cond } from '../../../lib/compile';
import { allNodes, type Graph, type Node } from '../../../lib/compile/graph';
import { reluGradientFromResult } from '../../../lib/compile/passes/relu-gradient';
import { host } from '../kernels/arbitraries';
import { expectSameBits, expectSameValues, float, graphOf } from './graphs';

const X = float(2, 3);
const node = (graph: Graph, op: string) => allNodes(graph).find((candidate) => candidate.op === op) as Node;

describe('reluGradientFromResult', () => {
  it('takes the step of relu’s result in a gradient, with the same bits', async () => {
    const before = graphOf(
      tf.grad((x) => tf.sum(tf.square(tf.relu(tf.mul(x, 3)))) as tf.Tensor),
      X,
    );
    const after = reluGradientFromResult(before);
    expectSameValues(node(before, 'Step').inputs, node(before, 'Relu').inputs);
    expectSameValues(node(after, 'Step').inputs, node(after, 'Relu').outputs);
    expect(after.nodes).toHaveLength(before.nodes.length);
    await expectSameBits(before, after, [host([-1, -0, 0, 1e-30, -1e-30, 4], [2, 3])]);
  });

  it.each<[string, (x: tf.Tensor) => tf.Tensor | tf.Tensor[]]>([
    ['a step without relu', (x) => tf.step(x)],
    ['a step of something else than relu’s argument', (x) => [tf.relu(x), tf.step(tf.neg(x))]],
    ['a step before its relu', (x) => [tf.step(x), tf.relu(x)]],
  ])('leaves %s', (_, f) => {
    const graph = graphOf(f, X);
    expect(reluGradientFromResult(graph).nodes).toEqual(graph.nodes);
  });

  it('does not reach into a branch for a result', () => {
    const graph = graphOf((x) => {
      const { y } = cond(
        tf.greater(tf.sum(x), 0),
        () => ({ y: tf.relu(x) }),
        () => ({ y: tf.neg(x) }),
      );
      return [y, tf.step(x)];
    }, X);
    const after = reluGradientFromResult(graph);
    expectSameValues(node(after, 'Step').inputs, after.inputs);
  });

  it('takes a result inside of the branch that computes it', () => {
    const graph = graphOf((x) => {
      const both = () => ({ y: tf.mul(tf.relu(x), tf.step(x)) });
      return cond(tf.greater(tf.sum(x), 0), both, () => ({ y: x })).y;
    }, X);
    const after = reluGradientFromResult(graph);
    expectSameValues(node(after, 'Step').inputs, node(after, 'Relu').outputs);
  });
});
