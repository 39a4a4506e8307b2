import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { EXACT_PASSES, optimize, PASSES } from '../../../lib/compile/passes';
import { filled } from '../kernels/arbitraries';
import { expectSameBits, expectSameNumbers, float, graphOf } from './graphs';
import { interpret, type Line, lines, WEIGHTS } from './programs';

const SPECS = WEIGHTS.map((shape) => float(...shape));

/** Not multiples of anything, so that maxima and comparisons do not tie. */
const INPUTS = WEIGHTS.map((shape, i) => {
  const { data } = filled(shape, 'float32', { low: -1, high: 1 }, i + 1);
  return {
    dtype: 'float32' as const,
    shape,
    data: Float32Array.from(data, (x, k) => x + 0.001 * Math.sin(k + 7 * i + 1)),
  };
});

/** The last values of a program, and the gradient of something that they all have a part in. */
function valuesAndGradients(program: readonly Line[]) {
  return graphOf(
    (...inputs) => {
      const weighted = (...weights: tf.Tensor[]) =>
        interpret(program, weights, tf.tanh)
          .map((x, i) => tf.sum(tf.mul(x, 0.1 + 0.07 * i)))
          .reduce((a, b) => tf.add(a, b));
      return [...interpret(program, inputs, tf.tanh).slice(-3), ...tf.grads(weighted)(inputs)];
    },
    ...SPECS,
  );
}

describe('drawn programs over short sequences', () => {
  it('compute with all passes what they compute with none, gradients included', async () => {
    const property = fc.asyncProperty(lines, async (program) => {
      const graph = valuesAndGradients(program);
      await expectSameNumbers(graph, optimize(graph, PASSES), INPUTS, 1e-5);
    });
    await fc.assert(property, { seed: 1, numRuns: 30 });
  });

  it('give the same bits with the passes that round nothing', async () => {
    const property = fc.asyncProperty(lines, async (program) => {
      const graph = valuesAndGradients(program);
      await expectSameBits(graph, optimize(graph, EXACT_PASSES), INPUTS);
    });
    await fc.assert(property, { seed: 2, numRuns: 20 });
  });

  it.each(
    PASSES.filter(({ changesRounding }) => changesRounding).filter(
      ({ name }, i, all) => all.findIndex((pass) => pass.name === name) === i,
    ),
  )('keep their values by $name alone', async (pass) => {
    const property = fc.asyncProperty(lines, async (program) => {
      const graph = valuesAndGradients(program);
      await expectSameNumbers(graph, optimize(graph, [...EXACT_PASSES, pass]), INPUTS, 1e-5);
    });
    await fc.assert(property, { seed: 3, numRuns: 10 });
  });
});
