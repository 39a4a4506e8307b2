/** @file Shapes of rules that elementwise kernels share: one operand, or two with broadcasting. */
import { type Attributes, fillOf } from '../graph';
import type { DType } from '../host';
import type { Emitter, Name } from '../onnx/emitter';
import { at, broadcastShape, type KernelRule, type Operand, sameShape } from './rule';

export const FLOAT: readonly DType[] = ['float32'];
export const NUMBERS: readonly DType[] = ['float32', 'int32'];
export const BOOL: readonly DType[] = ['bool'];
export const ANY: readonly DType[] = ['float32', 'int32', 'bool'];

/** Whether float32 values are computed as doubles, for which ONNX Runtime lacks some kernels. */
export function isDouble({ target }: Emitter): boolean {
  return target.precision === 'float64';
}

/**
 * The name to use for an operand of a broadcasting operator: a constant filled with one number is written as a scalar
 * where the other operand alone gives the result its shape.
 */
export function broadcastName(emit: Emitter, operand: Operand, other: Operand): Name {
  const fill = fillOf(operand);
  const carriesShape = !sameShape(broadcastShape(operand.shape, other.shape), other.shape);
  return fill === undefined || carriesShape ? operand.name : emit.scalar(operand.dtype, fill);
}

/** The names of the two operands of a broadcasting operator. */
export function binaryNames(emit: Emitter, inputs: readonly Operand[]): [Name, Name] {
  const [a, b] = [at(inputs, 0), at(inputs, 1)];
  return [broadcastName(emit, a, b), broadcastName(emit, b, a)];
}

/** A rule for two operands that broadcast; the result has their type, or `result`. */
export function binary(
  write: string | ((emit: Emitter, a: Name, b: Name, dtype: DType) => Name),
  { types = NUMBERS, result }: { readonly types?: readonly DType[]; readonly result?: DType } = {},
): KernelRule {
  return {
    inputs: ['a', 'b'],
    types,
    infer: ([a, b]) => ({ dtype: result ?? a.dtype, shape: broadcastShape(a.shape, b.shape) }),
    lower: (emit, inputs) => {
      const names = binaryNames(emit, inputs);
      return typeof write === 'string' ? emit.node(write, names) : write(emit, ...names, at(inputs, 0).dtype);
    },
  };
}

/** A rule for one operand; the result has its type, or `result`. */
export function unary(
  write: string | ((emit: Emitter, x: Name, attrs: Attributes) => Name),
  { types = FLOAT, result }: { readonly types?: readonly DType[]; readonly result?: DType } = {},
): KernelRule {
  return {
    inputs: ['x'],
    types,
    infer: ([x]) => ({ dtype: result ?? x.dtype, shape: x.shape }),
    lower: (emit, inputs, node) => {
      const { name } = at(inputs, 0);
      return typeof write === 'string' ? emit.node(write, [name]) : write(emit, name, node.attrs);
    },
  };
}
