/**
 * @file The GPT of write-up 2: transformer blocks without bias or LayerNorm, learned positions, ReLU, separate
 * matrices q, k, v, head_out. All matrices multiply from the right: y = x·W. Parameter names are those of the
 * write-up's own classes in tinygrad's `get_state_dict`.
 *
 * The answer is read at the last position alone, so the last block computes nothing else. Causal or not makes no
 * difference there; blocks before the last one are not causal, as in the write-up.
 */
import * as tf from '@tensorflow/tfjs-core';
import { attend } from './attention';
import { markedGptForward } from './gpt-marked';
import type { Params } from './params';
import { embed, expand, expandTo, linear, type Rows, type TokenBatch } from './rows';
import type { Uses } from './true-grad/uses';

export interface GptConfig {
  /** Tokens are 0 to `vocabulary - 1`; p + 1 for arithmetic mod p, with "=" as the last. */
  readonly vocabulary: number;
  /** Tokens in a row. */
  readonly sequenceLength: number;
  /** Outputs of the head; p for arithmetic mod p. */
  readonly classes: number;
  /** Width of the residual stream. */
  readonly dModel: number;
  /** Attention heads; divides `dModel`. */
  readonly heads: number;
  /** Hidden units of the MLP. */
  readonly dFF: number;
  /** Transformer blocks. */
  readonly layers: number;
}

export type GptBlockParams = Readonly<Record<'q' | 'k' | 'v' | 'head_out' | 'ff1' | 'ff2', tf.Tensor2D>>;

export interface GptParams {
  readonly tok_embed: tf.Tensor2D;
  readonly pos_embed: tf.Tensor2D;
  readonly blocks: Readonly<Record<string, GptBlockParams>>;
  readonly out: tf.Tensor2D;
}

/** Name and shape of every parameter, in a fixed order. */
export function gptShapes(config: GptConfig): Map<string, readonly [number, number]> {
  const { vocabulary, sequenceLength, classes, dModel, dFF, layers } = config;
  const block = (layer: number): [string, readonly [number, number]][] => [
    ...['q', 'k', 'v', 'head_out'].map(
      (name) => [`blocks.${layer}.${name}`, [dModel, dModel]] as [string, [number, number]],
    ),
    [`blocks.${layer}.ff1`, [dModel, dFF]],
    [`blocks.${layer}.ff2`, [dFF, dModel]],
  ];
  return new Map([
    ['tok_embed', [vocabulary, dModel]],
    ['pos_embed', [sequenceLength, dModel]],
    ...Array.from({ length: layers }, (_, layer) => block(layer)).flat(),
    ['out', [dModel, classes]],
  ]);
}

/** x + MLP(x) with x the residual stream at one position. */
function mlp(x: tf.Tensor2D, { ff1, ff2 }: GptBlockParams): tf.Tensor2D {
  const hidden = tf.relu(tf.matMul(x, ff1)); // [rows, dFF]
  return tf.add(x, tf.matMul(hidden, ff2));
}

/**
 * One block at the wanted query positions, each of which sees all positions.
 * @param positions The residual stream, one entry a position.
 */
function block(
  positions: readonly Rows[],
  queries: readonly Rows[],
  params: GptBlockParams,
  heads: number,
): Rows[] {
  const keys = positions.map((rows) => linear(rows, params.k));
  const values = positions.map((rows) => linear(rows, params.v));
  return queries.map((rows) => {
    const mixed = attend(linear(rows, params.q), keys, values, heads); // [rows, dModel]
    const stream: tf.Tensor2D = tf.add(expand(rows), tf.matMul(mixed, params.head_out));
    return { values: mlp(stream, params) };
  });
}

/**
 * Logits at the last position, [rows, classes].
 * @param uses Is told of every use of a parameter; its examples are the rows of the batch.
 */
export function gptForward(
  config: GptConfig,
  params: GptParams,
  batch: TokenBatch,
  uses?: Uses,
): tf.Tensor2D {
  if (uses !== undefined) return markedGptForward(config, params, batch, uses);
  let stream = embed(batch, params.tok_embed, params.pos_embed);
  for (let layer = 0; layer < config.layers; layer++) {
    const isLast = layer === config.layers - 1;
    stream = block(
      stream,
      isLast ? stream.slice(-1) : stream,
      params.blocks[layer] as GptBlockParams,
      config.heads,
    );
  }
  const [last] = stream.slice(-1) as [Rows];
  return expandTo({ values: tf.matMul(last.values, params.out) }, batch.rows);
}

/** Initial parameters' standard deviations by name: N(0,1)/√dModel with `out` N(0,1)/√vocabulary, or N(0,1). */
export type GptInitialization = 'paper' | 'unit';

export function gptStandardDeviation(config: GptConfig, init: GptInitialization, name: string): number {
  if (init === 'unit') return 1;
  return 1 / Math.sqrt(name === 'out' ? config.vocabulary : config.dModel);
}

/** The parameters as the general tree that optimisers work on, and back. */
export function asGptParams(params: Params): GptParams {
  return params as unknown as GptParams;
}
