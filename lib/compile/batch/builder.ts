/** @file Where batching rules write: the nodes of one block, with the few rewritings of shape that many rules need. */
import { type Attributes, fillOf, makeValue, type Node, type Value } from '../graph';
import { type Spec, sameShape } from '../kernels/rule';
import type { Argument } from './rule';

/** A block being written, and what is already known in it. */
export interface Scope {
  /** Instances. */
  readonly n: number;
  readonly nodes: Node[];
  /** Values taken apart by instance, so that several calls share the parts. */
  readonly parts: Map<Value, readonly Value[]>;
}

/** A block inside another: it sees the parts made outside, and those it makes stay inside. */
export function nestedScope({ n, parts }: Scope): Scope {
  return { n, nodes: [], parts: new Map(parts) };
}

/** Writes the nodes that replace one traced node. */
export class Builder {
  /** Instances. */
  readonly n: number;

  constructor(
    private readonly scope: Scope,
    private readonly origin: Pick<Node, 'source'> = {},
  ) {
    this.n = scope.n;
  }

  /** Adds a call with results of these forms. */
  add(op: string, inputs: readonly Value[], attrs: Attributes, forms: readonly Spec[]): Value[] {
    const { source } = this.origin;
    const outputs = forms.map(({ dtype, shape }) => makeValue(dtype, shape));
    this.scope.nodes.push({ op, inputs, outputs, attrs, ...(source === undefined ? {} : { source }) });
    return outputs;
  }

  /** Adds a call with one result. */
  one(op: string, inputs: readonly Value[], attrs: Attributes, form: Spec): Value {
    return this.add(op, inputs, attrs, [form])[0] as Value;
  }

  /** Adds the kernel of a traced node on batched inputs; each result is that of one instance with a leading axis n. */
  like(node: Node, inputs: readonly Value[], attrs = node.attrs): Value[] {
    const forms = node.outputs.map(({ dtype, shape }) => ({ dtype, shape: this.stacked(shape) }));
    return this.add(node.op, inputs, attrs, forms);
  }

  /** The shape of all instances: `[n, ...shape]`. */
  stacked(shape: readonly number[]): number[] {
    return [this.n, ...shape];
  }

  reshape(x: Value, shape: readonly number[]): Value {
    if (sameShape(x.shape, shape)) return x;
    const fill = fillOf(x);
    if (fill !== undefined) return makeValue(x.dtype, shape, { fill });
    return this.one('Reshape', [x], { shape: [...shape] }, { dtype: x.dtype, shape });
  }

  transpose(x: Value, perm: readonly number[]): Value {
    const shape = perm.map((axis) => x.shape[axis] as number);
    // Nothing moves but axes of size one.
    const wide = perm.filter((axis) => x.shape[axis] !== 1);
    if (wide.every((axis, i) => i === 0 || axis > (wide[i - 1] as number))) return this.reshape(x, shape);
    return this.one('Transpose', [x], { perm: [...perm] }, { dtype: x.dtype, shape });
  }

  /** Repeats along axes of size one and along new leading axes. */
  broadcast(x: Value, shape: readonly number[]): Value {
    if (sameShape(x.shape, shape)) return x;
    const fill = fillOf(x);
    if (fill !== undefined) return makeValue(x.dtype, shape, { fill });
    return this.one('BroadcastTo', [x], { shape: [...shape] }, { dtype: x.dtype, shape });
  }

  /** The argument with a leading axis n, repeated where it is shared. */
  expanded({ value, batched, shape }: Argument): Value {
    return batched ? value : this.broadcast(value, this.stacked(shape));
  }

  /**
   * The argument as it broadcasts against others of up to `rank` axes an instance: axes of size one come between the
   * batch axis and its own. A shared one broadcasts as it is.
   */
  aligned({ value, batched, shape }: Argument, rank: number): Value {
    if (!batched || shape.length >= rank) return value;
    return this.reshape(value, [this.n, ...Array<number>(rank - shape.length).fill(1), ...shape]);
  }

  /** A shared value with a leading axis n, repeated in memory, so that what is made of it can be known beforehand. */
  tiled({ value, shape }: Argument): Value {
    const reps = [this.n, ...shape.map(() => 1)];
    const form = { dtype: value.dtype, shape: this.stacked(shape) };
    return this.one('Tile', [this.reshape(value, [1, ...shape])], { reps }, form);
  }

  /** A batched value taken apart: one value an instance. */
  instances(x: Value): readonly Value[] {
    const known = this.scope.parts.get(x);
    if (known !== undefined) return known;
    const form = { dtype: x.dtype, shape: x.shape.slice(1) };
    const parts = this.add('Unpack', [x], { axis: 0 }, Array<Spec>(this.n).fill(form));
    this.scope.parts.set(x, parts);
    return parts;
  }

  /** Values of one form, one an instance, put together along a leading axis. */
  pack(values: readonly Value[]): Value {
    const { dtype, shape } = values[0] as Value;
    return this.one('Pack', values, { axis: 0 }, { dtype, shape: [values.length, ...shape] });
  }

  /** 0, `stride`, 2·`stride`, … : one number an instance, int32 `[n, 1, …]` of `rank` axes after the first. */
  offsets(stride: number, rank: number): Value {
    const data = Int32Array.from({ length: this.n }, (_, instance) => instance * stride);
    return makeValue('int32', [this.n, ...Array<number>(rank).fill(1)], { data });
  }
}
