import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { cond } from '../../lib/compile';
import { allNodes } from '../../lib/compile/graph';
import { simplify } from '../../lib/compile/passes/simplify';
import { callSite } from '../../lib/compile/trace/call-site';
import { float, graphOf } from './passes/graphs';

/** `file:line` of the line that calls this. */
function here(): string {
  const frame = (new Error().stack ?? '').split('\n')[2] ?? '';
  return (/(?:\(|at )([^(]+:\d+):\d+\)?$/.exec(frame)?.[1] ?? '').replace('file://', '');
}
const line = (source: string | undefined) => source?.replace(/:\d+$/, '');

describe('the source of a node', () => {
  it('is the line that called the operation', () => {
    let expected = '';
    const { nodes } = graphOf((x) => {
      const y = tf.exp(x);
      expected = here();
      return tf.mul(y, tf.sum(y));
    }, float(3));
    const [file, number] = [expected.replace(/:\d+$/, ''), Number(/\d+$/.exec(expected)?.[0])];
    expect(file).toMatch(/call-site\.test\.ts$/);
    expect(nodes.map(({ op, source }) => [op, line(source)])).toEqual([
      ['Exp', `${file}:${number - 1}`],
      ['Sum', `${file}:${number + 1}`],
      ['Multiply', `${file}:${number + 1}`],
    ]);
  });

  it('is the line that asked for the gradient, of the operations in it', () => {
    let expected = '';
    const f = (x: tf.Tensor) => tf.sum(tf.square(x)) as tf.Scalar;
    const { nodes } = graphOf((x) => {
      expected = here();
      return tf.grad(f)(x);
    }, float(3));
    const asked = expected.replace(/\d+$/, (n) => String(Number(n) + 1));
    const sources = nodes.map(({ source }) => line(source));
    expect(sources.at(-1)).toBe(asked);
    expect(new Set(sources).size).toBe(2);
  });

  it('is known inside the branches of cond, and of cond itself', () => {
    const graph = graphOf((x) => {
      const due = tf.greater(tf.sum(x), 0) as tf.Tensor;
      return cond(
        due,
        () => ({ y: tf.exp(x) }),
        () => ({ y: x }),
      ).y;
    }, float(3));
    for (const { op, source } of allNodes(graph))
      expect([op, source]).toEqual([op, expect.stringContaining('call-site.test')]);
  });

  it('stays with what a pass makes of the node', () => {
    const graph = graphOf((x) => tf.add(tf.mul(x, tf.ones([2, 3])), 1), float(3));
    const broadcast = simplify(graph).nodes.find(({ op }) => op === 'BroadcastTo');
    expect(broadcast?.source).toBe(graph.nodes.find(({ op }) => op === 'Multiply')?.source);
    expect(broadcast?.source).toContain('call-site.test');
  });
});

describe('callSite', () => {
  it('leaves the depth of stacks as it was', () => {
    const before = Error.stackTraceLimit;
    expect(line(callSite())).toMatch(/call-site\.test\.ts:\d+$/);
    expect(Error.stackTraceLimit).toBe(before);
  });
});
