/**
 * @file Multi-head attention of one query position, on distinct rows as far as they go. A position's scores, and its
 * result, stay on distinct rows where all that they depend on is known by the same index.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expand, expandTo, type Rows, rowsOf, splitHeads } from '../rows';

/** What one query position attends to. */
export interface Attended {
  /** Queries with 1/√dHead in them; not needed where there is one key. */
  readonly query: Rows;
  /** One entry a key position that may be seen. */
  readonly keys: readonly Rows[];
  readonly values: readonly Rows[];
  /** Added to the scores, [keys] or [keys, rows]: a row of the additive mask. */
  readonly bias?: tf.Tensor1D | tf.Tensor2D;
  /** What dropout keeps of the weights, 1 or 0, [keys, rows of the batch, heads]. */
  readonly kept?: tf.Tensor3D;
  /** Told of the weights before dropout, [keys, rows, heads]. */
  readonly observe?: (weights: tf.Tensor3D) => void;
}

/** Rows that correspond to each other: all on the one index that they share, else one for each row of the batch. */
function aligned(all: readonly Rows[]): Rows[] {
  const indices = new Set(all.flatMap(({ index }) => (index === undefined ? [] : [index])));
  const isExpanded = all.some(({ values, index }) => index === undefined && values.shape[0] !== 1);
  const [index] = indices;
  if (index === undefined || (indices.size === 1 && !isExpanded)) return [...all];
  return all.map((rows) => ({ values: expand(rows) }));
}

const indexOf = (all: readonly Rows[]) => all.find(({ index }) => index !== undefined)?.index;

/** q·k of each head, [rows, heads]. */
function score(query: Rows, key: Rows, heads: number): Rows {
  const pair = aligned([query, key]);
  const [q, k] = pair as [Rows, Rows];
  const products = tf.mul(splitHeads(q.values, heads), splitHeads(k.values, heads));
  return rowsOf(tf.sum(products, -1), indexOf(pair));
}

/** Softmax over the first axis, with its own gradient w·(d − Σ w·d). @param scores [keys, rows, heads] */
function softmaxOverKeys(scores: tf.Tensor3D): tf.Tensor3D {
  return tf.customGrad((x, save) => {
    const given = x as tf.Tensor3D;
    const shifted = tf.exp(tf.sub(given, tf.max(given, 0, true)));
    const weights: tf.Tensor3D = tf.div(shifted, tf.sum(shifted, 0, true));
    (save as tf.GradSaveFunc)([weights]);
    const gradFunc = (dy: tf.Tensor, [saved]: tf.Tensor[]) => {
      const w = saved as tf.Tensor3D;
      const products = tf.mul(w, dy);
      return tf.sub(products, tf.mul(w, tf.sum(products, 0, true)));
    };
    return { value: weights, gradFunc };
  })(scores) as tf.Tensor3D;
}

/** Attention weights of each key, [keys, rows, heads], on rows as `index` says. */
function weightsOf(
  { query, keys, bias }: Attended,
  heads: number,
): { weights: tf.Tensor3D; index?: tf.Tensor1D } {
  // One key has all the weight, whatever the scores.
  if (keys.length === 1) return { weights: tf.ones([1, 1, heads]) };
  const scores = aligned(keys.map((key) => score(query, key, heads)));
  const rows = Math.max(...scores.map(({ values }) => values.shape[0]));
  const stacked = tf.stack(scores.map(({ values }) => expandTo({ values }, rows))) as tf.Tensor3D;
  const biased =
    bias === undefined ? stacked : tf.add(stacked, tf.reshape(bias, [-1, bias.shape[1] ?? 1, 1]));
  const weights = softmaxOverKeys(biased as tf.Tensor3D);
  const index = indexOf(scores);
  return index === undefined ? { weights } : { weights, index };
}

/**
 * softmax(q·kᵀ + bias)·v.
 * @param rows Rows of the batch.
 * @returns [rows, dModel], heads side by side; on distinct rows where nothing else differs.
 */
export function attend(attended: Attended, heads: number, rows: number): Rows {
  const { values, kept, observe } = attended;
  const { weights, index } = weightsOf(attended, heads);
  const [keyCount] = weights.shape;
  const byKey = (x: tf.Tensor3D, place?: tf.Tensor1D): Rows[] =>
    tf.split(x, keyCount).map((share) => rowsOf(tf.reshape(share, [-1, heads]), place));
  const onAllRows = (): tf.Tensor3D =>
    tf.stack(byKey(weights, index).map((share) => expandTo(share, rows))) as tf.Tensor3D;
  observe?.(onAllRows());
  const shares = kept === undefined ? byKey(weights, index) : byKey(tf.mul(onAllRows(), kept));
  const pairs = aligned([...shares, ...values]);
  const parts = shares.map((_, key) => {
    const share = tf.expandDims((pairs[key] as Rows).values, 2); // [rows, heads, 1]
    return tf.mul(share, splitHeads((pairs[keyCount + key] as Rows).values, heads)); // [rows, heads, dHead]
  });
  const mixed = parts.reduce((a, b) => tf.add(a, b));
  return rowsOf(tf.reshape(mixed, [mixed.shape[0] as number, -1]), indexOf(pairs));
}
