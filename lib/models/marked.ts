/**
 * @file Layers that tell what uses them: a row for each example, and a mark at every use of a parameter. Parameters are told by
 * themselves; their names are looked up.
 */
import * as tf from '@tensorflow/tfjs-core';
import { normalize, type WeightAndBias } from './layer-norm';
import { namedTensors, type Params } from './params';
import type { TokenBatch } from './rows';
import type { PartUseOptions, Uses } from './true-grad/uses';

/** The marks of one forward pass. */
export interface Marks {
  readonly uses: Uses;
  /** The dotted name of a parameter. */
  readonly nameOf: (parameter: tf.Tensor) => string;
}

export function marksOf(uses: Uses, params: Params): Marks {
  const names = new Map(namedTensors(params).map(([name, tensor]) => [tensor, name]));
  return { uses, nameOf: (parameter) => names.get(parameter) as string };
}

/** Token embeddings, [rows, dModel], for each position of a batch. */
export function markedEmbedding(
  { positions }: TokenBatch,
  table: tf.Tensor2D,
  { uses, nameOf }: Marks,
): tf.Tensor2D[] {
  return positions.map(({ tokens, index }) => {
    const of =
      index instanceof Int32Array
        ? index.map((i) => tokens[i] as number)
        : (tf.gather(tf.tensor1d(tokens, 'int32'), index) as tf.Tensor1D);
    const rows: tf.Tensor2D = tf.gather(table, of instanceof Int32Array ? tf.tensor1d(of, 'int32') : of);
    return uses.embedding(nameOf(table), of, rows, { tokens });
  });
}

/**
 * y = x·Wᵀ.
 *
 * @param parameter what `weight` is a part of, where it is one
 */
export function markedProduct(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  { uses, nameOf }: Marks,
  parameter: tf.Tensor2D = weight,
  options: PartUseOptions = {},
): tf.Tensor2D {
  return uses.linear(nameOf(parameter), x, tf.matMul(x, weight, false, true), {
    transposed: true,
    ...options,
  });
}

/** ẑ·weight + bias. */
export function markedNorm(
  x: tf.Tensor2D,
  { weight, bias }: WeightAndBias<tf.Tensor1D>,
  { uses, nameOf }: Marks,
): tf.Tensor2D {
  const z = normalize(x);
  const scaled = uses.gain(nameOf(weight), z, tf.mul(z, weight));
  return uses.bias(nameOf(bias), tf.add(scaled, bias));
}
