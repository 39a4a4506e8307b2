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
 *
 * Where uses of parameters are marked, examples have to be told apart: `marked.ts` has the layers of that form, with a row for
 * every example and position, and the same dropout.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { DecoderModelConfig } from '../config';
import { layerNorm } from '../layer-norm';
import type { ForwardOptions } from '../model';
import { expandTo, type TokenBatch } from '../rows';
import { attend } from './attention';
import { cutDropout, drawDropout, kept, keptRelu, type LayerDropout } from './dropout';
import { foldedLayers, type Layers, third } from './layers';
import { markedLayers } from './marked';
import type { DecoderLayerParams, DecoderParams } from './parameters';
import { joined, lastOf, mapStream, type Stream, split } from './stream';

/** What all layers share. */
interface Pass {
  readonly config: DecoderModelConfig;
  readonly layers: Layers;
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

/** Self-attention, out_proj included. */
function selfAttention(
  stream: Stream,
  { self_attn: params, norm1 }: DecoderLayerParams,
  { config: { heads, dModel }, layers, rows, mask, options: { observe } }: Pass,
  { layer, positions }: Place,
  dropout: LayerDropout | undefined,
): Stream {
  const factor = dropout?.factor ?? 1;
  const scale = 1 / Math.sqrt(dModel / heads);
  const normed = stream.matrices.map(layers.normBeforeAttention(norm1));
  const z: Stream = { ...stream, matrices: normed.map((each) => each.z) };
  const forKeys: Stream = { ...stream, matrices: normed.map((each) => each.forKeys) };
  const query = layers.linear(third(params, 0), { after: norm1, factor: scale });
  const queries = split(mapStream(lastOf(z, positions.length), query));
  const keys = split(mapStream(forKeys, layers.keys(third(params, 1), norm1)));
  const value = layers.linear(third(params, 2), { after: norm1, factor });
  const values = split(mapStream(z, value));
  const observed: tf.Tensor[] = [];
  const mixed = positions.map(({ position, keys: seen }, i) =>
    attend(
      {
        query: queries[i] as (typeof queries)[number],
        keys: keys.slice(0, seen),
        values: values.slice(0, seen),
        ...(mask && { bias: layers.maskRow(mask, position) }),
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
  const out = layers.linear(params.out_proj, { factor });
  return mapStream(layers.arrange(mixed), out);
}

/** The residual stream at a layer's positions, on the rows that its attention has. */
function residualOf(stream: Stream, attention: Stream, { arrange }: Layers): Stream {
  const own = split(lastOf(stream, attention.parts.length)).map((rows, i) => {
    const { count, index } = attention.parts[i] as Stream['parts'][number];
    // With an index, attention has the rows of the position itself, or of an earlier one where its own token never varies.
    return { values: expandTo(index === undefined ? rows : { values: rows.values }, count) };
  });
  return arrange(own);
}

/** The feed-forward part: its hidden units and what it adds. */
function feedForward(
  x: tf.Tensor2D,
  { linear1, linear2, norm3 }: DecoderLayerParams,
  layers: Layers,
  dropout: LayerDropout | undefined,
): { hidden: tf.Tensor2D; added: tf.Tensor2D } {
  const factor = dropout?.factor ?? 1;
  const z = layers.norm(norm3)(x);
  const hidden = keptRelu(layers.linear(linear1, { after: norm3 })(z), dropout?.hidden); // [rows, dFF]
  const second = layers.linear(linear2, { inputFactor: dropout?.hiddenFactor ?? 1, factor });
  return { hidden, added: kept(second(hidden), dropout?.residual[2]) };
}

function decoderLayer(stream: Stream, params: DecoderLayerParams, pass: Pass, place: Place): Stream {
  const { config, layers, rows, options } = pass;
  const { layer, positions } = place;
  const { random, observe } = options;
  const dropout =
    random === undefined || config.dropout === 0
      ? undefined
      : layers.dropout(drawDropout(config, layer, { rows, keys: positions.map(({ keys }) => keys) }, random));

  const attention = selfAttention(stream, params, pass, place, dropout);
  const residual = residualOf(stream, attention, layers);
  const shares = dropout && cutDropout(dropout, residual.matrices.length);
  const results = residual.matrices.map((own, i) => {
    const share = shares?.[i];
    let x: tf.Tensor2D = tf.add(own, kept(attention.matrices[i] as tf.Tensor2D, share?.residual[0]));
    x = tf.add(x, kept(layers.remembered(params, share), share?.residual[1]));
    const { hidden, added } = feedForward(x, params, layers, share);
    return { hidden, x: tf.add(x, added) as tf.Tensor2D };
  });

  const { parts } = attention;
  const hidden = { matrices: results.map((result) => result.hidden), parts };
  const factor = dropout?.hiddenFactor ?? 1;
  observe?.(
    `layers.${layer}.hidden`,
    byRow(
      mapStream(hidden, (x) => tf.mul(x, factor)),
      rows,
    ),
  );
  const out = { matrices: results.map(({ x }) => x), parts };
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
  const layers =
    options.uses === undefined ? foldedLayers(config) : markedLayers(config, rows, params, options.uses);
  const pass: Pass = { config, layers, rows, options, ...(params.mask && { mask: params.mask }) };
  let stream = layers.embed(batch, params.embed.weight, encoding);
  options.observe?.('embed', byRow(stream, rows));
  for (let layer = 0; layer < config.layers; layer++) {
    const weights = params.decoder.layers[layer] as DecoderLayerParams;
    stream = decoderLayer(stream, weights, pass, placeOf(config, layer));
  }
  const { norm } = params.decoder;
  const z = mapStream(stream, layers.norm(norm));
  options.observe?.(
    'final_norm',
    byRow(
      mapStream(stream, (x) => layerNorm(x, norm)),
      rows,
    ),
  );
  const logits = split(mapStream(z, layers.head(params.linear.weight, norm)));
  return joined(logits.map((answer) => ({ values: expandTo(answer, rows) }))).matrices[0] as tf.Tensor2D;
}
