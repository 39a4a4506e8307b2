/** @file Kernels that take rows by index, and the sum that is their gradient. */
import { constantData, type Node, type Value } from '../graph';
import { sizeOf } from '../host';
import type { Emitter, Name } from '../onnx/emitter';
import { at, type KernelRules, normalizeAxes, type Operand, refusal } from './rule';

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

/**
 * Sum of the rows of each segment. ONNX's scatter-add gives wrong sums on ONNX Runtime's CPU provider with more than one
 * thread, so: gather the rows of each segment next to each other and reduce, where the ids are constants and the
 * segments of similar size; otherwise a product with the one-hot matrix of the ids.
 */
function segmentSum(emit: Emitter, x: Operand, ids: Operand, segments: number): Name {
  const rows = sizeOf(ids.shape);
  const rest = x.shape.slice(ids.shape.length);
  const width = sizeOf(rest);
  const flat = emit.reshape(x.name, [rows, width]);
  const padded = ids.constant === undefined ? undefined : paddedSegments(constantData(ids), segments);
  let sums: Name;
  if (padded !== undefined) {
    const zeros = emit.constant('float32', [1, width], new Float32Array(width));
    const extended = emit.node('Concat', [flat, zeros], { axis: 0 });
    const index = emit.constant('int32', [segments, padded.width], padded.rows);
    sums = emit.node('ReduceSum', [emit.node('Gather', [extended, index], { axis: 0 }), emit.integers([1])], {
      keepdims: 0,
    });
  } else {
    const column = emit.constant(
      'int32',
      [segments, 1],
      Int32Array.from({ length: segments }, (_, i) => i),
    );
    const row = emit.reshape(ids.name, [1, rows]);
    const oneHot = emit.node('Cast', [emit.node('Equal', [column, row])], {
      to: emit.elementType('float32'),
    });
    sums = emit.node('Gemm', [oneHot, flat]);
  }
  return emit.reshape(sums, [segments, ...rest]);
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
    /** Indices known only when the step runs are ONNX's: one from the end on where negative, an error beyond the ends. */
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
      return emit.node('Gather', [x.name, indices.name], { axis });
    },
  },
  UnsortedSegmentSum: {
    inputs: ['x', 'segmentIds'],
    infer: (inputs, attrs) => {
      const [x, ids] = [at(inputs, 0), at(inputs, 1)];
      if (x.dtype !== 'float32')
        throw refusal('UnsortedSegmentSum', inputs, 'it sums float32; cast its input first');
      return { dtype: 'float32', shape: [attrs.numSegments as number, ...x.shape.slice(ids.shape.length)] };
    },
    lower: (emit, inputs, node) =>
      segmentSum(emit, at(inputs, 0), at(inputs, 1), node.attrs.numSegments as number),
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
