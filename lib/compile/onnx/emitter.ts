/** @file Collects ONNX nodes and constants while a graph is lowered. */
import type { DType } from '../host';
import { DEFAULT_TARGET, type Target } from '../target';
import {
  type AttributeValue,
  type ConstantData,
  ELEMENT_TYPE,
  type Initializer,
  type OnnxNode,
  type OnnxType,
} from './proto';

/** The name of a tensor inside the ONNX graph. */
export type Name = string;

/**
 * Where kernel rules write their ONNX nodes. Constants of all nested blocks go to one shared list, because ONNX lets an
 * inner graph use names of the outer ones; equal small constants are written once.
 *
 * Kernel rules speak of float32 whatever the precision: where the target's is float64, this class writes their float32
 * constants and types as doubles.
 */
export class Emitter {
  readonly nodes: OnnxNode[] = [];

  private constructor(
    /** What the graph is lowered for. */
    readonly target: Target,
    private readonly shared: Shared,
  ) {}

  /** An emitter for the main graph. */
  static root(target: Target = DEFAULT_TARGET): Emitter {
    return new Emitter(target, { initializers: [], names: new Map(), counter: 0 });
  }

  /** An emitter for a nested graph, with the same names and constants. */
  nested(): Emitter {
    return new Emitter(this.target, this.shared);
  }

  get initializers(): readonly Initializer[] {
    return this.shared.initializers;
  }

  /** The type in which values of a type are stored: float64 for float32 where that is the precision. */
  typeOf(type: OnnxType): OnnxType {
    return type === 'float32' ? this.target.precision : type;
  }

  /** ONNX's number for a type of the step's, as `Cast` wants it. */
  elementType(type: OnnxType): number {
    return ELEMENT_TYPE[this.typeOf(type)];
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

  /** A constant tensor. Elements of float32 may be given as doubles, which only the precision float64 keeps. */
  constant(type: OnnxType, dims: readonly number[], data: ConstantData): Name {
    const stored = type === 'float32' ? this.floats(data as Float32Array | Float64Array) : data;
    const key =
      stored.length <= 16 ? `${type}:${dims.join(',')}:${Array.from(stored, exactly).join(',')}` : undefined;
    const known = key === undefined ? undefined : this.shared.names.get(key);
    if (known !== undefined) return known;
    const name = this.fresh('c');
    this.shared.initializers.push({ name, type: this.typeOf(type), dims, data: stored });
    if (key !== undefined) this.shared.names.set(key, name);
    return name;
  }

  /** A constant number, shape []. */
  scalar(dtype: DType, value: number): Name {
    if (dtype === 'float32') return this.constant('float32', [], Float64Array.of(value));
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

  private floats(data: Float32Array | Float64Array): Float32Array | Float64Array {
    const wide = this.target.precision === 'float64';
    if (wide) return data instanceof Float64Array ? data : Float64Array.from(data);
    return data instanceof Float32Array ? data : Float32Array.from(data);
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
