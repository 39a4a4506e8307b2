/**
 * @file The forward pass of write-up 1's `Transformer`: a pre-norm decoder that cross-attends to a memory of zeros. It
 * computes what the answers depend on and nothing else; the numbers are those of the plain form (`bench/models/plain-decoder.mjs`).
 *
 * - Queries, keys and values of the first layer once for each distinct token and position, and later layers on distinct
 *   rows as long as rows are equal.
 * - The last layer at the positions with answers alone.
 * - Under a causal mask nothing that is hidden.
 * - A zero memory has equal keys and the value b_v, so cross-attention is the constant W_o·b_v + b_o. Dropout on its weights
 *   leaves of each head, row and query the share kept/(L·(1 − p)), `kept` of L keys.
 */
import * as tf from '@tensorflow/tfjs-core';
import { dropoutMask } from '../../compile';
import type { DecoderModelConfig } from '../config';
import type { ForwardOptions } from '../model';
import { embed, type TokenBatch } from '../rows';
import { attend } from './attention';
import { layerNorm } from './layer-norm';
import type { AttentionParams, DecoderLayerParams, DecoderParams, WeightAndBias } from './parameters';
import { expandTo, joined, lastOf, mapStream, type Stream, split } from './stream';

/** Draws what dropout keeps for a use in a layer: 0 where it drops, else 1/(1 − p). */
type Keep = (use: string, shape: readonly number[]) => tf.Tensor;

/** What all layers share. */
interface Pass {
  readonly config: DecoderModelConfig;
  /** Rows of the batch. */
  readonly rows: number;
  readonly mask?: tf.Tensor2D;
  /** Absent where nothing is dropped. */
  readonly keep?: Keep;
  readonly observe?: ForwardOptions['observe'];
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

/** Self-attention of the last `wanted` positions, out_proj included. */
function selfAttention(
  normed: Stream,
  wanted: number,
  params: AttentionParams,
  pass: Pass,
  layer: number,
): Stream {
  const { config, rows, keep, observe } = pass;
  const { heads, dModel, mask } = config;
  const length = normed.parts.length;
  const scale = 1 / Math.sqrt(dModel / heads);
  const queries = split(mapStream(lastOf(normed, wanted), (x) => tf.mul(linear(x, third(params, 0)), scale)));
  // The keys' bias adds the same to all scores of a query, which softmax does not see; its gradient is exactly 0.
  const keys = split(mapStream(normed, (x) => tf.matMul(x, third(params, 1).weight, false, true)));
  const values = split(mapStream(normed, (x) => linear(x, third(params, 2))));
  const observed: tf.Tensor[] = [];
  const mixed = queries.map((query, i) => {
    const position = length - wanted + i;
    const seen = mask === 'causal' ? position + 1 : length;
    return attend(
      {
        query,
        keys: keys.slice(0, seen),
        values: values.slice(0, seen),
        ...(pass.mask && { bias: tf.reshape(tf.slice(pass.mask, [position, 0], [1, -1]), [-1]) }),
        ...(keep && {
          dropout: (weights: tf.Tensor3D) => tf.mul(weights, keep(`attention/${position}`, weights.shape)),
        }),
        ...(observe && {
          observe: (weights: tf.Tensor3D) => {
            observed.push(
              tf.pad(weights, [
                [0, length - seen],
                [0, 0],
                [0, 0],
              ]),
            );
          },
        }),
      },
      heads,
      rows,
    );
  });
  // [queries, keys, rows, heads] → [rows, heads, queries, keys]
  observe?.(`layers.${layer}.attention`, tf.transpose(tf.stack(observed), [2, 3, 0, 1]));
  return mapStream(joined(mixed), (x) => linear(x, params.out_proj));
}

/** What attention to a memory of zeros adds, [1 or count, dModel], count rows where its weights are dropped. */
function crossAttention(count: number, params: AttentionParams, { config, keep }: Pass): tf.Tensor2D {
  const { heads, dModel, sequenceLength } = config;
  const { bias } = third(params, 2);
  const { weight, bias: offset } = params.out_proj;
  // W_o·b_v, head by head: [heads, dModel].
  const products = tf.reshape(tf.mul(weight, bias), [dModel, heads, dModel / heads]);
  const byHead: tf.Tensor2D = tf.transpose(tf.sum(products, 2));
  if (keep === undefined) return tf.add(tf.sum(byHead, 0, true), offset);
  const kept = tf.mean(keep('cross-attention', [sequenceLength, count, heads]), 0); // [count, heads]
  return tf.add(tf.matMul(kept as tf.Tensor2D, byHead), offset);
}

/** Multiplies by what is kept, where anything is dropped. */
function dropped(x: tf.Tensor2D, use: string, keep: Keep | undefined): tf.Tensor2D {
  return keep === undefined ? x : tf.mul(x, keep(use, x.shape));
}

/** Its exact value, with a zero gradient for tensors that the value does not depend on. */
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

/** One layer at the last `wanted` positions. */
function decoderLayer(
  stream: Stream,
  wanted: number,
  params: DecoderLayerParams,
  pass: Pass,
  layer: number,
): Stream {
  const { rows, observe } = pass;
  const keep: Keep | undefined =
    pass.keep && ((use, shape) => (pass.keep as Keep)(`layers.${layer}/${use}`, shape));
  const within: Pass = keep === undefined ? pass : { ...pass, keep };
  const normed = mapStream(stream, (x) => layerNorm(x, params.norm1));
  const attention = selfAttention(normed, wanted, params.self_attn, within, layer);
  const residual = joined(
    split(lastOf(stream, wanted)).map((own, i) => {
      const { count, index } = attention.parts[i] as Stream['parts'][number];
      return index === undefined ? { values: expandTo(own, count) } : { values: own.values, index };
    }),
  );
  let x: tf.Tensor2D = tf.add(residual.values, dropped(attention.values, 'dropout1', keep));
  const constant = crossAttention(x.shape[0], params.multihead_attn, within);
  const { in_proj_weight } = params.multihead_attn;
  const cross = withoutEffect(constant, [in_proj_weight, params.norm2.weight, params.norm2.bias]);
  x = tf.add(x, dropped(cross, 'dropout2', keep));
  const hidden = dropped(tf.relu(linear(layerNorm(x, params.norm3), params.linear1)), 'dropout', keep);
  x = tf.add(x, dropped(linear(hidden, params.linear2), 'dropout3', keep));
  const out = { values: x, parts: attention.parts };
  observe?.(`layers.${layer}.hidden`, byRow({ ...out, values: hidden }, rows));
  observe?.(`layers.${layer}.out`, byRow(out, rows));
  return out;
}

/** [rows, positions, features] */
function byRow(stream: Stream, rows: number): tf.Tensor {
  return tf.stack(
    split(stream).map((position) => expandTo(position, rows)),
    1,
  );
}

/** Logits of the answers, [answers · rows, classes]: all rows' first answer, then the second. */
export function decoderForward(
  config: DecoderModelConfig,
  encoding: tf.Tensor2D,
  params: DecoderParams,
  batch: TokenBatch,
  { random, observe }: ForwardOptions = {},
): tf.Tensor2D {
  const { dropout, layers, answers, sequenceLength } = config;
  const { rows } = batch;
  const pass: Pass = {
    config,
    rows,
    ...(params.mask && { mask: params.mask }),
    ...(random &&
      dropout > 0 && {
        keep: (use: string, shape: readonly number[]) =>
          tf.div(
            tf.cast(dropoutMask(dropout, shape, { ...random, purpose: `dropout/${use}` }), 'float32'),
            1 - dropout,
          ),
      }),
    ...(observe && { observe }),
  };
  let stream = joined(embed(batch, params.embed.weight, encoding));
  observe?.('embed', byRow(stream, rows));
  for (let layer = 0; layer < layers; layer++) {
    const wanted = layer === layers - 1 ? answers : sequenceLength;
    stream = decoderLayer(stream, wanted, params.decoder.layers[layer] as DecoderLayerParams, pass, layer);
  }
  const normed = mapStream(stream, (x) => layerNorm(x, params.decoder.norm));
  observe?.('final_norm', byRow(normed, rows));
  const logits = mapStream(normed, (x) => tf.matMul(x, params.linear.weight, false, true));
  return joined(split(logits).map((answer) => ({ values: expandTo(answer, rows) }))).values;
}
