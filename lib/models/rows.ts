/**
 * @file Activations of one sequence position over a batch, stored once per distinct row. At the first layer a position
 * holds few distinct tokens (113 numbers, or just "="), so products and attention scores are computed on those and
 * handed out by index. The numbers are the same; only repeated work is left out.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ArgumentError } from '../errors';

/**
 * `values` has one row per distinct row, `index` says which of them each row of the batch has. Without an index the
 * rows are those of the batch itself, or a single row stands for all of them.
 */
export interface Rows {
  /** [distinct, features] */
  readonly values: tf.Tensor2D;
  /** [rows], int32 */
  readonly index?: tf.Tensor1D;
}

/** The tokens of a batch, position by position. */
export interface TokenBatch {
  readonly rows: number;
  readonly positions: readonly {
    /** Distinct tokens at this position, ascending. */
    readonly tokens: Int32Array;
    /** Which of them each row has, [rows], int32; a tensor where the rows are chosen within the step. */
    readonly index: Int32Array | tf.Tensor1D;
  }[];
}

/**
 * Groups the tokens of a batch by position.
 * @param tokens Row-major [rows, sequenceLength].
 * @param vocabulary Tokens are integers from 0 to `vocabulary - 1`.
 * @throws ArgumentError for a token outside the vocabulary or an incomplete row.
 */
export function tokenBatch(tokens: Int32Array, sequenceLength: number, vocabulary: number): TokenBatch {
  const rows = tokens.length / sequenceLength;
  if (!Number.isInteger(rows) || rows < 1) {
    throw new ArgumentError(
      `${tokens.length} tokens do not make rows of ${sequenceLength}; give a positive multiple of ${sequenceLength}`,
    );
  }
  const positions = Array.from({ length: sequenceLength }, (_, position) => {
    const column = Int32Array.from(
      { length: rows },
      (_, row) => tokens[row * sequenceLength + position] as number,
    );
    const bad = column.findIndex((token) => token < 0 || token >= vocabulary);
    if (bad >= 0) {
      throw new ArgumentError(
        `token ${column[bad]} in row ${bad}, position ${position} is out of range; expected 0 to ${vocabulary - 1}`,
      );
    }
    const distinct = Int32Array.from(new Set(column)).sort();
    const place = new Map([...distinct].map((token, i) => [token, i]));
    return { tokens: distinct, index: column.map((token) => place.get(token) as number) };
  });
  return { rows, positions };
}

/**
 * Some rows of a batch, chosen within a step.
 *
 * @param rows int32 [number of rows], each a row of the batch
 */
export function selectRows({ positions }: TokenBatch, rows: tf.Tensor1D): TokenBatch {
  return {
    rows: rows.size,
    positions: positions.map(({ tokens, index }) => ({ tokens, index: tf.gather(indexTensor(index), rows) })),
  };
}

/** Which distinct token each row has, as a tensor. */
export function indexTensor(index: Int32Array | tf.Tensor1D): tf.Tensor1D {
  return index instanceof Int32Array ? tf.tensor1d(index, 'int32') : index;
}

/** One row for each row of the batch, [rows, features]; a single shared row stays single, and broadcasts. */
export function expand({ values, index }: Rows): tf.Tensor2D {
  return index === undefined ? values : tf.gather(values, index);
}

/** One row for each row of the batch, [count, features], a single shared row repeated. */
export function expandTo(rows: Rows, count: number): tf.Tensor2D {
  const values = expand(rows);
  return values.shape[0] === count ? values : tf.gather(values, tf.zeros([count], 'int32') as tf.Tensor1D);
}

/** Rows by their values and, where they have one, their index. */
export function rowsOf(values: tf.Tensor2D, index: tf.Tensor1D | undefined): Rows {
  return index === undefined ? { values } : { values, index };
}

/** y = x·W on distinct rows. */
export function linear({ values, index }: Rows, weight: tf.Tensor2D): Rows {
  return rowsOf(tf.matMul(values, weight), index);
}

/** [rows, dModel] → [rows, heads, dHead] */
export function splitHeads(x: tf.Tensor2D, heads: number): tf.Tensor3D {
  const [rows, dModel] = x.shape;
  return tf.reshape(x, [rows, heads, dModel / heads]);
}

/** Token embedding plus learned position, [distinct, dModel], for each position of a batch. */
export function embed(
  batch: TokenBatch,
  tokenEmbedding: tf.Tensor2D,
  positionEmbedding: tf.Tensor2D,
): Rows[] {
  return batch.positions.map(({ tokens, index }, position) => {
    const rows = tf.gather(tokenEmbedding, tf.tensor1d(tokens, 'int32')); // [distinct, dModel]
    const offset: tf.Tensor2D = tf.slice(positionEmbedding, [position, 0], [1, -1]);
    const values: tf.Tensor2D = tf.add(rows as tf.Tensor2D, offset);
    return rowsOf(values, tokens.length === 1 ? undefined : indexTensor(index));
  });
}
