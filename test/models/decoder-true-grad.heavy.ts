/** @file Marked passes of the decoder and the paper's model for any variant, tokens, dropout and minibatch. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MaskMode } from '../../lib/models/config';
import { decoderModel } from '../../lib/models/decoder';
import { namedTensors } from '../../lib/models/params';
import { powerModel } from '../../lib/models/power';
import { selectRows, tokenBatch } from '../../lib/models/rows';
import { paramsOf, perturbed, SMALL_DECODER } from '../support/decoder';
import { type Case, expectTensors, markedStep, ordinaryStep, squaresOneByOne } from '../support/true-grad';

/** Squares of numbers that are each right to about 1e-5 of the largest. */
const TOLERANCE = 1e-4;

const SIZES = fc.record({
  layers: fc.integer({ min: 1, max: 3 }),
  sequenceLength: fc.integer({ min: 2, max: 4 }),
  dropout: fc.constantFrom(0, 0.3),
  answers: fc.constantFrom<1 | 2>(1, 2),
});

const DECODERS = fc
  .tuple(
    SIZES,
    fc.record({
      mask: fc.constantFrom<MaskMode>('additive', 'causal', 'none'),
      positions: fc.constantFrom<'sinusoidal' | 'learned'>('sinusoidal', 'learned'),
    }),
  )
  .map(([sizes, { mask, positions }]) => {
    const answers = mask === 'causal' ? sizes.answers : 1;
    return decoderModel({ ...SMALL_DECODER, ...sizes, mask, positions, answers });
  });

const POWERS = SIZES.map((sizes) => {
  const { mask: _, positions: __, ...shared } = SMALL_DECODER;
  return powerModel({ ...shared, ...sizes, model: 'power' });
});

describe.each([
  { name: 'the decoder', models: DECODERS },
  { name: 'the paper’s model', models: POWERS },
])('$name', ({ models }) => {
  it('has squares, gradients and loss of the ordinary pass, one example at a time', () => {
    fc.assert(
      fc.property(
        models,
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 1, max: 6 }),
        // Which positions hold the same token in every row.
        fc.integer({ min: 0, max: 15 }),
        fc.boolean(),
        (model, seed, rows, fixed, minibatch) =>
          tf.tidy(() => {
            const { sequenceLength, vocabulary } = model.config;
            const params = paramsOf(model.shapes.keys(), perturbed(model, seed));
            const tokens = Int32Array.from({ length: sequenceLength * rows }, (_, i) => {
              const position = i % sequenceLength;
              return (fixed >> position) & 1 ? position : (seed * 31 + i * 7 + ((seed >> 3) ^ i)) % 5;
            });
            const all = tokenBatch(tokens, sequenceLength, vocabulary);
            const chosen = Int32Array.from({ length: 3 }, (_, i) => (seed + 2 * i) % rows);
            const batch = minibatch ? selectRows(all, tf.tensor1d(chosen, 'int32')) : all;
            const given: Case = { model: model as Case['model'], tokens, batch };
            const marked = markedStep(given, params);
            const ordinary = ordinaryStep(given, params);
            expect(marked.value.dataSync()).toMatchReference(ordinary.value.dataSync(), TOLERANCE);
            expectTensors(marked.grads, new Map(namedTensors(ordinary.grads)), TOLERANCE, 1e-7);
            expectTensors(marked.squares, squaresOneByOne(given, params), TOLERANCE, 1e-12);
          }),
      ),
      // The same draws each time: where ReLU's input is as small as 1e-8, rounding decides whether its gradient is 0 or 1.
      { numRuns: 40, seed: 1 },
    );
  });
});
