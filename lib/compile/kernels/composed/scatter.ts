/** @file Kernels that address elements by several coordinates, said in those that take rows by one index. */
import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../../graph';
import { sizeOf } from '../../host';
import { normalizeAxes } from '../rule';
import { type Compositions, type Inputs, input } from './composition';

/** A tensor as rows, `[rows, width]`, of which coordinates of some length choose one. */
interface Rows {
  readonly sizes: readonly number[];
  readonly rows: number;
  readonly width: number;
}

function rowsOf(shape: readonly number[], coordinates: number): Rows {
  const sizes = shape.slice(0, coordinates);
  return { sizes, rows: sizeOf(sizes), width: sizeOf(shape.slice(coordinates)) };
}

/** Row numbers of coordinates, `[n]` from `[…, coordinates]`; `outside` for those that lie outside of the tensor. */
function rowNumbers(indices: tf.Tensor, sizes: readonly number[], outside: number): tf.Tensor1D {
  const coordinates = sizes.length;
  const list = tf.reshape(indices, [sizeOf(indices.shape.slice(0, -1)), coordinates]);
  const [limits, steps] = [sizes, sizes.map((_, i) => sizeOf(sizes.slice(i + 1)))].map((numbers) =>
    tf.tensor2d([...numbers], [1, coordinates], 'int32'),
  ) as [tf.Tensor2D, tf.Tensor2D];
  const misses = tf.logicalOr(tf.less(list, tf.scalar(0, 'int32')), tf.greaterEqual(list, limits));
  const missed = tf.greater(tf.sum(tf.cast(misses, 'int32'), 1), tf.scalar(0, 'int32'));
  const rows = tf.sum(tf.mul(list, steps), 1);
  return tf.where(missed, tf.fill([rows.size], outside, 'int32'), rows) as tf.Tensor1D;
}

/** Where each index of `[batches, count]` lies when the `size` rows of each batch stand below one another. */
export function rowsInBatches(indices: tf.Tensor, size: number, outside: number): tf.Tensor {
  const batches = indices.shape[0] as number;
  const first = tf.reshape(tf.mul(tf.range(0, batches, 1, 'int32'), tf.scalar(size, 'int32')), [batches, 1]);
  const isInside = tf.logicalAnd(
    tf.greaterEqual(indices, tf.scalar(0, 'int32')),
    tf.less(indices, tf.scalar(size, 'int32')),
  );
  return tf.where(isInside, tf.add(indices, first), tf.fill(indices.shape, outside, 'int32'));
}

/** An index that turns out to lie outside of the tensor is an error when the program runs. */
function gatherNd(inputs: Inputs): tf.Tensor {
  const [params, indices] = [input(inputs, 'params'), input(inputs, 'indices')];
  const coordinates = indices.shape[indices.rank - 1] as number;
  const { sizes, rows, width } = rowsOf(params.shape, coordinates);
  const taken = tf.gather(tf.reshape(params, [rows, width]), rowNumbers(indices, sizes, rows));
  return tf.reshape(taken, [...indices.shape.slice(0, -1), ...params.shape.slice(coordinates)]);
}

/** Rows of the same index add up; an index that turns out to lie outside of the result is left out. */
function scatterNd(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const [indices, updates] = [input(inputs, 'indices'), input(inputs, 'updates')];
  const shape = attrs.shape as number[];
  const { sizes, rows, width } = rowsOf(shape, indices.rank < 2 ? 1 : (indices.shape.at(-1) as number));
  const columns = indices.rank < 2 ? tf.reshape(indices, [indices.size, 1]) : indices;
  const numbers = rowNumbers(columns, sizes, -1);
  const sums = tf.unsortedSegmentSum(tf.reshape(updates, [numbers.size, width]), numbers, rows);
  return tf.reshape(sums, shape);
}

/** Brings the call to the form that the kernel's rule takes: a matrix whose rows are replaced. */
function tensorScatterUpdate(inputs: Inputs): tf.Tensor | undefined {
  const [tensor, indices, updates] = [
    input(inputs, 'tensor'),
    input(inputs, 'indices'),
    input(inputs, 'updates'),
  ];
  if (tensor.rank === 2 && indices.rank === 1) return undefined;
  const columns = indices.rank < 2 ? tf.reshape(indices, [indices.size, 1]) : indices;
  const { sizes, rows, width } = rowsOf(tensor.shape, columns.shape.at(-1) as number);
  const numbers = rowNumbers(columns, sizes, rows);
  const replaced = tf.engine().runKernel('TensorScatterUpdate', {
    tensor: tf.reshape(tensor, [rows, width]),
    indices: numbers,
    updates: tf.reshape(updates, [numbers.size, width]),
  }) as tf.Tensor;
  return tf.reshape(replaced, tensor.shape);
}

/**
 * One gather from the rows of all batches, each index moved on to its own batch's rows. An index outside of these is moved
 * behind all batches, which is an error when the program runs, lest it take a row of another batch.
 */
function batchedGather(inputs: Inputs, attrs: Attributes): tf.Tensor | undefined {
  const batchDims = (attrs.batchDims as number | undefined) ?? 0;
  if (batchDims === 0) return undefined;
  const [x, indices] = [input(inputs, 'x'), input(inputs, 'indices')];
  const axis = normalizeAxes(attrs.axis, x.rank)[0] as number;
  const [batch, size] = [sizeOf(x.shape.slice(0, batchDims)), x.shape[axis] as number];
  const [between, after] = [x.shape.slice(batchDims, axis), x.shape.slice(axis + 1)];
  const count = sizeOf(indices.shape.slice(batchDims));
  const parts = tf.reshape(x, [batch, sizeOf(between), size, sizeOf(after)]);
  const rows = tf.reshape(tf.transpose(parts, [0, 2, 1, 3]), [batch * size, -1]);
  const numbers = rowsInBatches(tf.reshape(indices, [batch, count]), size, batch * size);
  const taken = tf.reshape(tf.gather(rows, tf.reshape(numbers, [batch * count])), [
    batch,
    count,
    sizeOf(between),
    sizeOf(after),
  ]);
  return tf.reshape(tf.transpose(taken, [0, 2, 1, 3]), [
    ...x.shape.slice(0, axis),
    ...indices.shape.slice(batchDims),
    ...after,
  ]);
}

export const scatters: Compositions = {
  GatherNd: gatherNd,
  GatherV2: batchedGather,
  ScatterNd: scatterNd,
  TensorScatterUpdate: tensorScatterUpdate,
};
