/**
 * @file Write-up 1's decoder and the paper's model written out for one row: position by position, a parameter asked for at each
 * use, without dropout, and only what the answers depend on.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { DecoderModelConfig, PowerModelConfig } from '../../lib/models/config';
import { sinusoidalEncoding } from '../../lib/models/positional-encoding';
import type { At } from './squares';

/** What one position holds, [1, features]. */
type Row = tf.Tensor2D;

const times = (x: Row, weight: tf.Tensor): Row => tf.matMul(x, weight as tf.Tensor2D, false, true);
const found = (table: tf.Tensor, token: number): Row =>
  tf.gather(table as tf.Tensor2D, tf.tensor1d([token], 'int32'));

function normal(x: Row): Row {
  const { mean, variance } = tf.moments(x, 1, true);
  return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)));
}

const fixedPosition = (length: number, dModel: number, position: number): Row =>
  tf.slice(tf.tensor2d(sinusoidalEncoding(length, dModel).data, [length, dModel]), [position, 0], [1, -1]);

/** Attention of one query. @param bias Added to the scores, [1, keys]. */
function attended(
  query: Row,
  keys: readonly Row[],
  values: readonly Row[],
  heads: number,
  bias?: tf.Tensor,
): Row {
  const byHead = (x: Row) => tf.reshape(x, [heads, -1]);
  const products = keys.map((key) => tf.sum(tf.mul(byHead(query), byHead(key)), 1));
  const scores = tf.div(tf.stack(products, 1), Math.sqrt(query.size / heads)); // [heads, keys]
  const shares = tf.softmax(bias === undefined ? scores : tf.add(scores, bias));
  const mixed = tf.sum(tf.mul(tf.expandDims(shares, 2), tf.stack(values.map(byHead), 1)), 1);
  return tf.reshape(mixed, [1, -1]);
}

/** Logits of the decoder's answers, [answers, classes]. */
export function decoderRow(config: DecoderModelConfig, at: At, tokens: Int32Array): tf.Tensor2D {
  const { layers, heads, dModel, answers, sequenceLength: length, mask, positions } = config;
  let stream = Array.from(tokens, (token, t): Row => {
    const learned = positions === 'learned' ? tf.slice(at('embed.pe'), [t, 0], [1, -1]) : undefined;
    return tf.add(found(at('embed.weight'), token), learned ?? fixedPosition(length, dModel, t));
  });
  for (let layer = 0; layer < layers; layer++) {
    const of = (name: string) => at(`decoder.layers.${layer}.${name}`);
    const linear = (x: Row, name: string): Row => tf.add(times(x, of(`${name}.weight`)), of(`${name}.bias`));
    const third = (x: Row, which: number) =>
      times(x, tf.slice(of('self_attn.in_proj_weight'), [which * dModel, 0], [dModel, -1]));
    const bias = (attention: string, which: number) =>
      tf.slice(of(`${attention}.in_proj_bias`), [which * dModel], [dModel]);
    // Keys are without the shift, which softmax does not see, and so without their bias.
    const scaled = stream.map((x): Row => tf.mul(normal(x), of('norm1.weight')));
    const shifted = scaled.map((x): Row => tf.add(x, of('norm1.bias')));
    const keys = scaled.map((x) => third(x, 1));
    const values = shifted.map((x): Row => tf.add(third(x, 2), bias('self_attn', 2)));
    const first = layer === layers - 1 ? length - answers : 0;
    stream = stream.slice(first).map((x, i): Row => {
      const t = first + i;
      const seen = mask === 'causal' ? t + 1 : length;
      const query: Row = tf.add(third(shifted[t] as Row, 0), bias('self_attn', 0));
      const scores = mask === 'additive' ? tf.slice(at('mask'), [t, 0], [1, -1]) : undefined;
      const mixed = attended(query, keys.slice(0, seen), values.slice(0, seen), heads, scores);
      const own: Row = tf.add(x, linear(mixed, 'self_attn.out_proj'));
      const memory: Row = tf.reshape(bias('multihead_attn', 2), [1, dModel]);
      const remembered: Row = tf.add(own, linear(memory, 'multihead_attn.out_proj'));
      const normed: Row = tf.add(tf.mul(normal(remembered), of('norm3.weight')), of('norm3.bias'));
      return tf.add(remembered, linear(tf.relu(linear(normed, 'linear1')), 'linear2'));
    });
  }
  const logits = stream.map((x) => {
    const normed: Row = tf.add(tf.mul(normal(x), at('decoder.norm.weight')), at('decoder.norm.bias'));
    return times(normed, at('linear.weight'));
  });
  return tf.concat(logits);
}

/** Logits of the answers of the paper's model, [answers, classes]. */
export function powerRow(config: PowerModelConfig, at: At, tokens: Int32Array): tf.Tensor2D {
  const { layers, heads, dModel, answers, sequenceLength: length } = config;
  let stream = Array.from(
    tokens,
    (token, t): Row => tf.add(found(at('embedding.weight'), token), fixedPosition(length, dModel, t)),
  );
  for (let layer = 0; layer < layers; layer++) {
    const of = (name: string) => at(`decoder.blocks.${layer}.${name}`);
    const product = (x: Row, name: string) => times(x, of(`${name}.weight`));
    const norm = (x: Row, name: string): Row =>
      tf.add(tf.mul(normal(x), of(`${name}.weight`)), of(`${name}.bias`));
    const keys = stream.map((x) => product(x, 'self_attn.Wk'));
    const values = stream.map((x) => product(x, 'self_attn.Wv'));
    const first = layer === layers - 1 ? length - answers : 0;
    stream = stream.slice(first).map((x, i) => {
      const seen = first + i + 1;
      const mixed = attended(product(x, 'self_attn.Wq'), keys.slice(0, seen), values.slice(0, seen), heads);
      const own = norm(tf.add(x, product(mixed, 'self_attn.Wo')), 'self_attn_norm');
      const change = product(tf.relu(product(own, 'ffn.ffn.0')), 'ffn.ffn.2');
      return norm(tf.add(own, change), 'ffn_norm');
    });
  }
  return tf.concat(stream.map((x) => times(x, at('linear.weight'))));
}
