/** @file Gradients of kernels that move and contract elements, where tfjs has none or a wrong one. */
import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../graph';
import { stridedSlice } from '../kernels/movement';
import { sumTo } from './broadcast';
import { single } from './single';

type Slice = ReturnType<typeof stridedSlice>;

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
        sumTo(
          transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB),
          a.shape,
        ),
      b: () =>
        sumTo(
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
  matMul,
  mirrorPad,
  split,
  stridedSliceGradient,
  tile,
  unpack,
];
