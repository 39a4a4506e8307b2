/** @file Write-up 1's decoder for tests: the sizes and weights of the reference, and functions of named tensors. */
import * as tf from '@tensorflow/tfjs-core';
import type { DecoderModelConfig, MaskMode } from '../../lib/models/config';
import { decoderModel } from '../../lib/models/decoder';
import { treeOfNames } from '../../lib/models/initialize';
import type { Params } from '../../lib/models/params';
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
