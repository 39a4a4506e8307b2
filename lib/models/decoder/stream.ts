/**
 * @file Activations of several positions. Position after position in one matrix, what treats all rows alike runs once; a
 * matrix for each position lets every position be told apart. A position has one row for each row of the batch, or fewer
 * where rows are equal (see `rows.ts`).
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Rows, rowsOf } from '../rows';

export interface Stream {
  /** [rows of all parts, features], or one matrix for each part. */
  readonly matrices: readonly tf.Tensor2D[];
  /** One a position: how many of the rows are its own, and which of them each row of the batch has. */
  readonly parts: readonly { readonly count: number; readonly index?: tf.Tensor1D }[];
}

/** All positions in one matrix. */
export function joined(rows: readonly Rows[]): Stream {
  const values =
    rows.length === 1
      ? (rows[0] as Rows).values
      : tf.concat2d(
          rows.map((each) => each.values),
          0,
        );
  return { matrices: [values], parts: rows.map(({ values, index }) => part(values.shape[0], index)) };
}

/** A matrix for each position. */
export function separate(rows: readonly Rows[]): Stream {
  return {
    matrices: rows.map(({ values }) => values),
    parts: rows.map(({ values, index }) => part(values.shape[0], index)),
  };
}

function part(count: number, index: tf.Tensor1D | undefined): Stream['parts'][number] {
  return index === undefined ? { count } : { count, index };
}

export function split({ matrices, parts }: Stream): Rows[] {
  const [first] = matrices as [tf.Tensor2D];
  const own =
    matrices.length === parts.length
      ? matrices
      : tf.split(
          first,
          parts.map(({ count }) => count),
        );
  return parts.map(({ index }, i) => rowsOf(own[i] as tf.Tensor2D, index));
}

/** The last positions. */
export function lastOf({ matrices, parts }: Stream, positions: number): Stream {
  if (positions === parts.length) return { matrices, parts };
  const kept = parts.slice(-positions);
  if (matrices.length === parts.length) return { matrices: matrices.slice(-positions), parts: kept };
  const [values] = matrices as [tf.Tensor2D];
  const count = kept.reduce((sum, each) => sum + each.count, 0);
  return {
    matrices: [tf.slice(values, [(values.shape[0] as number) - count, 0], [count, -1])],
    parts: kept,
  };
}

/** The same positions with other features; `f` treats each row by itself. */
export function mapStream({ matrices, parts }: Stream, f: (values: tf.Tensor2D) => tf.Tensor2D): Stream {
  return { matrices: matrices.map(f), parts };
}
