import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { PASSES } from '../../lib/compile';
import { asGptParams, gptForward } from '../../lib/models/gpt';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { selectRows, tokenBatch } from '../../lib/models/rows';
import { type Uses, valueGradsAndSquares } from '../../lib/models/true-grad';
import {
  answers,
  bruteForce,
  compiled,
  expectExactInFloat64,
  gptCase,
  oneHot,
  PAIRS,
  squaresOf,
  tokensOf,
} from '../support/true-grad-gpt';

describe.each([1, 2])('squares of the GPT, %i blocks', (layers) => {
  const { config, params, batch, labels } = gptCase(layers);

  it('are those of one gradient a row, all rows alike included', () => {
    const groups = [
      PAIRS,
      [[2, 2]],
      [
        [1, 3],
        [1, 3],
        [1, 3],
      ],
      [
        [1, 0],
        [1, 2],
      ],
    ] as const;
    for (const pairs of groups) {
      const rows = tokenBatch(tokensOf(pairs), 3, config.vocabulary);
      const squares = squaresOf(config, params, rows, oneHot(answers(pairs)), 'exact');
      for (const [i, [name, expected]] of bruteForce(config, params, pairs).entries()) {
        expect(squares[i]?.dataSync(), `${name} of ${pairs}`).toMatchReference(expected.dataSync(), 1e-4);
      }
    }
  });

  it('leave value and gradient what they are without them', () => {
    const loss = (p: Params, uses?: Uses) =>
      crossEntropy(gptForward(config, asGptParams(p), batch, uses), oneHot(labels));
    const without = valueAndGrads((p) => loss(p), params);
    const found = valueGradsAndSquares(loss, params, { examples: batch.rows, form: 'token' });
    expect(found.value.dataSync()[0]).toBeCloseTo(without.value.dataSync()[0] as number, 5);
    const gradients = new Map(namedTensors(found.grads));
    for (const [name, gradient] of namedTensors(without.grads)) {
      expect(gradients.get(name)?.dataSync(), name).toMatchReference(gradient.dataSync(), 1e-5);
    }
  });
});

describe('squares of the GPT, compiled', () => {
  const { config, params, names, tensors, treeOf, batch, labels, reduced, plain } = gptCase(1);

  it('are those of the plain one', async () => {
    const both = await compiled(
      (inputs) => [...reduced('exact')(inputs), ...plain('exact')(inputs)],
      tensors,
      {},
    );
    for (const [i, name] of names.entries()) {
      expect(both[i], name).toMatchReference(both[names.length + i] as ArrayLike<number>, 1e-4);
    }
  });

  it('are the same with all passes and with none', async () => {
    const [optimised, unoptimised] = await Promise.all(
      [PASSES, []].map((passes) => compiled(reduced('exact'), tensors, { passes })),
    );
    expect(optimised).toHaveLength(names.length);
    for (const [i, name] of names.entries()) {
      expect(optimised?.[i], name).toMatchReference(unoptimised?.[i] as ArrayLike<number>, 1e-5);
    }
  });

  it('are the same of rows chosen in the step', async () => {
    const chosen = [6, 1, 1, 3, 2];
    const pairs = chosen.map((i) => PAIRS[i] as readonly [number, number]);
    const expected = bruteForce(config, params, pairs);
    const [rows] = [tf.tensor1d(chosen, 'int32')];
    const found = await compiled(
      ([index, ...inputs]) => {
        const all = tf.tensor1d(labels, 'int32');
        return squaresOf(
          config,
          treeOf(inputs),
          selectRows(batch, index as tf.Tensor1D),
          oneHot(tf.gather(all, index as tf.Tensor1D) as tf.Tensor1D),
          'exact',
        );
      },
      [rows, ...tensors],
      {},
    );
    for (const [i, [name, squares]] of expected.entries()) {
      expect(found[i], name).toMatchReference(squares.dataSync(), 1e-4);
    }
  });
});

it('exact squares are those of one gradient a row in float64, √S element by element, and at least g²', async () => {
  await expectExactInFloat64(1, PAIRS.slice(0, 4));
});
