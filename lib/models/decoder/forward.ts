/**
 * @file The forward pass of write-up 1's `Transformer`: a pre-norm decoder that cross-attends to a memory of zeros. It
 * computes what the answers depend on and nothing else; the numbers are those of the plain form, to rounding
 * (`bench/models/plain-decoder.mjs`).
 *
 * - Queries, keys and values of the first layer once for each distinct token and position, and later layers on distinct
 *   rows as long as rows are equal.
 * - The last layer at the positions with answers alone.
 * - Under a causal mask nothing that is hidden.
 * - A zero memory has equal keys and the value b_v, so cross-attention is the constant W_o·b_v + b_o. Dropout on its weights
 *   leaves of each head, row and query the share kept/(L·(1 − p)), `kept` of L keys.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { DecoderModelConfig } from '../config';
import { afterNorm, layerNorm, normalize, scaledColumns, shift, type WeightAndBias } from '../layer-norm';
import type { ForwardOptions } from '../model';
import { embed, expandTo, type TokenBatch } from '../rows';
import { attend } from './attention';
import { drawDropout, kept, keptRelu, type LayerDropout, scaled } from './dropout';
import type { AttentionParams, DecoderLayerParams, DecoderParams } from './parameters';
import { joined, lastOf, mapStream, type Stream, split } from './stream';

/** What all layers share. */
interface Pass {
  readonly config: DecoderModelConfig;
  /** Rows of the batch. */
  readonly rows: number;
  /** The additive mask. */
  readonly mask?: tf.Tensor2D;
  readonly options: ForwardOptions;
}

/** One layer: its number, the positions that it computes, the last ones, and how many keys each sees. */
interface Place {
  readonly layer: number;
  readonly positions: readonly { readonly position: number; readonly keys: number }[];
}

function placeOf({ layers, answers, sequenceLength, mask }: DecoderModelConfig, layer: number): Place {
  const wanted = layer === layers - 1 ? answers : sequenceLength;
  const positions = Array.from({ length: wanted }, (_, i) => {
    const position = sequenceLength - wanted + i;
    return { position, keys: mask === 'causal' ? position + 1 : sequenceLength };
  });
  return { layer, positions };
}

/** y = x·Wᵀ + b. */
function linear(x: tf.Tensor2D, { weight, bias }: WeightAndBias): tf.Tensor2D {
  return tf.add(tf.matMul(x, weight, false, true), bias);
}

/** The rows of q, k or v (0, 1 or 2) of a packed projection. */
function third(params: AttentionParams, which: number): WeightAndBias {
  const dModel = params.in_proj_weight.shape[1];
  return {
    weight: tf.slice(params.in_proj_weight, [which * dModel, 0], [dModel, -1]),
    bias: tf.slice(params.in_proj_bias, [which * dModel], [dModel]),
  };
}

/** Self-attention, out_proj included. @param z The stream normalised, without the affine part of norm1. */
function selfAttention(
  z: Stream,
  { self_attn: params, norm1 }: DecoderLayerParams,
  { config: { heads, dModel }, rows, mask, options: { observe } }: Pass,
  { layer, positions }: Place,
  dropout: LayerDropout | undefined,
): Stream {
  const factor = dropout?.factor ?? 1;
  const query = scaled(afterNorm(norm1, third(params, 0)), 1 / Math.sqrt(dModel / heads));
  const queries = split(mapStream(lastOf(z, positions.length), (x) => linear(x, query)));
  // A bias of the keys adds the same to all scores of a query, which softmax does not see; its gradient is exactly 0.
  const key = scaledColumns(norm1, third(params, 1).weight);
  const keys = split(mapStream(z, (x) => tf.matMul(x, key, false, true)));
  const value = scaled(afterNorm(norm1, third(params, 2)), factor);
  const values = split(mapStream(z, (x) => linear(x, value)));
  const observed: tf.Tensor[] = [];
  const mixed = positions.map(({ position, keys: seen }, i) =>
    attend(
      {
        query: queries[i] as (typeof queries)[number],
        keys: keys.slice(0, seen),
        values: values.slice(0, seen),
        ...(mask && { bias: tf.reshape(tf.slice(mask, [position, 0], [1, -1]), [-1]) }),
        ...(dropout && { kept: dropout.attention[i] as tf.Tensor3D }),
        ...(observe && {
          observe: (weights: tf.Tensor3D) => {
            observed.push(
              tf.pad(weights, [
                [0, keys.length - seen],
                [0, 0],
                [0, 0],
              ]),
            );
          },
        }),
      },
      heads,
      rows,
    ),
  );
  // [queries, keys, rows, heads] → [rows, heads, queries, keys]
  observe?.(`layers.${layer}.attention`, tf.transpose(tf.stack(observed), [2, 3, 0, 1]));
  const out = scaled(params.out_proj, factor);
  return mapStream(joined(mixed), (x) => linear(x, out));
}

/** What attention to a memory of zeros adds: [rows of all queries, dModel] with dropout on its weights, else [1, dModel]. */
function crossAttention(
  { multihead_attn: params, norm2 }: DecoderLayerParams,
  { heads, dModel }: DecoderModelConfig,
  dropout: LayerDropout | undefined,
): tf.Tensor2D {
  const factor = dropout?.factor ?? 1;
  const { bias } = third(params, 2);
  const out = scaled(params.out_proj, factor);
  // W_o·b_v, head by head: [heads, dModel].
  const products = tf.reshape(tf.mul(out.weight, bias), [dModel, heads, dModel / heads]);
  const byHead = withoutEffect(tf.transpose(tf.sum(products, 2)) as tf.Tensor2D, [
    params.in_proj_weight,
    norm2.weight,
    norm2.bias,
  ]);
  if (dropout === undefined) return tf.add(tf.sum(byHead, 0, true), out.bias);
  const share = tf.mean(dropout.cross, 0) as tf.Tensor2D; // [rows, heads]
  return tf.add(tf.matMul(share, tf.mul(byHead, factor)), out.bias);
}

/** The same tensor, with an exact zero gradient for parameters that it does not depend on. */
function withoutEffect(x: tf.Tensor2D, unused: readonly tf.Tensor[]): tf.Tensor2D {
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

/** The residual stream at a layer's positions, on the rows that its attention has. */
function residualOf(stream: Stream, attention: Stream): tf.Tensor2D {
  const own = split(lastOf(stream, attention.parts.length)).map((rows, i) => {
    const { count, index } = attention.parts[i] as Stream['parts'][number];
    // With an index, attention has the rows of the position itself, or of an earlier one where its own token never varies.
    return { values: expandTo(index === undefined ? rows : { values: rows.values }, count) };
  });
  return joined(own).values;
}

function decoderLayer(stream: Stream, params: DecoderLayerParams, pass: Pass, place: Place): Stream {
  const { config, rows, options } = pass;
  const { layer, positions } = place;
  const { random, observe } = options;
  const dropout =
    random === undefined || config.dropout === 0
      ? undefined
      : drawDropout(config, layer, { rows, keys: positions.map(({ keys }) => keys) }, random);
  const factor = dropout?.factor ?? 1;
  const { linear1, linear2, norm3 } = params;

  const attention = selfAttention(mapStream(stream, normalize), params, pass, place, dropout);
  let x: tf.Tensor2D = tf.add(residualOf(stream, attention), kept(attention.values, dropout?.residual[0]));
  x = tf.add(x, kept(crossAttention(params, config, dropout), dropout?.residual[1]));
  const hidden = keptRelu(linear(normalize(x), afterNorm(norm3, linear1)), dropout?.hidden); // [rows, dFF]
  const second = scaled({ weight: tf.mul(linear2.weight, factor), bias: linear2.bias }, factor);
  x = tf.add(x, kept(linear(hidden, second), dropout?.residual[2]));

  const { parts } = attention;
  observe?.(`layers.${layer}.hidden`, byRow({ values: tf.mul(hidden, factor), parts }, rows));
  observe?.(`layers.${layer}.out`, byRow({ values: x, parts }, rows));
  return { values: x, parts };
}

/** [rows, positions, features] */
function byRow(stream: Stream, rows: number): tf.Tensor {
  return tf.stack(
    split(stream).map((position) => expandTo(position, rows)),
    1,
  );
}

/**
 * Logits of the answers, [answers · rows, classes]: all rows' first answer, then the second.
 * @param encoding Added to the embeddings, [sequenceLength, dModel].
 */
export function decoderForward(
  config: DecoderModelConfig,
  encoding: tf.Tensor2D,
  params: DecoderParams,
  batch: TokenBatch,
  options: ForwardOptions = {},
): tf.Tensor2D {
  const { rows } = batch;
  const pass: Pass = { config, rows, options, ...(params.mask && { mask: params.mask }) };
  let stream = joined(embed(batch, params.embed.weight, encoding));
  options.observe?.('embed', byRow(stream, rows));
  for (let layer = 0; layer < config.layers; layer++) {
    const weights = params.decoder.layers[layer] as DecoderLayerParams;
    stream = decoderLayer(stream, weights, pass, placeOf(config, layer));
  }
  const { norm } = params.decoder;
  const z = mapStream(stream, normalize);
  options.observe?.(
    'final_norm',
    byRow(
      mapStream(stream, (x) => layerNorm(x, norm)),
      rows,
    ),
  );
  const { weight } = params.linear;
  const head = { weight: scaledColumns(norm, weight), bias: shift(norm, weight) };
  const logits = split(mapStream(z, (x) => linear(x, head)));
  return joined(logits.map((answer) => ({ values: expandTo(answer, rows) }))).values;
}
