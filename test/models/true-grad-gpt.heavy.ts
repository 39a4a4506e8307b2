/** @file Every form, precision and set of passes; `true-grad-gpt.test.ts` has the quick ones. */
import type * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { EXACT_PASSES, PASSES } from '../../lib/compile';
import { TRUE_GRAD_FORMS } from '../../lib/models/true-grad';
import { compiled, gptCase } from '../support/true-grad-gpt';

describe.each([1, 2])('squares of the GPT, %i blocks', (layers) => {
  const { names, tensors, reduced, plain } = gptCase(layers);

  it('of the reduced model are those of the plain one in each form, in float64', async () => {
    const all = TRUE_GRAD_FORMS.map((form) => (inputs: readonly tf.Tensor[]) => [
      ...reduced(form)(inputs),
      ...plain(form)(inputs),
    ]);
    const results = await compiled((inputs) => all.flatMap((f) => f(inputs)), tensors, {
      precision: 'float64',
    });
    for (const [f, form] of TRUE_GRAD_FORMS.entries()) {
      const both = results.slice(2 * f * names.length);
      for (const [i, name] of names.entries()) {
        const expected = both[names.length + i] as ArrayLike<number>;
        expect(Math.max(...Array.from(expected)), `${form} ${name}`).toBeGreaterThan(0);
        expect(both[i], `${form} ${name}`).toMatchReference(expected, 1e-12);
      }
    }
  });

  it('exact: the same with all passes, those that round nothing, and none', async () => {
    const expected = plain('exact')(tensors).map((tensor) => tensor.dataSync());
    for (const passes of [PASSES, EXACT_PASSES, []]) {
      const found = await compiled(
        (inputs) => [...reduced('exact')(inputs), ...plain('exact')(inputs)],
        tensors,
        {
          passes,
        },
      );
      for (const [i, name] of names.entries()) {
        const reference = expected[i] as ArrayLike<number>;
        expect(found[i], `${name}, reduced`).toMatchReference(reference, 1e-4);
        expect(found[names.length + i], `${name}, plain`).toMatchReference(reference, 1e-4);
      }
    }
  });
});
