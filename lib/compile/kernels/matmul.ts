/** @file Matrix products. */

import { sizeOf } from '../host';
import type { Emitter, Name } from '../onnx/emitter';
import {
  at,
  broadcastShape,
  checkShapes,
  type KernelRule,
  type KernelRules,
  type Operand,
  sameShape,
} from './rule';

interface Product {
  readonly a: Name;
  readonly b: Name;
  /** Added to the product; broadcast to [m, n]. */
  readonly addend?: Name;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/**
 * From this many columns on, the pieces that up to four threads get are wide enough to be summed in the same order.
 * Measured: with 384 columns the same bits for 1 to 4 threads, with 512 for 1 to 6, with 128 for 1 alone.
 */
export const WIDE = 384;

/**
 * One two-dimensional product. ONNX Runtime's Gemm is as fast with B transposed as without, but with A transposed it
 * does not spread over threads. The gradient of a weight is such a product, Xᵀ·dY with far more rows than columns, so
 * there one of the two is transposed by a node of its own: Xᵀ·dY, or (dYᵀ·X)ᵀ, whose small result is turned afterwards.
 *
 * The narrower of the two is the cheaper to turn. But with more columns than rows the runtime cuts the columns into
 * pieces for its threads, and where those are narrow, their width decides in which order a long sum is added: the last
 * bits of the result would depend on the number of threads. So that way is taken where there are many columns; else
 * the one with at least as many rows as columns, of which the runtime deals out rows.
 */
function product2d(emit: Emitter, { a, b, addend, m, k, n, transposeA, transposeB }: Product): Name {
  const turn = (x: Name) => emit.node('Transpose', [x], { perm: [1, 0] });
  const gemm = (x: Name, y: Name, transA: boolean, transB: boolean) =>
    emit.node('Gemm', addend === undefined ? [x, y] : [x, y, addend], {
      transA: transA ? 1 : 0,
      transB: transB ? 1 : 0,
    });
  if (!transposeA || k < 4 * Math.max(m, n)) return gemm(a, b, transposeA, transposeB);
  const turnsLeft = Math.max(m, n) >= WIDE ? m <= n : m >= n;
  if (turnsLeft || transposeB || addend !== undefined) return gemm(turn(a), b, false, transposeB);
  return turn(gemm(turn(b), a, false, false));
}

/** Swaps the last two axes of a batched operand. */
function turned(emit: Emitter, { name, shape }: Operand, transposed: boolean): Name {
  if (!transposed) return name;
  const perm = shape.map((_, axis) => axis);
  const rank = shape.length;
  [perm[rank - 1], perm[rank - 2]] = [rank - 2, rank - 1];
  return emit.node('Transpose', [name], { perm });
}

const batchMatMul: KernelRule = {
  inputs: ['a', 'b'],
  types: ['float32', 'int32'],
  infer: ([a, b], attrs) => {
    const [rankA, rankB] = [a.shape.length, b.shape.length];
    const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const m = at(a.shape, attrs.transposeA ? rankA - 1 : rankA - 2);
    const n = at(b.shape, attrs.transposeB ? rankB - 2 : rankB - 1);
    const columns = at(a.shape, attrs.transposeA ? rankA - 2 : rankA - 1);
    const rows = at(b.shape, attrs.transposeB ? rankB - 1 : rankB - 2);
    checkShapes(
      columns === rows,
      `the inner dimensions ${columns} and ${rows} differ${attrs.transposeA || attrs.transposeB ? ', transposed as asked for' : ''}`,
    );
    return { dtype: a.dtype, shape: [...batch, m, n] };
  },
  /** Not where batches repeat each other: of those it computes a part. */
  foldable: ([a, b]) => sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2)),
  lower: (emit, inputs, node) => {
    const [a, b, addend] = [at(inputs, 0), at(inputs, 1), inputs[2]];
    const transposeA = Boolean(node.attrs.transposeA);
    const transposeB = Boolean(node.attrs.transposeB);
    const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
    const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
    const { shape } = at(node.outputs, 0);
    // ONNX Runtime's Gemm takes no integers.
    if (sizeOf(shape.slice(0, -2)) !== 1 || a.dtype === 'int32') {
      return emit.node('MatMul', [turned(emit, a, transposeA), turned(emit, b, transposeB)]);
    }
    const flat = (x: Operand, rows: number, columns: number) =>
      x.shape.length === 2 ? x.name : emit.reshape(x.name, [rows, columns]);
    const result = product2d(emit, {
      a: flat(a, rowsA, columnsA),
      b: flat(b, rowsB, columnsB),
      ...(addend === undefined ? {} : { addend: addend.name }),
      m: transposeA ? columnsA : rowsA,
      k: transposeA ? rowsA : columnsA,
      n: transposeB ? rowsB : columnsB,
      transposeA,
      transposeB,
    });
    return shape.length === 2 ? result : emit.reshape(result, shape);
  },
};

/** A two-dimensional product plus a third operand that broadcasts to it: what `passes/fuse-addition.ts` makes. */
export const MATMUL_ADD = 'MatMulAdd';

export const products: KernelRules = {
  BatchMatMul: batchMatMul,
  [MATMUL_ADD]: { ...batchMatMul, inputs: ['a', 'b', 'addend'] },
};
