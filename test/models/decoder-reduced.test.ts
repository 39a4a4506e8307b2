/** @file The decoder as the package computes it against the plain form, which computes everything as PyTorch does. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DecoderModelConfig, MaskMode } from '../../lib/models/config';
import { decoderModel } from '../../lib/models/decoder';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { selectRows, tokenBatch } from '../../lib/models/rows';
import { labelsOf, paramsOf, perturbed, plainLogits, SMALL_DECODER } from '../support/decoder';

const VARIANTS = fc
  .record({
    mask: fc.constantFrom<MaskMode>('additive', 'causal', 'none'),
    positions: fc.constantFrom('sinusoidal', 'learned'),
    layers: fc.integer({ min: 1, max: 3 }),
    sequenceLength: fc.integer({ min: 2, max: 4 }),
    answers: fc.constantFrom<1 | 2>(1, 2),
  })
  .map(
    (variant): DecoderModelConfig => ({
      ...SMALL_DECODER,
      ...variant,
      answers: variant.mask === 'causal' ? variant.answers : 1,
    }),
  );

/**
 * An error is measured by the largest entry of its own tensor's gradient, but at least by this share of the largest of all
 * gradients: some are zero (what attention to the memory of zeros is asked with changes nothing), where the plain form has
 * rounding errors of up to 5e-9 of the largest, and the mask's may be small because its terms cancel. All others have their
 * own scale: in 120 cases they were at least 1e-2 of the largest.
 */
const LEAST_SCALE = 1e-2;

/**
 * Both forms round to float32, each in its own order: one case in 1,500 differs by 1e-5, 1.5e-5 is the most seen, three
 * layers deep, where the terms of a norm's gain cancel. That the form is right to 1e-5 of float64 is tested with the oracle.
 */
const MOST = 5e-5;

const maxAbs = (tensor: tf.Tensor) => tf.max(tf.abs(tensor)).dataSync()[0] as number;

describe('computing what the answers depend on', () => {
  it('equals the plain form: logits and gradients, for any tokens, masks, depths and minibatches', () => {
    fc.assert(
      fc.property(
        VARIANTS,
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 1, max: 9 }),
        // Which positions hold the same token in every row.
        fc.integer({ min: 0, max: 15 }),
        fc.boolean(),
        (config, seed, rows, fixed, minibatch) =>
          tf.tidy(() => {
            const { sequenceLength, classes, answers } = config;
            const model = decoderModel(config);
            const tensors = perturbed(model, seed);
            const params = paramsOf(model.shapes.keys(), tensors);
            const tokens = Int32Array.from({ length: sequenceLength * rows }, (_, i) => {
              const position = i % sequenceLength;
              return (fixed >> position) & 1 ? position : (seed * 31 + i * 7 + ((seed >> 3) ^ i)) % 5;
            });
            const all = tokenBatch(tokens, sequenceLength, 5);
            const chosen = Array.from({ length: 3 }, (_, i) => (seed + 2 * i) % rows);
            const batch = minibatch ? selectRows(all, tf.tensor1d(chosen, 'int32')) : all;
            const given = minibatch
              ? Int32Array.from(
                  chosen.flatMap((row) => [
                    ...tokens.subarray(row * sequenceLength, (row + 1) * sequenceLength),
                  ]),
                )
              : tokens;
            const labels = labelsOf(answers * batch.rows, classes);
            const loss = (forward: (p: Params) => tf.Tensor2D) =>
              valueAndGrads((p) => crossEntropy(forward(p), labels), params);
            const logits = model.forward(params, batch);
            expect(logits.shape).toEqual([answers * batch.rows, classes]);
            expect(logits.dataSync()).toMatchReference(plainLogits(config, params, given).dataSync(), 3e-6);
            const [own, plain] = [
              loss((p) => model.forward(p, batch)),
              loss((p) => plainLogits(config, p, given)),
            ];
            const expected = new Map(namedTensors(plain.grads));
            const largest = Math.max(...[...expected.values()].map(maxAbs));
            for (const [name, gradient] of namedTensors(own.grads)) {
              const reference = expected.get(name) as tf.Tensor;
              const scale = Math.max(maxAbs(reference), LEAST_SCALE * largest);
              expect(maxAbs(tf.sub(gradient, reference)) / scale, name).toBeLessThan(MOST);
            }
          }),
      ),
      { numRuns: 16 },
    );
  });
});
