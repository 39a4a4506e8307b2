/**
 * @file The intermediate form of a traced step: tfjs kernels in the order they ran, over values whose shapes and types
 * are known. Passes rewrite it, `onnx/` lowers it. Graphs are never changed in place.
 */
import { type DType, type HostTensor, sizeOf } from './host';

/** Anything a node may produce or consume; compared by identity. */
export interface Value {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Set where the value is known before the program runs. */
  readonly constant?: Constant;
}

/** Known contents: every element given, or one number for all of them. */
export type Constant = { readonly data: HostTensor['data'] } | { readonly fill: number };

/** One kernel call. `op` is tfjs's kernel name, or the name of one of this package's own primitives. */
export interface Node {
  readonly op: string;
  /** In the order that the kernel's rule declares. */
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attrs: Attributes;
  /** For control flow: the bodies to run, which may use values of the enclosing blocks. */
  readonly blocks?: readonly Block[];
  /** The line of the user's that called it, `file:line:column`, where the stack told; for messages only. */
  readonly source?: string;
}

/** Kernel attributes as tfjs passes them. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A sequence of nodes with results; may refer to values defined outside. */
export interface Block {
  readonly nodes: readonly Node[];
  readonly outputs: readonly Value[];
}

/** A whole traced function. */
export interface Graph extends Block {
  readonly inputs: readonly Value[];
}

export function makeValue(dtype: DType, shape: readonly number[], constant?: Constant): Value {
  return constant === undefined ? { dtype, shape } : { dtype, shape, constant };
}

/** The constant that holds these elements: a fill where all are the same, the sign of zeros included. */
export function constantOf(data: HostTensor['data']): Constant {
  const first = data[0];
  const uniform = first !== undefined && data.every((element) => Object.is(element, first));
  return uniform ? { fill: first } : { data };
}

/** `float32[3830, 128]`, for messages. */
export function describe(value: { readonly dtype: string; readonly shape: readonly number[] }): string {
  return `${value.dtype}[${value.shape.join(', ')}]`;
}

/** The single number that fills a constant; else undefined. */
export function fillOf({ constant }: Value): number | undefined {
  return constant !== undefined && 'fill' in constant ? constant.fill : undefined;
}

/** All elements of a constant, expanding a fill. */
export function constantData(value: Value): HostTensor['data'] {
  const { constant } = value;
  if (constant === undefined) throw new Error(`${describe(value)} is not a constant`);
  if ('data' in constant) return constant.data;
  return makeData(value.dtype, sizeOf(value.shape)).fill(constant.fill);
}

/** A zeroed typed array for a dtype. */
export function makeData(dtype: DType, length: number): HostTensor['data'] {
  if (dtype === 'float32') return new Float32Array(length);
  return dtype === 'int32' ? new Int32Array(length) : new Uint8Array(length);
}

/** Every node of a block, those of nested blocks included. */
export function allNodes(block: Block): Node[] {
  return block.nodes.flatMap((node) => [node, ...(node.blocks ?? []).flatMap(allNodes)]);
}
