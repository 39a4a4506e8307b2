/** @file Multi-head attention of one query position to several key positions. */
import * as tf from '@tensorflow/tfjs-core';
import { stopGradient } from '../compile';
import { expand, type Rows, rowsOf, splitHeads } from './rows';

/** q·k per head; on distinct rows where the query is the same for the whole batch. [rows or 1, heads] */
export function score(query: Rows, key: Rows, heads: number): tf.Tensor2D {
  const [, dModel] = query.values.shape;
  const scale = 1 / Math.sqrt(dModel / heads);
  const dot = (q: tf.Tensor2D, k: tf.Tensor2D): tf.Tensor2D =>
    tf.mul(tf.sum(tf.mul(splitHeads(q, heads), splitHeads(k, heads)), -1), scale);
  if (query.values.shape[0] !== 1) return dot(expand(query), expand(key));
  const table = dot(query.values, key.values); // [distinct keys, heads]
  return expand(rowsOf(table, key.index));
}

/**
 * softmax(q·kᵀ/√dHead)·v for one query position.
 * @param keys One entry a key position; `values` likewise. No mask: pass only the positions that may be seen.
 * @returns [rows, dModel], heads side by side; a single row where nothing differs within the batch.
 */
export function attend(
  query: Rows,
  keys: readonly Rows[],
  values: readonly Rows[],
  heads: number,
): tf.Tensor2D {
  return mix(
    keys.map((key) => score(query, key, heads)),
    values,
    heads,
  );
}

/**
 * The values in the shares that a softmax makes of scores.
 * @param scores One entry a key position, each [rows or 1, heads].
 */
export function mix(scores: readonly tf.Tensor2D[], values: readonly Rows[], heads: number): tf.Tensor2D {
  // Any shift cancels in the quotient below, so the largest score needs no gradient.
  const largest = scores.map((s) => stopGradient(s)).reduce((a, b) => tf.maximum(a, b));
  const weights = scores.map((s) => tf.exp(tf.sub(s, largest)));
  const total = weights.reduce((a, b) => tf.add(a, b));
  const parts = values.map((value, position) => {
    const share = tf.expandDims(tf.div(weights[position] as tf.Tensor2D, total), 2); // [rows, heads, 1]
    return tf.mul(share, splitHeads(expand(value), heads)); // [rows, heads, dHead]
  });
  const mixed = parts.reduce((a, b) => tf.add(a, b));
  const [rows] = mixed.shape;
  return tf.reshape(mixed, [rows as number, -1]) as tf.Tensor2D;
}
