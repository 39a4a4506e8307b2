/** @file Kernels that move elements about: shapes get the batch axis in front, axes count one further. */
import * as tf from '@tensorflow/tfjs-core';
import { at, normalizeAxes } from '../kernels/rule';
import type { BatchRule, BatchRules, Call } from './rule';

const reshape: BatchRule = ({ node, inputs, build }) => [
  build.reshape(at(inputs, 0).value, build.stacked(at(node.outputs, 0).shape)),
];

const transpose: BatchRule = ({ node, inputs, build }) => {
  const perm = (node.attrs.perm as number[]).map((axis) => axis + 1);
  return [build.transpose(at(inputs, 0).value, [0, ...perm])];
};

/** Begins at instance 0; what is left out or −1 in the sizes is in the shape of the result. */
const slice: BatchRule = ({ node, inputs, build }) => {
  const x = at(inputs, 0);
  const { begin, size } = node.attrs as { begin: number | number[]; size?: number | number[] };
  const [first] = tf.slice_util.parseSliceParams({ shape: [...x.shape] } as tf.TensorInfo, begin, size);
  return build.like(node, [x.value], {
    ...node.attrs,
    begin: [0, ...(first as number[])],
    size: build.stacked(at(node.outputs, 0).shape),
  });
};

/** One more axis to slice, taken whole; the masks have one bit an axis, lowest first. */
const stridedSlice: BatchRule = ({ node, inputs, build }) => {
  const { begin, end, strides, ...masks } = node.attrs as Readonly<Record<string, number[]>> & {
    readonly begin: number[];
    readonly end: number[];
    readonly strides?: number[] | null;
  };
  const moved = Object.entries(masks).map(([name, mask]) => [name, Number(mask ?? 0) << 1]);
  return build.like(node, [at(inputs, 0).value], {
    ...Object.fromEntries(moved),
    begin: [0, ...begin],
    end: [build.n, ...end],
    strides: [1, ...(strides ?? begin.map(() => 1))],
  });
};

/** An attribute with an entry for each axis, which gets one for the batch axis. */
function perAxis(attribute: string, entry: unknown): BatchRule {
  return ({ node, inputs, build }) =>
    build.like(node, [at(inputs, 0).value], {
      ...node.attrs,
      [attribute]: [entry, ...(node.attrs[attribute] as unknown[])],
    });
}

const broadcastTo: BatchRule = ({ node, inputs, build }) => {
  const { shape } = at(node.outputs, 0);
  return [build.broadcast(build.aligned(at(inputs, 0), shape.length), build.stacked(shape))];
};

/** Joining works on whole tensors: what is shared is repeated. */
const whole = ({ inputs, build }: Call) => inputs.map((input) => build.expanded(input));

const concat: BatchRule = (call) => {
  const { node, inputs, build } = call;
  const axis = at(normalizeAxes(node.attrs.axis, at(inputs, 0).shape.length), 0) + 1;
  return build.like(node, whole(call), { ...node.attrs, axis });
};

const pack: BatchRule = (call) => {
  const { node, inputs, build } = call;
  const axis = at(normalizeAxes(node.attrs.axis ?? 0, at(inputs, 0).shape.length + 1), 0) + 1;
  return build.like(node, whole(call), { ...node.attrs, axis });
};

/** Kernels that take the first input apart, or turn it round, along an axis or axes of this attribute. */
function along(attribute: string): BatchRule {
  return ({ node, inputs, build }) => {
    const x = at(inputs, 0);
    const given = node.attrs[attribute] ?? 0;
    const axes = normalizeAxes(given, x.shape.length).map((axis) => axis + 1);
    const moved = Array.isArray(given) ? axes : axes[0];
    return build.like(node, [x.value], { ...node.attrs, [attribute]: moved });
  };
}

export const movement: BatchRules = {
  Reshape: reshape,
  ExpandDims: reshape,
  Transpose: transpose,
  Slice: slice,
  StridedSlice: stridedSlice,
  PadV2: perAxis('paddings', [0, 0]),
  Tile: perAxis('reps', 1),
  BroadcastTo: broadcastTo,
  Concat: concat,
  Pack: pack,
  Unpack: along('axis'),
  SplitV: along('axis'),
};
