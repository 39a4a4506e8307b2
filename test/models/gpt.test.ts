import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainGpt } from '../../bench/models/plain-gpt.mjs';
import { ArgumentError } from '../../lib/errors';
import { asGptParams, gptForward, gptShapes, gptStandardDeviation } from '../../lib/models/gpt';
import { initializeGpt, treeOfNames } from '../../lib/models/initialize';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { tokenBatch } from '../../lib/models/rows';
import { checkModelSizes } from '../../lib/models/sizes';
import { namedHostTensors } from '../../lib/train/state';
import { DEVICES } from '../support/devices';
import { messageOf } from '../support/one-line';
import { ORACLE_GPT, openOracle, oracleParams, parameterName } from '../support/oracle';

const TOLERANCE = 1e-5;

describe.each(DEVICES)('write-up 2’s GPT on $name, against float64 PyTorch', (device) => {
  const oracle = openOracle('c_gpt');
  const params = oracleParams();
  const names = namedTensors(params).map(([name]) => name);
  const tensors = namedTensors(params).map(([, tensor]) => tensor);
  const treeOf = (inputs: tf.Tensor[]): Params =>
    treeOfNames(names.map((name, i) => [name, inputs[i] as tf.Tensor] as const));
  const batch = tokenBatch(oracle.integers('x'), 3, ORACLE_GPT.vocabulary);
  const targets = oracle.integers('y');

  it('gives its logits', async () => {
    const [logits] = await device.run(
      (inputs) => [gptForward(ORACLE_GPT, asGptParams(treeOf(inputs)), batch)],
      tensors,
    );
    expect(logits).toMatchReference(oracle.numbers('f64.fixed.logits_last'), TOLERANCE);
  });

  it('gives its loss and the gradient of every parameter', async () => {
    const [loss, ...grads] = await device.run((inputs) => {
      const labels = tf.cast(tf.oneHot(tf.tensor1d(targets, 'int32'), 13), 'float32') as tf.Tensor2D;
      const result = valueAndGrads(
        (p) => crossEntropy(gptForward(ORACLE_GPT, asGptParams(p), batch), labels),
        treeOf(inputs),
      );
      return [result.value, ...namedTensors(result.grads).map(([, tensor]) => tensor)];
    }, tensors);
    expect(loss).toMatchReference(oracle.numbers('f64.fixed.loss'), TOLERANCE);
    const checked = oracle.names('f64.fixed.grad.').map((name) => {
      const index = names.indexOf(parameterName(name));
      expect(grads[index], name).toMatchReference(oracle.numbers(`f64.fixed.grad.${name}`), TOLERANCE);
      return parameterName(name);
    });
    expect(checked.sort()).toEqual([...names].sort());
  });
});

describe('computing distinct rows only', () => {
  it.each([1, 2, 3])('equals the plain form for any tokens, %i blocks', async (layers) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        async (seed, rows, equals) => {
          const model = {
            vocabulary: 5,
            sequenceLength: 3,
            classes: 4,
            dModel: 8,
            heads: 2,
            dFF: 12,
            layers,
          };
          const tokens = Int32Array.from({ length: 3 * rows }, (_, i) =>
            equals && i % 3 === 2 ? 4 : (seed * 31 + i * 7 + ((seed >> 3) ^ i)) % 5,
          );
          const weights = namedHostTensors(initializeGpt(model, 'unit', seed)).map(
            ([name, { data, shape }]) => [name, tf.tensor(data, [...shape]).mul(0.5) as tf.Tensor] as const,
          );
          const params = asGptParams(treeOfNames(weights) as Params);
          const reduced = gptForward(model, params, tokenBatch(tokens, 3, 5));
          const plain = plainGpt(model, params, tf.tensor2d(tokens, [rows, 3], 'int32'));
          expect(reduced.shape).toEqual([rows, 4]);
          expect(reduced.dataSync()).toMatchReference(plain.dataSync(), 1e-4);
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe('initial parameters', () => {
  const model = {
    vocabulary: 114,
    sequenceLength: 3,
    classes: 113,
    dModel: 128,
    heads: 4,
    dFF: 512,
    layers: 1,
  };

  it.each(['paper', 'unit'] as const)(
    '%s: mean 0 and the stated standard deviation, in every matrix',
    (init) => {
      for (const [name, { data, shape }] of namedHostTensors(initializeGpt(model, init, 0))) {
        expect(shape).toEqual(gptShapes(model).get(name));
        const std = gptStandardDeviation(model, init, name);
        const mean = (data as Float32Array).reduce((a, b) => a + b, 0) / data.length;
        const variance = (data as Float32Array).reduce((a, b) => a + (b - mean) ** 2, 0) / data.length;
        expect(Math.abs(mean)).toBeLessThan((5 * std) / Math.sqrt(data.length));
        expect(Math.abs(variance / std ** 2 - 1)).toBeLessThan(5 * Math.sqrt(2 / data.length));
      }
    },
  );

  it('has standard deviation 1/√dModel, but 1/√(p + 1) for the head, as in the reference run', () => {
    expect(gptStandardDeviation(model, 'paper', 'blocks.0.q')).toBe(1 / Math.sqrt(128));
    expect(gptStandardDeviation(model, 'paper', 'out')).toBe(1 / Math.sqrt(114));
    expect(gptStandardDeviation(model, 'unit', 'out')).toBe(1);
  });

  it('depends on the seed, and one matrix not on the others’ sizes', () => {
    const of = (seed: number, dFF = 512) =>
      new Map(namedHostTensors(initializeGpt({ ...model, dFF }, 'paper', seed)));
    expect(of(1).get('out')?.data).toEqual(of(1, 256).get('out')?.data);
    expect(of(1).get('out')?.data).not.toEqual(of(2).get('out')?.data);
  });
});

describe('bad sizes and tokens are refused in one line', () => {
  it('heads that do not divide the width', () => {
    const message = messageOf(ArgumentError, () => checkModelSizes({ ...ORACLE_GPT, heads: 3 }));
    expect(message).toContain('16');
    expect(message).toContain('3');
  });

  it.each([0, -1, 1.5, Number.NaN])('a width of %d', (dModel) => {
    expect(messageOf(ArgumentError, () => checkModelSizes({ ...ORACLE_GPT, dModel }))).toContain(
      String(dModel),
    );
  });

  it('a token outside the vocabulary', () => {
    expect(messageOf(ArgumentError, () => tokenBatch(Int32Array.of(0, 1, 14), 3, 14))).toContain('14');
    expect(messageOf(ArgumentError, () => tokenBatch(Int32Array.of(0, -1, 13), 3, 14))).toContain('-1');
  });

  it('an incomplete row', () => {
    expect(messageOf(ArgumentError, () => tokenBatch(Int32Array.of(0, 1), 3, 14))).toContain('3');
  });
});
