/** @file Kernels that move elements about without computing: reshaping, slicing, joining. */
import * as tf from '@tensorflow/tfjs-core';
import type { Attributes, Value } from '../graph';
import { sizeOf } from '../host';
import {
  at,
  checkShapes,
  type KernelRule,
  type KernelRules,
  normalizeAxes,
  refusal,
  type Spec,
  sameShape,
} from './rule';

function reshape(shapeOf: (x: Value, attrs: Attributes) => readonly number[], input = 'x'): KernelRule {
  return {
    inputs: [input],
    infer: ([x], attrs) => ({ dtype: x.dtype, shape: shapeOf(x, attrs) }),
    lower: (emit, inputs, node) => emit.reshape(at(inputs, 0).name, at(node.outputs, 0).shape),
  };
}

/** One dimension may be −1: what is left of the size. */
function completeShape(x: Value, attrs: Attributes): number[] {
  const shape = attrs.shape as number[];
  const known = sizeOf(shape.filter((dimension) => dimension >= 0));
  const complete = shape.map((dimension) => (dimension >= 0 ? dimension : sizeOf(x.shape) / known));
  checkShapes(
    complete.every(Number.isInteger) && sizeOf(complete) === sizeOf(x.shape),
    `its ${sizeOf(x.shape)} elements do not have the shape [${shape.join(', ')}]`,
  );
  return complete;
}

function insertOne(x: Value, attrs: Attributes): number[] {
  const dim = attrs.dim as number;
  const position = dim < 0 ? dim + x.shape.length + 1 : dim;
  return [...x.shape.slice(0, position), 1, ...x.shape.slice(position)];
}

/** tfjs allows one number for the first axis, lists that leave out the last axes, and −1 or nothing for the rest. */
export function sliceBounds(
  { shape }: Pick<Value, 'shape'>,
  attrs: Attributes,
): { begin: number[]; size: number[] } {
  const x = { shape: [...shape] } as tf.TensorInfo;
  const { begin, size } = attrs as { begin: number | number[]; size?: number | number[] };
  const [first, count] = tf.slice_util.parseSliceParams(x, begin, size) as [number[], number[]];
  return { begin: first, size: count };
}

/** Where a strided slice begins, how many elements it takes along each axis of x, and the shape that tfjs gives it. */
export function stridedSlice(
  x: Pick<Value, 'shape'>,
  attrs: Attributes,
): { begin: number[]; size: number[]; strides: number[]; shape: number[] } {
  const { begin, end, strides } = attrs as Record<'begin' | 'end' | 'strides', number[]>;
  const masks = ['beginMask', 'endMask', 'ellipsisMask', 'newAxisMask', 'shrinkAxisMask'].map(
    (mask) => attrs[mask] as number,
  ) as [number, number, number, number, number];
  const dense = tf.slice_util.sliceInfo([...x.shape], begin, end, strides, ...masks);
  const size = dense.begin.map((first, axis) =>
    Math.max(0, Math.ceil((at(dense.end, axis) - first) / at(dense.strides, axis))),
  );
  // Of no elements, the beginning may lie outside.
  const begins = dense.begin.map((first, axis) => (at(size, axis) === 0 ? 0 : first));
  return { begin: begins, size, strides: dense.strides, shape: dense.finalShape };
}

function splitSizes(x: Value, attrs: Attributes): { axis: number; sizes: number[] } {
  const axis = at(normalizeAxes(attrs.axis, x.shape.length), 0);
  const given = attrs.numOrSizeSplits as number | number[];
  const dimension = at(x.shape, axis);
  const listed = Array.isArray(given) ? given : Array<number>(given).fill(dimension / given);
  const total = listed.filter((size) => size >= 0).reduce((a, b) => a + b, 0);
  const open = listed.filter((size) => size < 0).length;
  checkShapes(
    listed.every(Number.isInteger) && (open === 0 ? total === dimension : open === 1 && total <= dimension),
    `its axis ${axis} of length ${dimension} does not split into ${Array.isArray(given) ? `[${given.join(', ')}]` : `${given} equal parts`}`,
  );
  const rest = dimension - total;
  return { axis, sizes: listed.map((size) => (size < 0 ? rest : size)) };
}

function concatAxis(inputs: readonly Value[], attrs: Attributes): number {
  return at(normalizeAxes(attrs.axis, at(inputs, 0).shape.length), 0);
}

/** One type for all: joined to other types, tfjs's CPU backend truncates silently. */
function checkSameType(kernel: string, inputs: readonly Value[]): void {
  if (!inputs.every(({ dtype }) => dtype === inputs[0]?.dtype)) {
    throw refusal(kernel, inputs, 'its inputs differ in type; cast them first');
  }
}

function stackAxis(inputs: readonly Value[], attrs: Attributes): number {
  const axis = attrs.axis as number;
  return axis < 0 ? axis + at(inputs, 0).shape.length + 1 : axis;
}

export const movement: KernelRules = {
  Reshape: reshape(completeShape),
  ExpandDims: reshape(insertOne, 'input'),
  Transpose: {
    inputs: ['x'],
    infer: ([x], attrs) => ({
      dtype: x.dtype,
      shape: (attrs.perm as number[]).map((axis) => at(x.shape, axis)),
    }),
    lower: (emit, inputs, node) =>
      emit.node('Transpose', [at(inputs, 0).name], { perm: node.attrs.perm as number[] }),
  },
  Slice: {
    inputs: ['x'],
    infer: ([x], attrs) => {
      const { begin, size } = sliceBounds(x, attrs);
      const inside = begin.every(
        (first, axis) => first >= 0 && at(size, axis) >= 0 && first + at(size, axis) <= at(x.shape, axis),
      );
      checkShapes(
        begin.length === x.shape.length && inside,
        `it has no slice of size [${size.join(', ')}] at [${begin.join(', ')}]`,
      );
      return { dtype: x.dtype, shape: size };
    },
    lower: (emit, inputs, node) => {
      const { begin, size } = sliceBounds(at(inputs, 0), node.attrs);
      const end = begin.map((first, i) => first + at(size, i));
      return emit.node('Slice', [at(inputs, 0).name, emit.integers(begin), emit.integers(end)]);
    },
  },
  StridedSlice: {
    inputs: ['x'],
    infer: ([x], attrs) => ({ dtype: x.dtype, shape: stridedSlice(x, attrs).shape }),
    /** It mistakes the strides where an axis vanishes, and fails on some slices of no elements. */
    foldable: () => false,
    lower: (emit, inputs, node) => {
      const { begin, size, strides } = stridedSlice(at(inputs, 0), node.attrs);
      const end = begin.map((first, axis) => {
        const beyond = first + at(size, axis) * at(strides, axis);
        // Before the first element; −1 would mean the last.
        return beyond < 0 ? Number.MIN_SAFE_INTEGER : beyond;
      });
      const { length } = begin;
      const axes = emit.integers(Array.from({ length }, (_, axis) => axis));
      const bounds = [emit.integers(begin), emit.integers(end), axes, emit.integers(strides)];
      return emit.reshape(emit.node('Slice', [at(inputs, 0).name, ...bounds]), at(node.outputs, 0).shape);
    },
  },
  PadV2: {
    inputs: ['x'],
    infer: ([x], attrs) => ({
      dtype: x.dtype,
      shape: (attrs.paddings as [number, number][]).map(
        ([before, after], i) => before + at(x.shape, i) + after,
      ),
    }),
    lower: (emit, inputs, node) => {
      const paddings = node.attrs.paddings as [number, number][];
      const { name, dtype } = at(inputs, 0);
      const pads = emit.integers([
        ...paddings.map(([before]) => before),
        ...paddings.map(([, after]) => after),
      ]);
      return emit.node('Pad', [name, pads, emit.scalar(dtype, node.attrs.constantValue as number)]);
    },
  },
  BroadcastTo: {
    inputs: ['x'],
    infer: ([x], attrs) => ({ dtype: x.dtype, shape: attrs.shape as number[] }),
    lower: (emit, inputs, node) =>
      emit.node('Expand', [at(inputs, 0).name, emit.integers(at(node.outputs, 0).shape)]),
  },
  Tile: {
    inputs: ['x'],
    infer: ([x], attrs) => ({
      dtype: x.dtype,
      shape: (attrs.reps as number[]).map((count, i) => count * at(x.shape, i)),
    }),
    lower: (emit, inputs, node) =>
      emit.node('Tile', [at(inputs, 0).name, emit.integers(node.attrs.reps as number[])]),
  },
  Concat: {
    inputs: 'variadic',
    infer: (inputs, attrs) => {
      checkSameType('Concat', inputs);
      const axis = concatAxis(inputs, attrs);
      const { dtype, shape } = at(inputs, 0);
      checkShapes(
        inputs.every(
          (x) => x.shape.length === shape.length && shape.every((d, i) => i === axis || d === x.shape[i]),
        ),
        `joined along axis ${axis}, their other axes must be the same`,
      );
      const total = inputs.reduce((sum, x) => sum + at(x.shape, axis), 0);
      return { dtype, shape: shape.map((dimension, i) => (i === axis ? total : dimension)) };
    },
    lower: (emit, inputs, node) =>
      emit.node(
        'Concat',
        inputs.map(({ name }) => name),
        { axis: concatAxis(inputs, node.attrs) },
      ),
  },
  Pack: {
    inputs: 'variadic',
    infer: (inputs, attrs) => {
      checkSameType('Pack', inputs);
      const axis = stackAxis(inputs, attrs);
      const { dtype, shape } = at(inputs, 0);
      checkShapes(
        inputs.every((x) => sameShape(x.shape, shape)),
        'stacked tensors must have one shape',
      );
      return { dtype, shape: [...shape.slice(0, axis), inputs.length, ...shape.slice(axis)] };
    },
    lower: (emit, inputs, node) => {
      const axis = stackAxis(inputs, node.attrs);
      const axes = emit.integers([axis]);
      return emit.node(
        'Concat',
        inputs.map(({ name }) => emit.node('Unsqueeze', [name, axes])),
        { axis },
      );
    },
  },
  Unpack: {
    inputs: ['value'],
    infer: ([x], attrs): Spec[] => {
      const axis = at(normalizeAxes(attrs.axis, x.shape.length), 0);
      const shape = x.shape.filter((_, i) => i !== axis);
      return Array.from({ length: at(x.shape, axis) }, () => ({ dtype: x.dtype, shape }));
    },
    lower: (emit, inputs, node) => {
      const { name, shape } = at(inputs, 0);
      const axis = at(normalizeAxes(node.attrs.axis, shape.length), 0);
      const sizes = emit.integers(Array<number>(at(shape, axis)).fill(1));
      const parts = emit.multi('Split', [name, sizes], at(shape, axis), { axis });
      return parts.map((part) => emit.node('Squeeze', [part, emit.integers([axis])]));
    },
  },
  SplitV: {
    inputs: ['x'],
    infer: ([x], attrs): Spec[] => {
      const { axis, sizes } = splitSizes(x, attrs);
      return sizes.map((size) => ({
        dtype: x.dtype,
        shape: x.shape.map((d, i) => (i === axis ? size : d)),
      }));
    },
    lower: (emit, inputs, node) => {
      const { axis, sizes } = splitSizes(at(inputs, 0), node.attrs);
      return emit.multi('Split', [at(inputs, 0).name, emit.integers(sizes)], sizes.length, { axis });
    },
  },
};
