/**
 * @file The gradients of drawn cases against finite differences: what an agreement of eager and compiled gradients cannot
 * show, since both run the same gradient function.
 */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Case } from './agreement';
import { expectGradientsOfDifferences } from './differences';

/** Checks the gradients of a case by its float32 inputs; the others are constants of the program. */
async function differencesMatch({ f, inputs }: Case): Promise<void> {
  const variable = inputs.filter(({ dtype }) => dtype === 'float32');
  await expectGradientsOfDifferences((...given) => {
    const rest = [...given];
    const result = f(
      ...inputs.map(({ dtype, shape, data }) =>
        dtype === 'float32' ? (rest.shift() as tf.Tensor) : tf.tensor(data.slice(), [...shape], dtype),
      ),
    );
    const outputs = result instanceof tf.Tensor ? [result] : [...result];
    return outputs.length === 1
      ? (outputs[0] as tf.Tensor)
      : tf.concat(outputs.map((x) => tf.reshape(x, [-1])));
  }, variable);
}

/** Checks drawn cases, those left out that have no gradient to compare. */
export async function differencesMatchOn(drawn: fc.Arbitrary<Case>, count = 6): Promise<void> {
  const differentiable = ({ gradient, inputs }: Case) =>
    gradient !== false && inputs.some(({ dtype }) => dtype === 'float32');
  const cases = fc.sample(drawn.filter(differentiable), { seed: 1, numRuns: count });
  expect(cases).toHaveLength(count);
  for (const tested of cases) await differencesMatch(tested);
}
