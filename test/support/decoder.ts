/** @file Write-up 1's decoder for tests: the sizes and weights of the reference, and functions of named tensors. */
import * as tf from '@tensorflow/tfjs-core';
import { plainDecoder } from '../../bench/models/plain-decoder.mjs';
import type { DecoderModelConfig, MaskMode } from '../../lib/models/config';
import { asDecoderParams, decoderModel } from '../../lib/models/decoder';
import { treeOfNames } from '../../lib/models/initialize';
import type { Model } from '../../lib/models/model';
import type { Params } from '../../lib/models/params';
import { sinusoidalEncoding } from '../../lib/models/positional-encoding';
import { namedHostTensors } from '../../lib/train/state';
import { openOracle } from './oracle';

/** The reference's sizes: 13 numbers, width 16, 4 heads, without dropout. */
export function oracleDecoder(mask: MaskMode) {
  const config: DecoderModelConfig = {
    model: 'decoder',
    vocabulary: 13,
    sequenceLength: 3,
    classes: 13,
    dModel: 16,
    heads: 4,
    dFF: 32,
    layers: 2,
    dropout: 0,
    mask,
    positions: 'sinusoidal',
    answers: 1,
  };
  return decoderModel(config);
}

/** The reference's weights as host tensors, in the order of the model's shapes. */
export function oracleDecoderWeights(mask: MaskMode) {
  const oracle = openOracle('b_decoder');
  return [...oracleDecoder(mask).shapes.keys()].map((name) => {
    const data = Float32Array.from(oracle.numbers(`w.${name}`));
    return [name, { dtype: 'float32' as const, shape: oracle.shape(`w.${name}`), data }] as const;
  });
}

/** Parameters of a model from tensors in the order of its shapes. */
export function paramsOf(names: Iterable<string>, tensors: readonly tf.Tensor[]): Params {
  return treeOfNames([...names].map((name, i) => [name, tensors[i] as tf.Tensor] as const));
}

/** Eager tensors of host tensors. */
export function eagerTensors(
  weights: readonly (readonly [
    string,
    { readonly data: ArrayLike<number>; readonly shape: readonly number[] },
  ])[],
): tf.Tensor[] {
  return weights.map(([, { data, shape }]) => tf.tensor(data as Float32Array, [...shape]) as tf.Tensor);
}

/** Write-up 1's, with the feed-forward part that the presets give it. */
export const WRITE_UP_DECODER: DecoderModelConfig = {
  model: 'decoder',
  vocabulary: 97,
  sequenceLength: 3,
  classes: 97,
  dModel: 128,
  heads: 4,
  dFF: 512,
  layers: 2,
  dropout: 0.1,
  mask: 'additive',
  positions: 'sinusoidal',
  answers: 1,
};

/** A decoder small enough for many eager runs, without dropout. */
export const SMALL_DECODER: DecoderModelConfig = {
  model: 'decoder',
  vocabulary: 5,
  sequenceLength: 3,
  classes: 4,
  dModel: 8,
  heads: 2,
  dFF: 12,
  layers: 2,
  dropout: 0,
  mask: 'causal',
  positions: 'sinusoidal',
  answers: 1,
};

/** The model's initial parameters, none of them 0, 1 or equal to that of another layer. */
export function perturbed(model: Model, seed: number): tf.Tensor[] {
  const weights = new Map(namedHostTensors(model.init(seed)));
  return [...model.shapes].map(([name, shape], i) => {
    const noise = tf.mul(tf.randomNormal([...shape], 0, 1, 'float32', seed + i), 0.3);
    return tf.add(...(eagerTensors([[name, weights.get(name) as never]]) as [tf.Tensor]), noise);
  });
}

export type PlainDropout = Parameters<typeof plainDecoder>[4];

/** Logits of the plain form, [answers · rows, classes]. */
export function plainLogits(
  config: DecoderModelConfig,
  params: Params,
  tokens: Int32Array,
  drop?: PlainDropout,
): tf.Tensor2D {
  const { sequenceLength, dModel } = config;
  const rows = tf.tensor2d(tokens, [tokens.length / sequenceLength, sequenceLength], 'int32');
  const weights = asDecoderParams(params);
  const encoding =
    weights.embed.pe ??
    tf.tensor2d(sinusoidalEncoding(sequenceLength, dModel).data as Float32Array, [sequenceLength, dModel]);
  return plainDecoder(config, encoding, weights, rows, drop);
}

/** Any labels, [count, classes]. */
export const labelsOf = (count: number, classes: number) =>
  tf.cast(
    tf.oneHot(
      tf.tensor1d(
        Array.from({ length: count }, (_, i) => (i * 7 + 1) % classes),
        'int32',
      ),
      classes,
    ),
    'float32',
  ) as tf.Tensor2D;
