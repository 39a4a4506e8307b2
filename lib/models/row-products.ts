/** @file Products of rows that are stored once each however many examples share them. */
import * as tf from '@tensorflow/tfjs-core';
import { expand, type Rows, rowsOf } from './rows';

const isOneForAll = ({ values, index }: Rows) => index === undefined && values.shape[0] === 1;

/** a∘b, on distinct rows as far as both allow. */
export function multiplied(a: Rows, b: Rows): Rows {
  const onTheSameRows = a.index === b.index && a.values.shape[0] === b.values.shape[0];
  if (onTheSameRows || isOneForAll(b)) return rowsOf(tf.mul(a.values, b.values), a.index);
  if (isOneForAll(a)) return rowsOf(tf.mul(a.values, b.values), b.index);
  return { values: tf.mul(expand(a), expand(b)) };
}

/** Σ over the examples of xᵀu, [inputs, outputs]; rows that are alike are multiplied once, by the sum of their u. */
export function sumOfProducts({ values, index }: Rows, u: tf.Tensor2D): tf.Tensor2D {
  const [distinct] = values.shape;
  if (index !== undefined) {
    return tf.matMul(values, tf.unsortedSegmentSum(u, index, distinct) as tf.Tensor2D, true, false);
  }
  return tf.matMul(values, distinct === 1 ? tf.sum(u, 0, true) : u, true, false);
}

/** [rows, groups] → [rows, outputs]: each group's number times the group's part of the factor. */
export function spread(grouped: tf.Tensor2D, factor: tf.Tensor2D): tf.Tensor2D {
  const [rows, groups] = grouped.shape;
  const parts = tf.reshape(factor, [1, groups, -1]);
  return tf.reshape(tf.mul(tf.expandDims(grouped, 2), parts), [rows, -1]);
}
