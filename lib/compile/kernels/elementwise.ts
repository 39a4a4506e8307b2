/** @file Kernels that work element by element, with broadcasting. */

import { type Attributes, fillOf } from '../graph';
import type { DType } from '../host';
import type { Emitter, Name } from '../onnx/emitter';
import {
  at,
  broadcastShape,
  type KernelRule,
  type KernelRules,
  type Operand,
  refusal,
  sameShape,
} from './rule';

const FLOAT: readonly DType[] = ['float32'];
const NUMBERS: readonly DType[] = ['float32', 'int32'];
const BOOL: readonly DType[] = ['bool'];
const ANY: readonly DType[] = ['float32', 'int32', 'bool'];

/**
 * The name to use for an operand of a broadcasting operator: a constant filled with one number is written as a scalar
 * where the other operand alone gives the result its shape.
 */
function broadcastName(emit: Emitter, operand: Operand, other: Operand): Name {
  const fill = fillOf(operand);
  const carriesShape = !sameShape(broadcastShape(operand.shape, other.shape), other.shape);
  return fill === undefined || carriesShape ? operand.name : emit.scalar(operand.dtype, fill);
}

function binaryNames(emit: Emitter, a: Operand, b: Operand): [Name, Name] {
  return [broadcastName(emit, a, b), broadcastName(emit, b, a)];
}

function binary(opType: string, result?: DType, types = NUMBERS): KernelRule {
  return {
    inputs: ['a', 'b'],
    types,
    infer: ([a, b]) => ({ dtype: result ?? a.dtype, shape: broadcastShape(a.shape, b.shape) }),
    lower: (emit, inputs) => emit.node(opType, binaryNames(emit, at(inputs, 0), at(inputs, 1))),
  };
}

/** A comparison that ONNX lacks, as the negation of one it has. */
function negated(opType: string, types: readonly DType[]): KernelRule {
  const positive = binary(opType, 'bool', types);
  return {
    ...positive,
    lower: (emit, inputs, node) => emit.node('Not', [positive.lower(emit, inputs, node) as Name]),
  };
}

function unary(
  write: (emit: Emitter, x: Name, attrs: Attributes) => Name,
  types = FLOAT,
  result?: DType,
): KernelRule {
  return {
    inputs: ['x'],
    types,
    infer: ([x]) => ({ dtype: result ?? x.dtype, shape: x.shape }),
    lower: (emit, inputs, node) => write(emit, at(inputs, 0).name, node.attrs),
  };
}

const direct = (opType: string, types = FLOAT) => unary((emit, x) => emit.node(opType, [x]), types);

/**
 * log(1 + x) to full precision, which ONNX has no operator for: with u = 1 + x rounded, x is the answer where u = 1,
 * and log(u)·x/(u − 1) elsewhere, where the two roundings cancel (Kahan; Goldberg 1991, theorem 4).
 */
function log1p(emit: Emitter, x: Name): Name {
  const one = emit.scalar('float32', 1);
  const u = emit.node('Add', [x, one]);
  const d = emit.node('Sub', [u, one]);
  const exact = emit.node('Mul', [emit.node('Log', [u]), emit.node('Div', [x, d])]);
  const infinite = emit.scalar('float32', Number.POSITIVE_INFINITY);
  const finite = emit.node('Where', [emit.node('Equal', [u, infinite]), infinite, exact]);
  return emit.node('Where', [emit.node('Equal', [d, emit.scalar('float32', 0)]), x, finite]);
}

/**
 * exp(x) − 1 to full precision: with u = exp(x) rounded, x where u = 1, −1 or ∞ at the ends, and (u − 1)·x/log(u)
 * elsewhere (Higham, Accuracy and Stability of Numerical Algorithms, section 1.14.1).
 */
function expm1(emit: Emitter, x: Name): Name {
  const one = emit.scalar('float32', 1);
  const u = emit.node('Exp', [x]);
  const d = emit.node('Sub', [u, one]);
  const exact = emit.node('Mul', [d, emit.node('Div', [x, emit.node('Log', [u])])]);
  const low = emit.node('Where', [emit.node('Equal', [d, emit.scalar('float32', -1)]), d, exact]);
  const infinite = emit.scalar('float32', Number.POSITIVE_INFINITY);
  const ends = emit.node('Where', [emit.node('Equal', [u, infinite]), infinite, low]);
  return emit.node('Where', [emit.node('Equal', [d, emit.scalar('float32', 0)]), x, ends]);
}

/**
 * The remainder with the divisor's sign, as tfjs defines it. ONNX has it for integers only; for floats its remainder is
 * exact too but has the dividend's sign, so the divisor is added where the signs differ.
 */
function modulo(emit: Emitter, a: Name, b: Name, dtype: DType): Name {
  if (dtype === 'int32') return emit.node('Mod', [a, b]);
  const zero = emit.scalar('float32', 0);
  const remainder = emit.node('Mod', [a, b], { fmod: 1 });
  const signsDiffer = emit.node('Xor', [emit.node('Less', [remainder, zero]), emit.node('Less', [b, zero])]);
  const divides = emit.node('Equal', [remainder, zero]);
  const turns = emit.node('And', [signsDiffer, emit.node('Not', [divides])]);
  return emit.node('Where', [turns, emit.node('Add', [remainder, b]), remainder]);
}

/**
 * 1 where x > 0, else `alpha`. For alpha = 0, as tfjs's gradient of relu calls it, HardSigmoid with the largest slope is
 * a step in one operator that spreads over threads; only subnormal x come out between 0 and 1.
 */
function step(emit: Emitter, x: Name, attrs: Attributes): Name {
  const alpha = (attrs.alpha as number | undefined) ?? 0;
  if (alpha === 0)
    return emit.node('HardSigmoid', [x], { alpha: { float: 3.4028234e38 }, beta: { float: 0 } });
  const positive = emit.node('Greater', [x, emit.scalar('float32', 0)]);
  return emit.node('Where', [positive, emit.scalar('float32', 1), emit.scalar('float32', alpha)]);
}

/** `condition ? t : e`. ONNX Runtime has no Where for bool. */
function select(emit: Emitter, condition: Name, t: Name, e: Name, dtype: DType): Name {
  if (dtype !== 'bool') return emit.node('Where', [condition, t, e]);
  const whenFalse = emit.node('And', [emit.node('Not', [condition]), e]);
  return emit.node('Or', [emit.node('And', [condition, t]), whenFalse]);
}

export const elementwise: KernelRules = {
  Add: binary('Add'),
  Sub: binary('Sub'),
  Multiply: binary('Mul'),
  RealDiv: binary('Div'),
  /** C's pow: 1 to the power of NaN is 1, where JavaScript says NaN. */
  Pow: binary('Pow'),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  Mod: {
    ...binary('Mod'),
    lower: (emit, inputs) =>
      modulo(emit, ...binaryNames(emit, at(inputs, 0), at(inputs, 1)), at(inputs, 0).dtype),
  },
  Equal: binary('Equal', 'bool', ANY),
  NotEqual: negated('Equal', ANY),
  Greater: binary('Greater', 'bool'),
  GreaterEqual: binary('GreaterOrEqual', 'bool'),
  Less: binary('Less', 'bool'),
  LessEqual: binary('LessOrEqual', 'bool'),
  LogicalAnd: binary('And', 'bool', BOOL),
  LogicalOr: binary('Or', 'bool', BOOL),
  LogicalNot: direct('Not', BOOL),
  Abs: direct('Abs', NUMBERS),
  Neg: direct('Neg', NUMBERS),
  Exp: direct('Exp'),
  Expm1: unary(expm1),
  Log: direct('Log'),
  Log1p: unary(log1p),
  Sqrt: direct('Sqrt'),
  Rsqrt: unary((emit, x) => emit.node('Reciprocal', [emit.node('Sqrt', [x])])),
  Reciprocal: direct('Reciprocal'),
  Square: unary((emit, x) => emit.node('Mul', [x, x]), NUMBERS),
  Relu: direct('Relu', NUMBERS),
  /** To an absolute 1e-7: ONNX Runtime's is 0 below −18, where tfjs's falls to 1e-38. */
  Sigmoid: direct('Sigmoid'),
  Tanh: direct('Tanh'),
  Floor: direct('Floor'),
  IsNan: unary((emit, x) => emit.node('IsNaN', [x]), FLOAT, 'bool'),
  Step: unary(step),
  Cast: {
    inputs: ['x'],
    infer: ([x], attrs) => ({ dtype: attrs.dtype as DType, shape: x.shape }),
    lower: (emit, inputs, node) =>
      emit.node('Cast', [at(inputs, 0).name], { to: emit.elementType(at(node.outputs, 0).dtype) }),
  },
  Select: {
    inputs: ['condition', 't', 'e'],
    infer: (inputs) => {
      const [condition, t, e] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      if (t.dtype !== e.dtype) throw refusal('Select', inputs, 'its results differ in type; cast them first');
      return { dtype: t.dtype, shape: broadcastShape(condition.shape, t.shape) };
    },
    lower: (emit, inputs) => {
      const [condition, t, e] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      const [whenTrue, whenFalse] = [broadcastName(emit, t, condition), broadcastName(emit, e, condition)];
      return select(emit, condition.name, whenTrue, whenFalse, t.dtype);
    },
  },
};
