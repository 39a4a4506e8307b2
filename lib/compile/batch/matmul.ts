/** @file Matrix products of many instances. */
import { sizeOf } from '../host';
import { at } from '../kernels/rule';
import type { BatchRule, BatchRules } from './rule';

/**
 * Where all instances multiply by one shared matrix, their rows are laid below one another: one large product, which
 * the runtime spreads over its threads better than n small ones. Otherwise one product an instance, in one kernel; an
 * operand that is shared is read again for each.
 */
const batchMatMul: BatchRule = ({ node, inputs, build }) => {
  const [a, b] = [at(inputs, 0), at(inputs, 1)];
  const output = at(node.outputs, 0);
  if (!b.batched && sizeOf(b.shape.slice(0, -2)) === 1 && !node.attrs.transposeA) {
    const rows = build.n * sizeOf(a.shape.slice(0, -1));
    const left = build.reshape(a.value, [rows, at(a.shape, a.shape.length - 1)]);
    const right = build.reshape(b.value, b.shape.slice(-2));
    const form = { dtype: output.dtype, shape: [rows, at(output.shape, output.shape.length - 1)] };
    const product = build.one(node.op, [left, right], node.attrs, form);
    return [build.reshape(product, build.stacked(output.shape))];
  }
  const rank = Math.max(a.shape.length, b.shape.length);
  return build.like(node, [build.aligned(a, rank), build.aligned(b, rank)]);
};

export const products: BatchRules = { BatchMatMul: batchMatMul };
