/** @file Kernels that take rows by index, and the sum that is their gradient. */
import { constantData, type Node, type Value } from '../graph';
import { type DType, sizeOf } from '../host';
import type { Emitter, Name } from '../onnx/emitter';
import { at, checkShapes, type KernelRules, normalizeAxes, type Operand, refusal } from './rule';

/** Rows of padding that the padded form may add, as a multiple of the rows there are. */
const PADDING_LIMIT = 1;

/**
 * For segment ids known beforehand: which rows belong to each segment, padded to the longest with the index of a row of
 * zeros (`ids.length`). `undefined` where the longest segment would make that wasteful.
 */
export function paddedSegments(
  ids: ArrayLike<number>,
  segments: number,
): { readonly width: number; readonly rows: Int32Array } | undefined {
  const members = Array.from({ length: segments }, (): number[] => []);
  for (let row = 0; row < ids.length; row++) members[ids[row] as number]?.push(row);
  const width = members.reduce((longest, { length }) => Math.max(longest, length), 0);
  if (width === 0 || width * segments > (1 + PADDING_LIMIT) * ids.length) return undefined;
  const rows = new Int32Array(segments * width).fill(ids.length);
  for (const [segment, own] of members.entries()) rows.set(own, segment * width);
  return { width, rows };
}

/** Segments from which on, measured on a CPU, adding row by row beats the product with a one-hot matrix. */
const MANY_SEGMENTS = 256;
/** Elements from which on a one-hot matrix is too large anywhere: 256 MB of float32. */
const LARGE_ONE_HOT = 2 ** 26;

/**
 * Sum of the rows of each segment. ONNX Runtime's ScatterND gives wrong sums on the CPU with more than one thread, so:
 * gather the rows of each segment next to each other and reduce, where the ids are constants and the segments of similar
 * size; otherwise a product with the one-hot matrix of the ids, or ScatterElements, which on the CPU adds in order on one
 * thread, where there are many segments.
 */
function segmentSum(emit: Emitter, x: Operand, ids: Operand, segments: number): Name {
  const rows = sizeOf(ids.shape);
  const rest = x.shape.slice(ids.shape.length);
  const width = sizeOf(rest);
  const flat: Operand = { dtype: x.dtype, shape: [rows, width], name: emit.reshape(x.name, [rows, width]) };
  const padded = ids.constant === undefined ? undefined : paddedSegments(constantData(ids), segments);
  const large = emit.target.device === 'cpu' ? segments > MANY_SEGMENTS : rows * segments > LARGE_ONE_HOT;
  const sums =
    padded !== undefined
      ? paddedSum(emit, flat, padded, segments)
      : large || x.dtype !== 'float32'
        ? scatteredSum(emit, flat, ids, segments)
        : oneHotSum(emit, flat, ids, segments);
  return emit.reshape(sums, [segments, ...rest]);
}

function paddedSum(
  emit: Emitter,
  { name, dtype, shape }: Operand,
  { rows, width }: NonNullable<ReturnType<typeof paddedSegments>>,
  segments: number,
): Name {
  const zeros = filled(emit, dtype, [1, at(shape, 1)], 0);
  const extended = emit.node('Concat', [name, zeros], { axis: 0 });
  const index = emit.constant('int32', [segments, width], rows);
  const gathered = emit.node('Gather', [extended, index], { axis: 0 });
  return emit.node('ReduceSum', [gathered, emit.integers([1])], { keepdims: 0 });
}

/**
 * Of the two ways round, the product that has more rows than columns: `matmul.ts` says why its bits are the same on any
 * number of threads. It adds the rows of other segments times 0, so that a row with infinity or NaN makes NaN of its columns
 * in every segment. To select instead takes an array of rows × segments × width.
 */
function oneHotSum(emit: Emitter, x: Operand, ids: Operand, segments: number): Name {
  const column = emit.constant(
    'int32',
    [segments, 1],
    Int32Array.from({ length: segments }, (_, i) => i),
  );
  const [rows, width] = [at(x.shape, 0), at(x.shape, 1)];
  const equal = emit.node('Equal', [column, emit.reshape(ids.name, [1, rows])]);
  const oneHot = emit.node('Cast', [equal], { to: emit.elementType('float32') });
  if (segments >= width) return emit.node('Gemm', [oneHot, x.name]);
  const turn = (name: Name) => emit.node('Transpose', [name], { perm: [1, 0] });
  return turn(emit.node('Gemm', [turn(x.name), oneHot], { transB: 1 }));
}

/** Rows of segments that do not exist add up in one more row, which is cut off. */
function scatteredSum(emit: Emitter, x: Operand, ids: Operand, segments: number): Name {
  const [rows, width] = [at(x.shape, 0), at(x.shape, 1)];
  const last = emit.scalar('int32', segments);
  const list = emit.reshape(ids.name, [rows, 1]);
  const negative = emit.node('Less', [list, emit.scalar('int32', 0)]);
  const own = emit.node('Where', [negative, last, emit.node('Min', [list, last])]);
  const index = emit.node('Expand', [own, emit.integers([rows, width])]);
  const zeros = filled(emit, x.dtype, [segments + 1, width], 0);
  const sums = emit.node('ScatterElements', [zeros, index, x.name], { axis: 0, reduction: 'add' });
  return emit.node('Slice', [sums, emit.integers([0]), emit.integers([segments])]);
}

/** Indices whose negative ones, in ONNX counted from the end, lie beyond the `size` rows there are: an error when it runs. */
function notFromEnd(emit: Emitter, indices: Operand, size: number): Name {
  if (indices.constant !== undefined && constantData(indices).every((index) => index >= 0))
    return indices.name;
  const negative = emit.node('Less', [indices.name, emit.scalar('int32', 0)]);
  return emit.node('Where', [negative, emit.scalar('int32', size), indices.name]);
}

/** One number repeated to a shape. */
function filled(emit: Emitter, dtype: DType, shape: readonly number[], value: number): Name {
  return emit.node('Expand', [emit.scalar(dtype, value), emit.integers(shape)]);
}

const gatherAxis = (x: Value, { attrs }: Pick<Node, 'attrs'>) =>
  at(normalizeAxes(attrs.axis ?? 0, x.shape.length), 0);

export const indexing: KernelRules = {
  GatherV2: {
    inputs: ['x', 'indices'],
    infer: (inputs, attrs) => {
      const [x, indices] = [at(inputs, 0), at(inputs, 1)];
      if (attrs.batchDims)
        throw refusal('GatherV2', inputs, 'batchDims other than 0 have no lowering to ONNX');
      const axis = gatherAxis(x, { attrs });
      return {
        dtype: x.dtype,
        shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)],
      };
    },
    /** An index known only when the step runs and outside of the axis is an error then, as it is eagerly. */
    lower: (emit, inputs, node) => {
      const [x, indices] = [at(inputs, 0), at(inputs, 1)];
      const axis = gatherAxis(x, node);
      const size = at(x.shape, axis);
      if (indices.constant !== undefined) {
        const outside = constantData(indices).find((index) => index < 0 || index >= size);
        if (outside !== undefined) {
          throw refusal('GatherV2', inputs, `the index ${outside} is not in [0, ${size}) of axis ${axis}`);
        }
      }
      return emit.node('Gather', [x.name, notFromEnd(emit, indices, size)], { axis });
    },
  },
  UnsortedSegmentSum: {
    inputs: ['x', 'segmentIds'],
    infer: (inputs, attrs) => {
      const [x, ids] = [at(inputs, 0), at(inputs, 1)];
      if (x.dtype === 'bool') {
        throw refusal('UnsortedSegmentSum', inputs, 'it sums float32 or int32; cast its input first');
      }
      checkShapes(
        ids.shape.every((dimension, i) => dimension === x.shape[i]),
        'the segment ids must have the shape of the first axes of the tensor',
      );
      return { dtype: x.dtype, shape: [attrs.numSegments as number, ...x.shape.slice(ids.shape.length)] };
    },
    lower: (emit, inputs, node) =>
      segmentSum(emit, at(inputs, 0), at(inputs, 1), node.attrs.numSegments as number),
  },
  /**
   * Replaces rows of a matrix, `[rows, width]`, by those of another of the same numbers, `[n]`: `kernels/composed` brings
   * tfjs's calls to this form. Of several for one row the last counts on the CPU, any on other devices.
   */
  TensorScatterUpdate: {
    inputs: ['tensor', 'indices', 'updates'],
    infer: ([tensor]) => ({ dtype: tensor.dtype, shape: tensor.shape }),
    lower: (emit, inputs) => {
      const [tensor, indices, updates] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      const [count, width] = [at(updates.shape, 0), at(updates.shape, 1)];
      const own = notFromEnd(emit, indices, at(tensor.shape, 0));
      const column = emit.reshape(own, [count, 1]);
      const index = emit.node('Expand', [column, emit.integers([count, width])]);
      return emit.node('ScatterElements', [tensor.name, index, updates.name], { axis: 0 });
    },
  },
  OneHot: {
    inputs: ['indices'],
    infer: ([indices], attrs) => ({
      dtype: (attrs.dtype as 'float32' | undefined) ?? 'float32',
      shape: [...indices.shape, attrs.depth as number],
    }),
    lower: (emit, inputs, node) => {
      const indices = at(inputs, 0);
      const { dtype } = at(node.outputs, 0);
      const depth = node.attrs.depth as number;
      const classes = emit.constant(
        'int32',
        [depth],
        Int32Array.from({ length: depth }, (_, i) => i),
      );
      const column = emit.node('Unsqueeze', [indices.name, emit.integers([indices.shape.length])]);
      const [on, off] = [node.attrs.onValue as number, node.attrs.offValue as number];
      // ONNX Runtime has no Where for bool.
      const type = dtype === 'bool' ? 'int32' : dtype;
      const chosen = emit.node('Where', [
        emit.node('Equal', [column, classes]),
        emit.scalar(type, on),
        emit.scalar(type, off),
      ]);
      return type === dtype ? chosen : emit.node('Cast', [chosen], { to: emit.elementType(dtype) });
    },
  },
};
