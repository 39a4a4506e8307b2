/**
 * @file Layers that tell what uses them: a row for each example, and a mark at every use of a parameter. Parameters are told by
 * themselves; their names are looked up.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ArgumentError } from '../errors';
import { normalize, type WeightAndBias } from './layer-norm';
import { namedTensors, type Params } from './params';
import type { TokenBatch } from './rows';
import type { PartUseOptions, Uses } from './true-grad/uses';

/** The marks of one forward pass. */
export interface Marks {
  readonly uses: Uses;
  /** The dotted name of a parameter. @throws {ArgumentError} for a tensor that is none */
  readonly nameOf: (parameter: tf.Tensor) => string;
}

export function marksOf(uses: Uses, params: Params): Marks {
  const names = new Map(namedTensors(params).map(([name, tensor]) => [tensor, name]));
  return {
    uses,
    nameOf: (parameter) => {
      const name = names.get(parameter);
      if (name !== undefined) return name;
      throw new ArgumentError(
        `a tensor [${parameter.shape}] whose use is marked is none of the parameters given; expected one of them as it is, and for a part of one the parameter itself with its option part`,
      );
    },
  };
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
export function markedNorm(x: tf.Tensor2D, norm: WeightAndBias<tf.Tensor1D>, marks: Marks): tf.Tensor2D {
  return markedNormParts(x, norm, marks).shifted;
}

/** ẑ·weight, and the same with the bias added. */
export function markedNormParts(
  x: tf.Tensor2D,
  { weight, bias }: WeightAndBias<tf.Tensor1D>,
  { uses, nameOf }: Marks,
): { readonly unshifted: tf.Tensor2D; readonly shifted: tf.Tensor2D } {
  const z = normalize(x);
  const unshifted = uses.gain(nameOf(weight), z, tf.mul(z, weight));
  return { unshifted, shifted: uses.bias(nameOf(bias), tf.add(unshifted, bias)) };
}
