/**
 * @file Activations of several positions in one matrix, position after position, so that what treats all rows alike runs
 * once. A position has one row for each row of the batch, or fewer where rows are equal (see `rows.ts`).
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Rows, rowsOf } from '../rows';

export interface Stream {
  /** [rows of all parts, features] */
  readonly values: tf.Tensor2D;
  /** One a position: how many of the rows are its own, and which of them each row of the batch has. */
  readonly parts: readonly { readonly count: number; readonly index?: tf.Tensor1D }[];
}

export function joined(rows: readonly Rows[]): Stream {
  const values =
    rows.length === 1
      ? (rows[0] as Rows).values
      : tf.concat2d(
          rows.map((each) => each.values),
          0,
        );
  return { values, parts: rows.map(({ values, index }) => part(values.shape[0], index)) };
}

function part(count: number, index: tf.Tensor1D | undefined): Stream['parts'][number] {
  return index === undefined ? { count } : { count, index };
}

export function split({ values, parts }: Stream): Rows[] {
  if (parts.length === 1) return [rowsOf(values, parts[0]?.index)];
  const own = tf.split(
    values,
    parts.map(({ count }) => count),
  );
  return parts.map(({ index }, i) => rowsOf(own[i] as tf.Tensor2D, index));
}

/** The last positions. */
export function lastOf({ values, parts }: Stream, positions: number): Stream {
  if (positions === parts.length) return { values, parts };
  const kept = parts.slice(-positions);
  const count = kept.reduce((sum, each) => sum + each.count, 0);
  return { values: tf.slice(values, [(values.shape[0] as number) - count, 0], [count, -1]), parts: kept };
}

/** The same positions with other features; `f` treats each row by itself. */
export function mapStream({ values, parts }: Stream, f: (values: tf.Tensor2D) => tf.Tensor2D): Stream {
  return { values: f(values), parts };
}
