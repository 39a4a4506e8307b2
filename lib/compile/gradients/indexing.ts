/** @file Gradients of kernels that take rows or elements by index, and of those that put them there, where tfjs has none or a wrong one. */
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../host';
import { rowsInBatches } from '../kernels/composed/scatter';
import { normalizeAxes } from '../kernels/rule';
import { single } from './single';

/** tfjs's own reads the wrong rows for more than one batch axis, or an axis that does not follow them. */
const gather: tf.GradConfig = {
  kernelName: 'GatherV2',
  inputsToSave: ['x', 'indices'],
  gradFunc: (given, saved, attrs) => {
    const dy = single(given);
    const [x, indices] = saved as [tf.Tensor, tf.Tensor];
    const batchDims = (attrs.batchDims as number | undefined) ?? 0;
    const axis = normalizeAxes(attrs.axis, x.rank)[0] as number;
    const size = x.shape[axis] as number;
    const batch = sizeOf(x.shape.slice(0, batchDims));
    const between = sizeOf(x.shape.slice(batchDims, axis));
    const after = sizeOf(x.shape.slice(axis + 1));
    const count = sizeOf(indices.shape.slice(batchDims));
    const derivative = () => {
      const taken = tf.reshape(dy, [batch, between, count, after]);
      const rows = tf.reshape(tf.transpose(taken, [0, 2, 1, 3]), [batch * count, between * after]);
      const own = tf.reshape(indices, [batch, count]);
      // What lies outside of its batch, where the gather itself fails, counts nowhere.
      const numbers = batch === 1 ? own : rowsInBatches(own, size, -1);
      const sums = tf.unsortedSegmentSum(rows, tf.reshape(numbers, [batch * count]), batch * size);
      const parts = tf.reshape(sums, [batch, size, between, after]);
      return tf.reshape(tf.transpose(parts, [0, 2, 1, 3]), x.shape);
    };
    return { x: derivative, indices: () => tf.zerosLike(indices) };
  },
};

/** tfjs has none. */
const gatherNd: tf.GradConfig = {
  kernelName: 'GatherNd',
  inputsToSave: ['params', 'indices'],
  gradFunc: (dy, saved) => {
    const [params, indices] = saved as [tf.Tensor, tf.Tensor];
    return {
      params: () => tf.scatterND(indices, single(dy), params.shape as [number]),
      indices: () => tf.zerosLike(indices),
    };
  },
};

/** tfjs has none. */
const scatterNd: tf.GradConfig = {
  kernelName: 'ScatterNd',
  inputsToSave: ['indices', 'updates'],
  gradFunc: (dy, saved) => {
    const [indices, updates] = saved as [tf.Tensor, tf.Tensor];
    return {
      indices: () => tf.zerosLike(indices),
      updates: () => tf.reshape(tf.gatherND(single(dy), coordinates(indices)), updates.shape),
    };
  },
};

/** A list of numbers as a list of coordinates, which tfjs's scatters take it for. */
const coordinates = (indices: tf.Tensor) =>
  indices.rank < 2 ? tf.reshape(indices, [indices.size, 1]) : indices;

/**
 * tfjs has none. Of updates of one row the last counts, and it alone has a gradient. Only fresh tensors are updated here:
 * tfjs's CPU backend updates its argument in place.
 */
const tensorScatterUpdate: tf.GradConfig = {
  kernelName: 'TensorScatterUpdate',
  inputsToSave: ['tensor', 'indices', 'updates'],
  gradFunc: (given, saved) => {
    const dy = single(given);
    const [tensor, indices, updates] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    const depth = indices.rank < 2 ? 1 : (indices.shape.at(-1) as number);
    const list = tf.reshape(indices, [-1, depth]);
    const count = list.shape[0] as number;
    const sizes = tensor.shape.slice(0, depth);
    /** For each row the number of its last update, counted from 1; 0 for rows that keep their values. */
    const last = () =>
      tf.tensorScatterUpdate(tf.zeros(sizes, 'int32'), list, tf.range(1, count + 1, 1, 'int32'));
    return {
      tensor: () => {
        const ones = Array<number>(tensor.rank - depth).fill(1);
        const kept = tf.reshape(tf.equal(last(), tf.scalar(0, 'int32')), [...sizes, ...ones]);
        return tf.where(tf.broadcastTo(kept, tensor.shape as [number]), dy, tf.zerosLike(dy));
      },
      indices: () => tf.zerosLike(indices),
      updates: () => {
        const counts = tf.equal(tf.gatherND(last(), list), tf.range(1, count + 1, 1, 'int32'));
        const rows = tf.reshape(tf.gatherND(dy, list), [count, sizeOf(tensor.shape.slice(depth))]);
        return tf.reshape(tf.mul(rows, tf.reshape(tf.cast(counts, 'float32'), [count, 1])), updates.shape);
      },
    };
  },
};

/** tfjs's own allows for negative ids, but not for those beyond the last segment, whose rows count nowhere either. */
const segmentSum: tf.GradConfig = {
  kernelName: 'UnsortedSegmentSum',
  inputsToSave: ['segmentIds'],
  gradFunc: (dy, saved, attrs) => {
    const [ids] = saved as [tf.Tensor];
    const segments = attrs.numSegments as number;
    const derivative = () => {
      const inside = tf.logicalAnd(
        tf.greaterEqual(ids, tf.scalar(0, 'int32')),
        tf.less(ids, tf.scalar(segments, 'int32')),
      );
      const rows = tf.gather(single(dy), tf.where(inside, ids, tf.zerosLike(ids)));
      const counts = tf.reshape(tf.cast(inside, 'float32'), [
        ...ids.shape,
        ...Array<number>(rows.rank - ids.rank).fill(1),
      ]);
      return tf.mul(rows, counts);
    };
    return { x: derivative, segmentIds: () => tf.zerosLike(ids) };
  },
};

export const indexingGradients: readonly tf.GradConfig[] = [
  gather,
  gatherNd,
  scatterNd,
  segmentSum,
  tensorScatterUpdate,
];
