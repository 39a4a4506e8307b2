/** @file Collects ONNX nodes and constants while a graph is lowered. */
import type { DType, HostTensor } from '../host';
import type { AttributeValue, Initializer, OnnxNode, OnnxType } from './proto';

/** The name of a tensor inside the ONNX graph. */
export type Name = string;

/**
 * Where kernel rules write their ONNX nodes. Constants of all nested blocks go to one shared list, because ONNX lets an
 * inner graph use names of the outer ones; equal small constants are written once.
 */
export class Emitter {
  readonly nodes: OnnxNode[] = [];

  private constructor(private readonly shared: Shared) {}

  /** An emitter for the main graph. */
  static root(): Emitter {
    return new Emitter({ initializers: [], names: new Map(), counter: 0 });
  }

  /** An emitter for a nested graph, with the same names and constants. */
  nested(): Emitter {
    return new Emitter(this.shared);
  }

  get initializers(): readonly Initializer[] {
    return this.shared.initializers;
  }

  /** A name that nothing else uses. */
  fresh(prefix = 'v'): Name {
    return `${prefix}${this.shared.counter++}`;
  }

  /** Adds a node with one output and returns that output's name. */
  node(
    opType: string,
    inputs: readonly Name[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): Name {
    const output = this.fresh();
    this.nodes.push({ opType, inputs, outputs: [output], attributes });
    return output;
  }

  /** Adds a node with several outputs. */
  multi(
    opType: string,
    inputs: readonly Name[],
    count: number,
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): Name[] {
    const outputs = Array.from({ length: count }, () => this.fresh());
    this.nodes.push({ opType, inputs, outputs, attributes });
    return outputs;
  }

  /** A constant tensor. */
  constant(type: OnnxType, dims: readonly number[], data: HostTensor['data'] | BigInt64Array): Name {
    const key =
      data.length <= 16 ? `${type}:${dims.join(',')}:${Array.from(data, exactly).join(',')}` : undefined;
    const known = key === undefined ? undefined : this.shared.names.get(key);
    if (known !== undefined) return known;
    const name = this.fresh('c');
    this.shared.initializers.push({ name, type, dims, data });
    if (key !== undefined) this.shared.names.set(key, name);
    return name;
  }

  /** A constant number, shape []. */
  scalar(dtype: DType, value: number): Name {
    if (dtype === 'float32') return this.constant('float32', [], Float32Array.of(value));
    if (dtype === 'int32') return this.constant('int32', [], Int32Array.of(value));
    return this.constant('bool', [], Uint8Array.of(value));
  }

  /** Another shape for the same elements, all dimensions given; a 0 among them means 0. */
  reshape(x: Name, shape: readonly number[]): Name {
    return this.node('Reshape', [x, this.integers(shape)], { allowzero: 1 });
  }

  /** A constant int64 vector, as ONNX wants for shapes and axes. */
  integers(values: readonly number[]): Name {
    return this.constant('int64', [values.length], BigInt64Array.from(values, BigInt));
  }
}

/** A number in decimal, with the sign of a zero. */
function exactly(value: number | bigint): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

interface Shared {
  readonly initializers: Initializer[];
  readonly names: Map<string, Name>;
  counter: number;
}
