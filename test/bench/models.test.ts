import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { mlp } from '../../bench/models/mlp.mjs';
import { plainDecoder } from '../../bench/models/plain-decoder.mjs';
import { plainGpt } from '../../bench/models/plain-gpt.mjs';
import type { DecoderModelConfig } from '../../lib/models/config';
import { asDecoderParams } from '../../lib/models/decoder';
import { asGptParams } from '../../lib/models/gpt';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, valueAndGrads } from '../../lib/models/params';
import { eagerTensors, oracleDecoder, oracleDecoderWeights, paramsOf } from '../support/decoder';
import { ORACLE_GPT, openOracle, oracleParams } from '../support/oracle';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('the benchmark’s network of two layers', () => {
  const config = { modulus: 5, hidden: 7, learningRate: 1e-3, weightDecay: 1, betas: [0.9, 0.98] } as const;
  const params = {
    fc1: tf.tensor2d(
      Array.from({ length: 70 }, (_, i) => Math.sin(i)),
      [10, 7],
    ),
    fc2: tf.tensor2d(
      Array.from({ length: 35 }, (_, i) => Math.cos(i)),
      [7, 5],
    ),
  };
  const tokens = Int32Array.of(0, 0, 4, 1, 2, 4);

  it.each(['plain', 'reduced'] as const)('is W₂(W₁x)² for the two ones of x, %s', (form) => {
    const [w1, w2] = [params.fc1.arraySync(), params.fc2.arraySync()];
    const expected = [0, 1, 2].map((row) => {
      const [a, b] = [w1[tokens[2 * row] as number], w1[5 + (tokens[2 * row + 1] as number)]];
      const hidden = a?.map((x, unit) => (x + (b?.[unit] as number)) ** 2);
      return [0, 1, 2, 3, 4].map((c) =>
        hidden?.reduce((sum, h, unit) => sum + h * (w2[unit]?.[c] as number), 0),
      );
    });
    expect(mlp(config, params, tokens, form).arraySync().flat()).toMatchReference(
      expected.flat() as number[],
      1e-6,
    );
  });
});

describe('the benchmark’s plain GPT', () => {
  it.each(['gather', 'oneHot'] as const)('gives PyTorch’s logits, embedding by %s', (embedding) => {
    const oracle = openOracle('c_gpt');
    const tokens = oracle.integers('x');
    const rows = tf.tensor2d(tokens, [tokens.length / 3, 3], 'int32');
    const logits = plainGpt(ORACLE_GPT, asGptParams(oracleParams()), rows, embedding);
    expect(logits.dataSync()).toMatchReference(oracle.numbers('f64.fixed.logits_last'), 1e-5);
  });
});

describe('the benchmark’s plain decoder', () => {
  it.each([
    ['additive', 'tril'],
    ['causal', 'causal'],
    ['none', 'none'],
  ] as const)('gives PyTorch’s loss and gradients, mask %s', (mask, reference) => {
    const oracle = openOracle('b_decoder');
    const { config, shapes, buffers } = oracleDecoder(mask);
    const params = paramsOf(shapes.keys(), eagerTensors(oracleDecoderWeights(mask)));
    const rows = tf.tensor2d(oracle.integers('x'), [8, 3], 'int32');
    const encoding = tf.tensor2d(buffers.get('embed.pe')?.data as Float32Array, [3, 16]);
    const labels = tf.cast(
      tf.oneHot(tf.tensor1d(oracle.integers('y'), 'int32'), 13),
      'float32',
    ) as tf.Tensor2D;
    const { value, grads } = valueAndGrads(
      (p) =>
        crossEntropy(plainDecoder(config as DecoderModelConfig, encoding, asDecoderParams(p), rows), labels),
      params,
    );
    expect(value.dataSync()).toMatchReference(oracle.numbers(`f64.${reference}.loss`), 1e-6);
    for (const [name, gradient] of namedTensors(grads)) {
      const expected = oracle.numbers(`f64.${reference}.grad.${name}`);
      expect(gradient.dataSync(), name).toMatchReference(expected, 1e-5);
    }
  });
});
