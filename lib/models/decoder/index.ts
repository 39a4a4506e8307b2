/**
 * @file Write-up 1's `Transformer` as a `Model`: token embedding plus position, decoder layers of
 * `torch.nn.TransformerDecoderLayer(norm_first=True)`, a final LayerNorm, a head without bias.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { HostTensor } from '../../compile';
import type { DecoderModelConfig } from '../config';
import type { Model } from '../model';
import type { Params } from '../params';
import { checkDecoderConfig } from './check';
import { decoderForward } from './forward';
import {
  type DecoderParams,
  decoderBuffers,
  decoderShapes,
  decoderWithoutGradient,
  initializeDecoder,
} from './parameters';

export type { WeightAndBias } from '../layer-norm';
export type { AttentionParams, DecoderLayerParams, DecoderParams } from './parameters';

/** The parameters as the general tree that optimisers work on, and back. */
export function asDecoderParams(params: Params): DecoderParams {
  return params as unknown as DecoderParams;
}

/**
 * The decoder of the given sizes. With `observe`, its forward pass tells of
 *
 * - `embed`: tokens plus positions, [rows, positions, dModel];
 * - `layers.{i}.attention`: weights before dropout, [rows, heads, queries, keys];
 * - `layers.{i}.hidden`: the feed-forward part after ReLU and dropout, [rows, queries, dFF];
 * - `layers.{i}.out`: the residual stream after the layer, [rows, queries, dModel];
 * - `final_norm`: what the head is given, [rows, answers, dModel].
 *
 * Queries are all positions, and in the last layer those with answers.
 *
 * With `uses`, it marks every use of every parameter: every example then has a row of its own at every position that the answers
 * depend on, and what the ordinary form merges or folds is computed for each. Dropout draws the same, so that logits and
 * gradients agree to rounding. `multihead_attn.in_proj_weight` and `norm2` are unused, their squares 0, as are those of the
 * parts of `in_proj_bias` that have no influence: the keys', and of `multihead_attn` the queries' too.
 *
 * @throws {ArgumentError} for a value out of range
 */
export function decoderModel(config: DecoderModelConfig): Model {
  checkDecoderConfig(config);
  const buffers = decoderBuffers(config);
  return {
    config,
    shapes: decoderShapes(config),
    buffers,
    withoutGradient: decoderWithoutGradient(config),
    init: (seed) => initializeDecoder(config, seed),
    forward: (params, tokens, options) => {
      const tensors = asDecoderParams(params);
      const fixed = buffers.get('embed.pe') as HostTensor | undefined;
      const encoding =
        fixed === undefined
          ? (tensors.embed.pe as tf.Tensor2D)
          : tf.tensor2d(fixed.data as Float32Array, [fixed.shape[0] as number, fixed.shape[1] as number]);
      return decoderForward(config, encoding, tensors, tokens, options);
    },
  };
}
