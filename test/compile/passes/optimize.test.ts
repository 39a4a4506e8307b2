import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cond, PASSES } from '../../../lib/compile';
import { allNodes } from '../../../lib/compile/graph';
import { optimize } from '../../../lib/compile/passes';
import { filled } from '../kernels/arbitraries';
import { float, graphOf, run } from './graphs';

/** One operation of a drawn function: which, on which of the values so far. */
type Line = readonly [operation: number, first: number, second: number];

const SIDE = 3;

/** Operations between values of any of the shapes [3, 3], [3], [1, 3] and [], all bounded. */
const OPERATIONS: readonly ((a: tf.Tensor, b: tf.Tensor) => tf.Tensor)[] = [
  (a, b) => tf.add(a, b),
  (a, b) => tf.sub(a, b),
  (a, b) => tf.tanh(tf.mul(a, b)),
  (a, b) => tf.maximum(square(a), square(b)),
  (a) => tf.relu(a),
  (a) => tf.sigmoid(a),
  (a) => tf.mul(a, 1),
  (a) => tf.add(a, 0),
  (a) => tf.sub(a, tf.zerosLike(a)),
  (a) => tf.div(a, tf.ones([1, SIDE])),
  (a) => tf.cast(a, 'float32'),
  (a) => tf.mul(a, tf.ones([SIDE, SIDE])),
  (a, b) => tf.mul(tf.step(a), b),
  (a) => tf.reshape(tf.expandDims(a), a.shape),
  (a) => (a.rank === 2 ? tf.transpose(tf.transpose(a)) : tf.neg(a)),
  (a, b) => tf.tanh(tf.add(tf.matMul(square(a), square(b)), a)),
  (a, b) => tf.tanh(tf.add(b, tf.matMul(square(a), square(b), true))),
  (a) => tf.mean(a),
  (a) => tf.sum(square(a), 0, true),
  (a) => tf.exp(tf.neg(tf.abs(tf.zerosLike(a)))),
  (a, b) => tf.where(tf.greater(a, b), a, b),
  (a, b) =>
    cond(
      tf.greater(tf.sum(a), 0.3),
      () => ({ y: tf.tanh(tf.add(square(a), tf.matMul(square(b), square(a)))) }),
      () => ({ y: tf.relu(tf.mul(square(b), 1)) }),
    ).y,
];

const square = (x: tf.Tensor) => tf.mul(x, tf.ones([SIDE, SIDE]));

function interpret(lines: readonly Line[], inputs: readonly tf.Tensor[]): tf.Tensor[] {
  const values = [...inputs];
  for (const [operation, first, second] of lines) {
    const apply = OPERATIONS[operation] as (typeof OPERATIONS)[number];
    values.push(
      apply(values[first % values.length] as tf.Tensor, values[second % values.length] as tf.Tensor),
    );
  }
  return values.slice(inputs.length);
}

const drawn = fc.array(fc.tuple(fc.nat(OPERATIONS.length - 1), fc.nat(50), fc.nat(50)), {
  minLength: 4,
  maxLength: 24,
  size: 'max',
});
const SPECS = [float(SIDE, SIDE), float(SIDE), float()];
const INPUTS = SPECS.map(({ shape }, i) => filled(shape, 'float32', { low: -1, high: 1 }, i + 1));

describe('all passes together', () => {
  it('compute what the traced function computes', async () => {
    let [before, after] = [0, 0];
    await fc.assert(
      fc.asyncProperty(drawn, async (lines) => {
        const graph = graphOf((...inputs) => interpret(lines, inputs).slice(-3), ...SPECS);
        const optimized = optimize(graph);
        before += allNodes(graph).length;
        after += allNodes(optimized).length;
        const [expected, actual] = [await run(graph, INPUTS), await run(optimized, INPUTS)];
        expected.forEach(({ shape, data }, i) => {
          expect(actual[i]?.shape).toEqual(shape);
          expect([...(actual[i]?.data ?? []), 1]).toMatchReference([...data, 1], 1e-5);
        });
      }),
      { seed: 1, numRuns: 60 },
    );
    expect(after).toBeLessThan(before / 2);
  });

  it('compute the same gradients', async () => {
    // The last two operations have no gradient in tfjs.
    const smooth = drawn.map((lines) =>
      lines.map(([operation, a, b]): Line => [operation % (OPERATIONS.length - 2), a, b]),
    );
    await fc.assert(
      fc.asyncProperty(smooth, async (lines) => {
        const graph = graphOf(
          (...inputs) => {
            const total = (...given: tf.Tensor[]) =>
              [...given, ...interpret(lines, given)]
                .map((x) => tf.sum(tf.mul(x, 0.1)))
                .reduce((a, b) => tf.add(a, b));
            return tf.grads(total)(inputs);
          },
          ...SPECS,
        );
        const [expected, actual] = [await run(graph, INPUTS), await run(optimize(graph), INPUTS)];
        expected.forEach(({ data }, i) => {
          expect([...(actual[i]?.data ?? [])]).toMatchReference(data, 1e-5);
        });
      }),
      { seed: 1, numRuns: 30 },
    );
  });

  it('leave nothing for a second round', () => {
    const graph = graphOf(
      tf.grad((x) => tf.sum(tf.relu(tf.add(tf.matMul(x, tf.transpose(tf.transpose(x))), 1))) as tf.Tensor),
      float(SIDE, SIDE),
    );
    const once = optimize(graph);
    expect(allNodes(optimize(once))).toHaveLength(allNodes(once).length);
    expect(allNodes(once).length).toBeLessThan(allNodes(graph).length);
  });

  it('leave out what has no results, as the parts of an empty tensor', () => {
    const graph = graphOf((x) => [...tf.unstack(x), tf.relu(x)], float(0, 3));
    expect(optimize(graph).nodes.map(({ op }) => op)).toEqual(['Relu']);
  });

  it('end with the one that sweeps up', () => expect(PASSES.at(-1)?.name).toBe('removeDeadCode'));
});
