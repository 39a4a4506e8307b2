/** @file Writes planned matrices as nodes, each product once. */
import { makeValue, type Node, type Value } from '../../graph';
import { at } from '../../kernels/rule';
import { BROADCAST } from '../simplify';
import { ChainNames, chainShape, type Factor, isOnes, isSelection, type Selection } from './chains';
import type { Target } from './draft';
import type { Order } from './order';

export class Writer {
  readonly nodes: Node[] = [];
  private readonly names = new ChainNames();
  /** Products by name, as they were first needed. */
  private readonly made = new Map<string, Factor>();

  /** Computes a target. What is added to all rows is added up as a row, and early, so that the first product can take it. */
  target({ value, terms }: Target): void {
    const parts = (isRow: boolean) =>
      terms.filter((term) => term.isRow === isRow).map(({ order }) => this.matrix(order));
    const row = this.sum(parts(true));
    const [first, ...others] = parts(false);
    const sum = this.sum([first, row, ...others].filter((part) => part !== undefined));
    if (sum === undefined) throw new Error('a sum has no terms');
    // All of it the same row.
    const whole =
      first === undefined ? this.node(BROADCAST, [sum], { shape: value.shape }, value.shape) : sum;
    this.nodes.push({ op: 'Reshape', inputs: [whole], outputs: [value], attrs: { shape: value.shape } });
  }

  private sum([first, ...others]: readonly Value[]): Value | undefined {
    // The first is as large as any that follows.
    return first && others.reduce((sum, addend) => this.node('Add', [sum, addend], {}, first.shape), first);
  }

  private matrix(order: Order): Value {
    return this.oriented(this.factor(order), chainShape(order.chain));
  }

  private oriented({ value, transposed }: Factor, shape: readonly number[]): Value {
    return transposed ? this.node('Transpose', [value], { perm: [1, 0] }, shape) : value;
  }

  /** A chain as one matrix or as the transpose of one. */
  private factor(order: Order): Factor {
    if (order.halves === undefined) return at(order.chain, 0);
    const { key, transposed } = this.names.name(order.chain);
    const known = this.made.get(key);
    if (known !== undefined) return { value: known.value, transposed: known.transposed !== transposed };
    const product = this.product(order, order.halves);
    this.made.set(key, { value: product.value, transposed: product.transposed !== transposed });
    return product;
  }

  private product({ chain }: Order, [left, right]: readonly [Order, Order]): Factor {
    const [a, b] = [this.factor(left), this.factor(right)];
    const shape = chainShape(chain);
    if (isOnes(a.value) || isSelection(a.value))
      return { value: this.special(a, b, shape), transposed: false };
    if (isOnes(b.value) || isSelection(b.value)) {
      // X·S = (Sᵀ·Xᵀ)ᵀ
      const turned = { value: b.value, transposed: !b.transposed };
      const other = { value: a.value, transposed: !a.transposed };
      return { value: this.special(turned, other, [shape[1], shape[0]]), transposed: true };
    }
    const attrs = { transposeA: a.transposed, transposeB: b.transposed };
    return { value: this.node('BatchMatMul', [a.value, b.value], attrs, shape), transposed: false };
  }

  /** A column of ones, a selection, or the transpose of one, times a matrix. */
  private special(factor: Factor, matrix: Factor, shape: readonly [number, number]): Value {
    if (isSelection(factor.value)) {
      const x = this.oriented(matrix, [at(factor.value.shape, factor.transposed ? 0 : 1), shape[1]]);
      return this.selected(factor.value, factor.transposed, x, shape);
    }
    if (factor.transposed) return this.summed(matrix, 0, shape);
    return this.node(BROADCAST, [this.oriented(matrix, [1, shape[1]])], { shape }, shape);
  }

  private selected(
    { indices, shape: [, size] }: Selection,
    sums: boolean,
    x: Value,
    shape: readonly number[],
  ): Value {
    return sums
      ? this.node('UnsortedSegmentSum', [x, indices], { numSegments: size }, shape)
      : this.node('GatherV2', [x, indices], { axis: 0, batchDims: 0 }, shape);
  }

  /** The sum of a matrix over its rows (axis 0) or its columns (axis 1), in the given shape. */
  private summed({ value, transposed }: Factor, axis: number, shape: readonly number[]): Value {
    const kept = transposed ? 1 - axis : axis;
    const length = at(value.shape, 1 - kept);
    const sum = this.node('Sum', [value], { axis: [kept], keepDims: false }, [length]);
    return this.node('Reshape', [sum], { shape }, shape);
  }

  private node(op: string, inputs: readonly Value[], attrs: Node['attrs'], shape: readonly number[]): Value {
    const output = makeValue('float32', shape);
    this.nodes.push({ op, inputs, outputs: [output], attrs });
    return output;
  }
}
