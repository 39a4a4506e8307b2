/**
 * @file What a decoder is made of, in its ordinary form: rows that are equal computed once, all positions in one matrix, the
 * affine part of a LayerNorm within the linear layers that follow, constants within weights.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { DecoderModelConfig } from '../config';
import { afterNorm, normalize, scaledColumns, shift, type WeightAndBias } from '../layer-norm';
import { embed, type Rows, type TokenBatch } from '../rows';
import { type LayerDropout, scaled } from './dropout';
import type { AttentionParams, DecoderLayerParams } from './parameters';
import { joined, type Stream } from './stream';

/** A linear layer, y = x·Wᵀ + b, which may be some of the rows of a packed one. */
export interface Linear extends WeightAndBias {
  readonly packed?: {
    readonly weight: tf.Tensor2D;
    readonly bias: tf.Tensor1D;
    /** The first of the rows. */
    readonly start: number;
  };
}

export interface LinearOptions {
  /** Inputs are as `Layers.norm` gives them for this LayerNorm. */
  readonly after?: WeightAndBias<tf.Tensor1D>;
  /** Multiplies what goes in. Default 1. */
  readonly inputFactor?: number;
  /** Multiplies what comes out. Default 1. */
  readonly factor?: number;
}

/** [rows, features] → [rows, features] */
export type RowFunction = (x: tf.Tensor2D) => tf.Tensor2D;

/** The parts of a decoder in which parameters are used. */
export interface Layers {
  /** Tokens plus positions. @param encoding [sequenceLength, dModel] */
  embed(batch: TokenBatch, table: tf.Tensor2D, encoding: tf.Tensor2D): Stream;
  /** Positions, arranged as this form has them. */
  arrange(positions: readonly Rows[]): Stream;
  /** A LayerNorm; what its affine part does may be left to the linear layers that follow. */
  norm(norm: WeightAndBias<tf.Tensor1D>): RowFunction;
  /** The same before self-attention, where what keys are made of has no need of the shift β: see `keys`. */
  normBeforeAttention(norm: WeightAndBias<tf.Tensor1D>): (x: tf.Tensor2D) => {
    readonly z: tf.Tensor2D;
    readonly forKeys: tf.Tensor2D;
  };
  linear(layer: Linear, options?: LinearOptions): RowFunction;
  /** Keys from `forKeys`, without what is the same in all rows: softmax does not see it, and its gradient is exactly 0. */
  keys(layer: Linear, after: WeightAndBias<tf.Tensor1D>): RowFunction;
  /** A linear layer without bias. */
  head(weight: tf.Tensor2D, after: WeightAndBias<tf.Tensor1D>): RowFunction;
  /** A row of the additive mask, [keys] or [keys, rows]. */
  maskRow(mask: tf.Tensor2D, position: number): tf.Tensor1D | tf.Tensor2D;
  /** Dropout as these layers take it. */
  dropout(drawn: LayerDropout): LayerDropout;
  /** What attention to a memory of zeros adds, [1 or rows, dModel]. */
  remembered(layer: DecoderLayerParams, dropout: LayerDropout | undefined): tf.Tensor2D;
}

/** The rows of q, k or v (0, 1 or 2) of a packed projection. */
export function third(params: AttentionParams, which: number): Linear {
  const dModel = params.in_proj_weight.shape[1];
  const start = which * dModel;
  return {
    weight: tf.slice(params.in_proj_weight, [start, 0], [dModel, -1]),
    bias: tf.slice(params.in_proj_bias, [start], [dModel]),
    packed: { weight: params.in_proj_weight, bias: params.in_proj_bias, start },
  };
}

export function foldedLayers({ heads }: DecoderModelConfig): Layers {
  return {
    embed: (batch, table, encoding) => joined(embed(batch, table, encoding)),
    arrange: joined,
    norm: () => normalize,
    normBeforeAttention: () => (x) => {
      const z = normalize(x);
      return { z, forKeys: z };
    },
    linear(layer, options = {}) {
      const { weight, bias } = folded(layer, options);
      return (x) => tf.add(tf.matMul(x, weight, false, true), bias);
    },
    keys({ weight }, after) {
      const key = scaledColumns(after, weight);
      return (x) => tf.matMul(x, key, false, true);
    },
    head(weight, after) {
      const head = { weight: scaledColumns(after, weight), bias: shift(after, weight) };
      return (x) => tf.add(tf.matMul(x, head.weight, false, true), head.bias);
    },
    maskRow(mask, position): tf.Tensor1D {
      return tf.reshape(tf.slice(mask, [position, 0], [1, -1]), [-1]);
    },
    dropout: (drawn) => drawn,
    remembered({ multihead_attn: params, norm2 }, dropout) {
      const factor = dropout?.factor ?? 1;
      const { bias } = third(params, 2);
      const out = scaled(params.out_proj, factor);
      const unused = [params.in_proj_weight, norm2.weight, norm2.bias];
      const byHead = withoutEffect(byHeads(out.weight, bias, heads), unused);
      if (dropout === undefined) return tf.add(tf.sum(byHead, 0, true), out.bias);
      return tf.add(tf.matMul(keptShare(dropout), tf.mul(byHead, factor)), out.bias);
    },
  };
}

/** The one linear layer that does what all of these do. */
function folded({ weight, bias }: Linear, { after, inputFactor, factor = 1 }: LinearOptions): WeightAndBias {
  const scaledInput: tf.Tensor2D = inputFactor === undefined ? weight : tf.mul(weight, inputFactor);
  const own = { weight: scaledInput, bias };
  return scaled(after === undefined ? own : afterNorm(after, own), factor);
}

/** W·b head by head, [heads, dModel]. */
export function byHeads(weight: tf.Tensor2D, bias: tf.Tensor1D, heads: number): tf.Tensor2D {
  const [dModel] = bias.shape;
  const products = tf.reshape(tf.mul(weight, bias), [dModel, heads, dModel / heads]);
  return tf.transpose(tf.sum(products, 2));
}

/** How much dropout leaves of the weights of attention to the memory, which are all equal, [rows, heads]. */
export function keptShare({ cross }: LayerDropout): tf.Tensor2D {
  return tf.mean(cross, 0);
}

/** The same tensor, with an exact zero gradient for parameters that it does not depend on. */
export function withoutEffect(x: tf.Tensor2D, unused: readonly tf.Tensor[]): tf.Tensor2D {
  const identity = tf.customGrad((...inputs) => {
    const [value, ...others] = inputs.slice(0, -1) as tf.Tensor[];
    const save = inputs.at(-1) as tf.GradSaveFunc;
    save(others);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => [
      dy,
      ...saved.map((tensor) => tf.zerosLike(tensor)),
    ];
    return { value: tf.clone(value as tf.Tensor), gradFunc };
  });
  return identity(x, ...unused) as tf.Tensor2D;
}
