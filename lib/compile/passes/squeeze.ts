/**
 * @file Leaves out axes of length one. Then transposes that move nothing are gone, products of one row by one column
 * are multiplications and sums, and what is a matrix looks like one to the passes that work on matrices. A dot product
 * that becomes a multiplication and a sum may be added in another order.
 */
import type { Graph, Node, Value } from '../graph';
import { sizeOf } from '../host';
import { at, normalizeAxes } from '../kernels/rule';
import { Builder } from './builder';
import { POINTWISE } from './pointwise';
import { rewriteGraph } from './rewrite';

/** Writes a node in squeezed form and returns its result in the shape it had; nothing where there is no such form. */
type Squeeze = (node: Node, build: Builder) => Value | undefined;

export function squeeze(graph: Graph): Graph {
  return rewriteGraph(graph, (node) => {
    const rule = RULES.get(node.op);
    const isEmpty = [...node.inputs, ...node.outputs].some(({ shape }) => sizeOf(shape) === 0);
    if (rule === undefined || isEmpty) return [node];
    const build = new Builder();
    const result = rule(node, build);
    return result === undefined ? [node] : [...build.nodes, { replaceBy: [result] }];
  });
}

/** The axes of a shape that are longer than one; of those alike, at least two are kept. */
function keptAxes(shape: readonly number[]): number[] {
  const long = shape.flatMap((dimension, axis) => (dimension === 1 ? [] : [axis]));
  for (let axis = 0; long.length < Math.min(2, shape.length); axis++) {
    if (!long.includes(axis)) long.push(axis);
  }
  return long.sort((a, b) => a - b);
}

const pointwise: Squeeze = (node, build) => {
  const { shape, dtype } = at(node.outputs, 0);
  const rank = shape.length;
  const kept = keptAxes(shape);
  const isVector = (value: Value) => rank === 2 && value.shape.length === 1;
  if (kept.length === rank && !node.inputs.some(isVector)) return undefined;
  const inputs = node.inputs.map((value) => {
    if (value.shape.length === 0) return value;
    const shift = rank - value.shape.length;
    return build.reshape(
      value,
      kept.map((axis) => (axis < shift ? 1 : at(value.shape, axis - shift))),
    );
  });
  const squeezed = kept.map((axis) => at(shape, axis));
  return build.reshape(build.node(node.op, inputs, node.attrs, squeezed, dtype), shape);
};

const transpose: Squeeze = (node, build) => {
  const x = at(node.inputs, 0);
  const moved = (node.attrs.perm as number[]).filter((axis) => x.shape[axis] !== 1);
  const inOrder = moved.every((axis, i) => i === 0 || axis > at(moved, i - 1));
  return inOrder ? build.reshape(x, at(node.outputs, 0).shape) : undefined;
};

const reduction: Squeeze = (node, build) => {
  const x = at(node.inputs, 0);
  const output = at(node.outputs, 0);
  const kept = keptAxes(x.shape);
  if (kept.length === x.shape.length) return undefined;
  const name = node.op === 'Max' ? 'reductionIndices' : 'axis';
  const axes = normalizeAxes(node.attrs[name], x.shape.length);
  const rest = axes.flatMap((axis) => (kept.includes(axis) ? [kept.indexOf(axis)] : []));
  const form = kept.map((axis) => at(x.shape, axis));
  const reduced = form.filter((_, axis) => !rest.includes(axis));
  const attrs = { [name]: rest, keepDims: false };
  const squeezed = build.reshape(x, form);
  return build.reshape(
    rest.length === 0 ? squeezed : build.node(node.op, [squeezed], attrs, reduced, x.dtype),
    output.shape,
  );
};

const gather: Squeeze = (node, build) => {
  const [x, indices] = [at(node.inputs, 0), at(node.inputs, 1)];
  const axis = at(normalizeAxes(node.attrs.axis ?? 0, x.shape.length), 0);
  if (axis !== 0 || node.attrs.batchDims || indices.shape.length < 2) return undefined;
  const count = sizeOf(indices.shape);
  const rows = build.node(
    'GatherV2',
    [x, build.reshape(indices, [count])],
    node.attrs,
    [count, ...x.shape.slice(1)],
    x.dtype,
  );
  return build.reshape(rows, at(node.outputs, 0).shape);
};

const segmentSum: Squeeze = (node, build) => {
  const [x, ids] = [at(node.inputs, 0), at(node.inputs, 1)];
  const rest = x.shape.slice(ids.shape.length);
  const width = sizeOf(rest);
  if (ids.shape.length === 1 && x.shape.length === 2) return undefined;
  const { shape } = at(node.outputs, 0);
  const count = sizeOf(ids.shape);
  const inputs = [build.reshape(x, [count, width]), build.reshape(ids, [count])];
  return build.reshape(build.node(node.op, inputs, node.attrs, [at(shape, 0), width], x.dtype), shape);
};

const matMul: Squeeze = (node, build) => {
  const [a, b] = [at(node.inputs, 0), at(node.inputs, 1)];
  const { shape, dtype } = at(node.outputs, 0);
  const [transposeA, transposeB] = [Boolean(node.attrs.transposeA), Boolean(node.attrs.transposeB)];
  if (shape.length === 2 || node.inputs.length > 2) return undefined;
  const [rows, inner] = transposeA ? a.shape.slice(-2).reverse() : a.shape.slice(-2);
  const columns = at(shape, shape.length - 1);
  const batch = shape.slice(0, -2);
  const isShared = sizeOf(b.shape.slice(0, -2)) === 1;
  // One matrix for a whole batch: the batch's rows are rows of one product.
  if (sizeOf(batch) === 1 || (isShared && !transposeA)) {
    const matrix = (x: Value) => build.reshape(x, x.shape.slice(-2));
    const left = transposeA
      ? matrix(a)
      : build.reshape(a, [sizeOf(a.shape) / (inner as number), inner as number]);
    const product = build.node(
      'BatchMatMul',
      [left, matrix(b)],
      node.attrs,
      [sizeOf(shape) / columns, columns],
      dtype,
    );
    return build.reshape(product, shape);
  }
  const column = (x: Value, turned: boolean) =>
    turned
      ? build.reshape(x, [
          ...x.shape.slice(0, -2),
          at(x.shape, x.shape.length - 1),
          at(x.shape, x.shape.length - 2),
        ])
      : x;
  // One term in each sum: a column times a row.
  if (inner === 1)
    return build.node('Multiply', [column(a, transposeA), column(b, transposeB)], {}, shape, dtype);
  if (rows !== 1 || columns !== 1) return undefined;
  const [row, other] = [column(a, transposeA), column(b, !transposeB)];
  const products = build.node('Multiply', [row, other], {}, [...batch, 1, inner as number], dtype);
  const rank = shape.length;
  return build.node('Sum', [products], { axis: [rank - 1], keepDims: true }, shape, dtype);
};

const RULES: ReadonlyMap<string, Squeeze> = new Map<string, Squeeze>([
  ...[...POINTWISE].map((op): [string, Squeeze] => [op, pointwise]),
  ['Transpose', transpose],
  ['Sum', reduction],
  ['Max', reduction],
  ['Min', reduction],
  ['GatherV2', gather],
  ['UnsortedSegmentSum', segmentSum],
  ['BatchMatMul', matMul],
]);
