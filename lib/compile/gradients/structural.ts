/** @file Gradients of kernels that move, index and contract elements, where tfjs has none or a wrong one. */
import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../graph';
import { sizeOf } from '../host';
import { stridedSlice } from '../kernels/movement';
import { normalizeAxes } from '../kernels/rule';

type Slice = ReturnType<typeof stridedSlice>;

/** The one gradient of a kernel with one result; tfjs passes a list where there are several. */
const single = (dy: tf.Tensor | tf.Tensor[]) => (Array.isArray(dy) ? (dy[0] as tf.Tensor) : dy);

/** Sums over the leading and size-1 axes along which a tensor of this shape was repeated. */
function unbroadcast(dy: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const added = dy.rank - shape.length;
  const axes = dy.shape.flatMap((dimension, axis) =>
    axis < added || (shape[axis - added] === 1 && dimension !== 1) ? [axis] : [],
  );
  return tf.reshape(axes.length === 0 ? dy : tf.sum(dy, axes), [...shape]);
}

/** tfjs's own does not sum over batch axes that one operand repeats. */
const matMul: tf.GradConfig = {
  kernelName: 'BatchMatMul',
  inputsToSave: ['a', 'b'],
  gradFunc: (given, saved, attrs) => {
    const dy = single(given);
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const { transposeA, transposeB } = attrs as unknown as { transposeA: boolean; transposeB: boolean };
    return {
      a: () =>
        unbroadcast(
          transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB),
          a.shape,
        ),
      b: () =>
        unbroadcast(
          transposeB ? tf.matMul(dy, a, true, transposeA) : tf.matMul(a, dy, !transposeA, false),
          b.shape,
        ),
    };
  },
};

/** The gradient of one operand: the sum over all others' axes, repeated along those that were only summed away. */
function einsumGradient(
  x: tf.Tensor,
  axes: string,
  others: readonly (readonly [tf.Tensor, string])[],
): tf.Tensor {
  const kept = [...axes].filter((letter) => others.some(([, terms]) => terms.includes(letter)));
  const equation = `${others.map(([, terms]) => terms).join(',')}->${kept.join('')}`;
  const result = tf.einsum(equation, ...others.map(([tensor]) => tensor));
  if (kept.length === axes.length) return result;
  const shape = [...axes].map((letter, axis) => (kept.includes(letter) ? (x.shape[axis] as number) : 1));
  return tf.broadcastTo(tf.reshape(result, shape), x.shape as [number]);
}

/** tfjs has none. */
const einsum: tf.GradConfig = {
  kernelName: 'Einsum',
  saveAllInputs: true,
  gradFunc: (given, saved, attrs) => {
    const [terms, result] = (attrs.equation as string).replace(/\s/g, '').split('->') as [string, string];
    const axes = terms.split(',');
    return Object.fromEntries(
      saved.map((x, i) => {
        const others = saved.flatMap((other, j) => (i === j ? [] : [[other, axes[j] as string] as const]));
        return [i, () => einsumGradient(x, axes[i] as string, [[single(given), result], ...others])];
      }),
    );
  },
};

/** tfjs's own fails where there is one part, whose gradient it does not get as a list. */
const split: tf.GradConfig = {
  kernelName: 'SplitV',
  gradFunc: (dy, _, attrs) => ({
    x: () => (Array.isArray(dy) ? tf.concat(dy, attrs.axis as number) : tf.clone(dy)),
  }),
};

/** As of `split`. */
const unpack: tf.GradConfig = {
  kernelName: 'Unpack',
  gradFunc: (dy, _, attrs) => ({
    value: () => tf.stack(Array.isArray(dy) ? dy : [dy], attrs.axis as number),
  }),
};

/** tfjs's own adds a slice for each repeat, and takes four axes at most. */
const tile: tf.GradConfig = {
  kernelName: 'Tile',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attrs) => {
    const [x] = saved as [tf.Tensor];
    const reps = attrs.reps as number[];
    const repeated = reps.flatMap((count, axis) => (count === 1 ? [] : [axis]));
    // Each repeated axis as two: the repeats, then the axis itself.
    const parts = x.shape.flatMap((d, axis) => (repeated.includes(axis) ? [reps[axis] as number, d] : [d]));
    const axes = repeated.map((axis, earlier) => axis + earlier);
    return { x: () => tf.sum(tf.reshape(single(dy), parts), axes) };
  },
};

/** Puts the elements along an axis back to where a slice with a stride took them, zeros between and around. */
function spread(dy: tf.Tensor, axis: number, size: number, { begin, strides }: Slice): tf.Tensor {
  const [stride, count] = [strides[axis] as number, dy.shape[axis] as number];
  const step = Math.abs(stride);
  const first = stride > 0 ? (begin[axis] as number) : (begin[axis] as number) + (count - 1) * stride;
  if (step === 1 && count === size) return stride > 0 ? dy : tf.reverse(dy, axis);
  const shape = [...dy.shape];
  if (count === 0) return tf.zeros(shape.with(axis, size));
  const ascending = stride > 0 ? dy : tf.reverse(dy, axis);
  const [before, after] = [shape.slice(0, axis), shape.slice(axis + 1)];
  const pad = (x: tf.Tensor, at: number, amounts: [number, number]) =>
    tf.pad(
      x,
      x.shape.map((_, i): [number, number] => (i === at ? amounts : [0, 0])),
    );
  const apart =
    step === 1
      ? ascending
      : tf.reshape(pad(tf.reshape(ascending, [...before, count, 1, ...after]), axis + 1, [0, step - 1]), [
          ...before,
          count * step,
          ...after,
        ]);
  // The last element needs no zeros after it, and the tensor may end there.
  const length = (count - 1) * step + 1;
  const trimmed = tf.slice(
    apart,
    shape.map(() => 0),
    shape.with(axis, length),
  );
  return pad(trimmed, axis, [first, size - first - length]);
}

/** tfjs has none. */
const stridedSliceGradient: tf.GradConfig = {
  kernelName: 'StridedSlice',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attrs) => {
    const [x] = saved as [tf.Tensor];
    const bounds = stridedSlice(x, attrs as Attributes);
    return {
      x: () => {
        const dense = tf.reshape(single(dy), bounds.size);
        return x.shape.reduce((grown, size, axis) => spread(grown, axis, size, bounds), dense);
      },
    };
  },
};

/** tfjs's own leaves out what the mirrored elements contribute. */
const mirrorPad: tf.GradConfig = {
  kernelName: 'MirrorPad',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attrs) => {
    const [x] = saved as [tf.Tensor];
    const { paddings, mode } = attrs as unknown as { paddings: [number, number][]; mode: string };
    const offset = mode === 'reflect' ? 1 : 0;
    /** Folds the two margins of an axis back onto its elements. */
    const folded = (padded: tf.Tensor, [before, after]: [number, number], axis: number) => {
      const size = x.shape[axis] as number;
      const part = (begin: number, length: number) =>
        tf.slice(
          padded,
          padded.shape.map((_, i) => (i === axis ? begin : 0)),
          padded.shape.map((d, i) => (i === axis ? length : d)),
        );
      const margin = (begin: number, length: number, first: number) =>
        tf.pad(
          tf.reverse(part(begin, length), axis),
          padded.shape.map((_, i): [number, number] =>
            i === axis ? [first, size - first - length] : [0, 0],
          ),
        );
      let sum = part(before, size);
      if (before > 0) sum = tf.add(sum, margin(0, before, offset));
      if (after > 0) sum = tf.add(sum, margin(before + size, after, size - offset - after));
      return sum;
    };
    return { x: () => paddings.reduce(folded, single(dy)) };
  },
};

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
      const offsets = tf.mul(tf.range(0, batch, 1, 'int32'), tf.scalar(size, 'int32'));
      const own = tf.reshape(indices, [batch, count]);
      const numbers = batch === 1 ? own : tf.add(own, tf.reshape(offsets, [batch, 1]));
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

/** tfjs has none. */
const diag: tf.GradConfig = {
  kernelName: 'Diag',
  inputsToSave: ['x'],
  gradFunc: (dy, saved) => {
    const [x] = saved as [tf.Tensor];
    const places = tf.mul(tf.range(0, x.size, 1, 'int32'), tf.scalar(x.size + 1, 'int32'));
    return { x: () => tf.reshape(tf.gather(tf.reshape(single(dy), [x.size ** 2]), places), x.shape) };
  },
};

/** tfjs has none. */
const depthToSpace: tf.GradConfig = {
  kernelName: 'DepthToSpace',
  inputsToSave: ['x'],
  gradFunc: (dy, saved, attrs) => {
    const [x] = saved as [tf.Tensor];
    const [batch, height, width, depth] = x.shape as [number, number, number, number];
    const block = attrs.blockSize as number;
    return {
      x: () => {
        const parts = tf.reshape(single(dy), [batch, height, block, width, block, depth / block ** 2]);
        return tf.reshape(tf.transpose(parts, [0, 1, 3, 2, 4, 5]), x.shape);
      },
    };
  },
};

export const structuralGradients: readonly tf.GradConfig[] = [
  depthToSpace,
  diag,
  einsum,
  gather,
  gatherNd,
  matMul,
  mirrorPad,
  scatterNd,
  segmentSum,
  split,
  stridedSliceGradient,
  tensorScatterUpdate,
  tile,
  unpack,
];
