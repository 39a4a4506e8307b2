/** @file What products and sums are taken to cost, in multiply-adds of a large matrix product, twice. */
import { at } from '../../kernels/rule';
import { type Chain, chainShape, type Factor, isOnes, isSelection, shapeOf } from './chains';

/** Reading or writing an element, by kind of kernel: some fifty operations fit into the time that memory takes. */
const TOUCH = 16;
const GATHER = 64;
const SEGMENT_SUM = 160;

/** No form of this product is known here. */
const IMPOSSIBLE = Number.POSITIVE_INFINITY;

const isSpecial = ({ value }: Factor) => isOnes(value) || isSelection(value);

/** Cost of the product of two chains that are there already. */
export function productCost(left: Chain, right: Chain): number {
  const [rows, inner] = chainShape(left);
  const [, columns] = chainShape(right);
  const [a, b] = [at(left, 0), at(right, 0)];
  const [specialA, specialB] = [left.length === 1 && isSpecial(a), right.length === 1 && isSpecial(b)];
  // Two of them would make a matrix of counts.
  if (specialA && specialB) return IMPOSSIBLE;
  if (specialA) return specialCost(a, rows * columns, inner * columns);
  if (specialB)
    return specialCost({ value: b.value, transposed: !b.transposed }, rows * columns, rows * inner);
  return 2 * rows * inner * columns + TOUCH * (rows * inner + inner * columns + rows * columns);
}

/** Cost of a special factor times a matrix, by the elements of the result and of the matrix. */
function specialCost(factor: Factor, result: number, matrix: number): number {
  if (isSelection(factor.value)) return factor.transposed ? SEGMENT_SUM * matrix : GATHER * result;
  // Repeating a row costs when something needs the copies; a sum of rows reads the matrix.
  return factor.transposed ? TOUCH * matrix : GATHER * result;
}

/** Cost of adding up chains of one shape, each after the first. What is the same in all rows is added for free. */
export function additionCost(chains: readonly Chain[]): number {
  const [first] = chains;
  if (first === undefined) return 0;
  const [rows, columns] = chainShape(first);
  return Math.max(0, chains.filter((chain) => !repeatsRow(chain)).length - 1) * TOUCH * rows * columns;
}

/** Whether a chain is one row for all rows: 1·x. */
export function repeatsRow(chain: Chain): boolean {
  const first = at(chain, 0);
  return chain.length > 1 && isOnes(first.value) && !first.transposed && shapeOf(first)[0] > 1;
}
