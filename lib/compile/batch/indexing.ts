/** @file Kernels that take or add rows by index. */
import { makeValue, type Value } from '../graph';
import { sizeOf } from '../host';
import { at, normalizeAxes } from '../kernels/rule';
import type { Builder } from './builder';
import type { Argument, BatchRule, BatchRules, Call } from './rule';

/** Swaps the batch axis at the front with what stands before the axis `to`: axis 0 becomes axis `to`. */
function moveFirst(rank: number, to: number): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return [...axes.slice(1, to + 1), 0, ...axes.slice(to + 1)];
}

/** The reverse: axis `from` becomes axis 0. */
function moveToFront(rank: number, from: number): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return [from, ...axes.filter((axis) => axis !== from)];
}

/** Rows of one table by each instance's own indices: the instances' axis arises at `axis` and is moved to the front. */
function fromSharedTable({ node, inputs, build }: Call, axis: number): Value[] {
  const [x, indices] = [at(inputs, 0).value, at(inputs, 1).value];
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const rows = build.one(node.op, [x, indices], node.attrs, { dtype: x.dtype, shape });
  return [axis === 0 ? rows : build.transpose(rows, moveToFront(shape.length, axis))];
}

/**
 * Where each index lies when the tables of all instances stand below one another, `size` rows each; `outside` for an
 * index that is not in its own table.
 */
function stackedIndex(build: Builder, { value, shape }: Argument, size: number, outside: number): Value {
  const number = (fill: number) => makeValue('int32', value.shape, { fill });
  const bool = { dtype: 'bool', shape: value.shape } as const;
  const form = { dtype: 'int32', shape: value.shape } as const;
  const isInside = build.one(
    'LogicalAnd',
    [
      build.one('GreaterEqual', [value, number(0)], {}, bool),
      build.one('Less', [value, number(size)], {}, bool),
    ],
    {},
    bool,
  );
  const moved = build.one('Add', [value, build.offsets(size, shape.length)], {}, form);
  return build.one('Select', [isInside, moved, number(outside)], {}, form);
}

/**
 * The same for rows to be taken or replaced. As in a single table an index outside of it is an error when the program runs:
 * it is made one beyond all tables, lest it take a row of another instance.
 */
function stackedRow(build: Builder, indices: Argument, size: number): Value {
  return stackedIndex(build, indices, size, build.n * size);
}

/** Each instance's rows of its own table: rows of all tables below one another. */
function fromOwnTable({ node, inputs, build }: Call, axis: number): Value[] {
  const [x, indices] = [at(inputs, 0), at(inputs, 1)];
  const size = at(x.shape, axis);
  const rank = x.shape.length;
  const rest = [...x.shape.slice(0, axis), ...x.shape.slice(axis + 1)];
  const tables =
    axis === 0 ? x.value : build.transpose(x.value, [0, ...moveToFront(rank, axis).map((a) => a + 1)]);
  const flat = build.reshape(tables, [build.n * size, ...rest]);
  const form = { dtype: x.value.dtype, shape: [...indices.value.shape, ...rest] };
  const index = stackedRow(build, indices, size);
  const rows = build.one(node.op, [flat, index], { ...node.attrs, axis: 0, batchDims: 0 }, form);
  if (axis === 0) return [rows];
  // [n, ...indices, ...before, ...after] → [n, ...before, ...indices, ...after]
  const [own, before] = [indices.shape.length, axis];
  const axes = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
  const after = rest.length - before;
  return [
    build.transpose(rows, [0, ...axes(1 + own, before), ...axes(1, own), ...axes(1 + own + before, after)]),
  ];
}

const gather: BatchRule = (call) => {
  const { node, inputs, build } = call;
  const [x, indices] = [at(inputs, 0), at(inputs, 1)];
  const axis = at(normalizeAxes(node.attrs.axis ?? 0, x.shape.length), 0);
  if (!indices.batched) return build.like(node, [x.value, indices.value], { ...node.attrs, axis: axis + 1 });
  return x.batched ? fromOwnTable(call, axis) : fromSharedTable(call, axis);
};

/** With ids known only when the program runs, but shared: the batch is moved behind the rows, and back. */
function sumBySharedIds({ node, inputs, build }: Call, segments: number): Value {
  const [x, ids] = [at(inputs, 0), at(inputs, 1)];
  const rank = x.value.shape.length;
  const turned = build.transpose(x.value, moveFirst(rank, ids.shape.length));
  const shape = [segments, build.n, ...x.shape.slice(ids.shape.length)];
  const sums = build.one(node.op, [turned, ids.value], node.attrs, { dtype: x.value.dtype, shape });
  return build.transpose(sums, moveToFront(shape.length, 1));
}

/** Up to so many segments an instance a product with one-hot matrices is faster than adding row by row. */
const FEW_SEGMENTS = 256;

/**
 * With ids of each instance's own: a product with the one-hot matrix of the ids, which leaves out what belongs to no
 * segment; where there are many segments, one sum into the segments of all instances, one after the other.
 */
function sumByOwnIds(call: Call, segments: number): Value {
  const [x, ids] = [at(call.inputs, 0), at(call.inputs, 1)];
  return segments <= FEW_SEGMENTS && x.value.dtype === 'float32'
    ? sumByProduct(call.build, x, ids, segments)
    : sumIntoAll(call, x, ids, segments);
}

/**
 * The product adds what belongs to another segment times 0, so that a row with infinity or NaN makes NaN of every segment
 * of its instance. To select instead takes an array of rows × segments × width.
 */
function sumByProduct(build: Builder, x: Argument, ids: Argument, segments: number): Value {
  const rows = sizeOf(ids.shape);
  const width = sizeOf(x.shape.slice(ids.shape.length));
  const float = (shape: readonly number[]) => ({ dtype: 'float32', shape }) as const;
  const attrs = { depth: segments, onValue: 1, offValue: 0, dtype: 'float32' };
  const index = build.reshape(ids.value, [build.n, rows]);
  const oneHot = build.one('OneHot', [index], attrs, float([build.n, rows, segments]));
  const flat = build.reshape(x.value, x.batched ? [build.n, rows, width] : [rows, width]);
  return build.one(
    'BatchMatMul',
    [oneHot, flat],
    { transposeA: true, transposeB: false },
    float([build.n, segments, width]),
  );
}

/** Instance i sums into segments of its own, i·segments further on; ids that belong to no segment stay so. */
function sumIntoAll({ node, build }: Call, x: Argument, ids: Argument, segments: number): Value {
  const rest = x.shape.slice(ids.shape.length);
  const rows = build.n * sizeOf(ids.shape);
  const each = ids.batched ? ids : { ...ids, value: build.tiled(ids) };
  const numbers = build.reshape(stackedIndex(build, each, segments, -1), [rows]);
  const flat = build.reshape(build.expanded(x), [rows, ...rest]);
  const form = { dtype: x.value.dtype, shape: [build.n * segments, ...rest] };
  return build.one(node.op, [flat, numbers], { ...node.attrs, numSegments: build.n * segments }, form);
}

/** With ids that are known beforehand one sum over the rows of all instances can be laid out for them. */
const segmentSum: BatchRule = (call) => {
  const { node, inputs, build } = call;
  const [x, ids] = [at(inputs, 0), at(inputs, 1)];
  const segments = node.attrs.numSegments as number;
  const sum = ids.batched
    ? sumByOwnIds(call, segments)
    : ids.isKnown
      ? sumIntoAll(call, x, ids, segments)
      : sumBySharedIds(call, segments);
  return [build.reshape(sum, build.stacked(at(node.outputs, 0).shape))];
};

/** Replaces rows of a matrix: of all matrices below one another. */
const scatterUpdate: BatchRule = ({ node, inputs, build }) => {
  const [tensor, indices, updates] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
  const [rows, width] = tensor.shape as [number, number];
  const count = at(updates.shape, 0);
  const each = { ...indices, value: build.expanded(indices) };
  const numbers = build.reshape(stackedRow(build, each, rows), [build.n * count]);
  const form = { dtype: tensor.value.dtype, shape: [build.n * rows, width] };
  const replaced = build.one(
    node.op,
    [
      build.reshape(build.expanded(tensor), form.shape),
      numbers,
      build.reshape(build.expanded(updates), [build.n * count, width]),
    ],
    node.attrs,
    form,
  );
  return [build.reshape(replaced, build.stacked(tensor.shape))];
};

export const indexing: BatchRules = {
  GatherV2: gather,
  UnsortedSegmentSum: segmentSum,
  TensorScatterUpdate: scatterUpdate,
  OneHot: ({ node, inputs, build }) => build.like(node, [at(inputs, 0).value]),
};
