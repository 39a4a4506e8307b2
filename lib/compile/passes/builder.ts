/** @file Writes nodes for a pass. */
import { makeValue, type Node, type Value } from '../graph';
import type { DType } from '../host';
import { sameShape } from '../kernels/rule';

/** Collects nodes, with the shapes of their results. */
export class Builder {
  readonly nodes: Node[] = [];
  /** The user's line that the next nodes come from. */
  source: string | undefined;

  node(
    op: string,
    inputs: readonly Value[],
    attrs: Node['attrs'],
    shape: readonly number[],
    dtype: DType = 'float32',
  ): Value {
    const output = makeValue(dtype, shape);
    const source = this.source === undefined ? {} : { source: this.source };
    this.nodes.push({ ...source, op, inputs, outputs: [output], attrs });
    return output;
  }

  reshape(x: Value, shape: readonly number[]): Value {
    return sameShape(x.shape, shape) ? x : this.node('Reshape', [x], { shape }, shape, x.dtype);
  }

  sum(terms: readonly Value[]): Value | undefined {
    const [first, ...others] = terms;
    return first && others.reduce((a, b) => this.node('Add', [a, b], {}, a.shape, a.dtype), first);
  }
}
