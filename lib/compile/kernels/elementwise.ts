/** @file Kernels that work element by element, with broadcasting. */
import type { DType } from '../host';
import { fillOf } from '../graph';
import type { Emitter, Name } from '../onnx/emitter';
import { ELEMENT_TYPE } from '../onnx/proto';
import { at, broadcastShape, type KernelRule, type KernelRules, type Operand, sameShape } from './rule';

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

function binary(opType: string, result?: DType): KernelRule {
  return {
    inputs: ['a', 'b'],
    infer: ([a, b]) => ({ dtype: result ?? a!.dtype, shape: broadcastShape(a!.shape, b!.shape) }),
    lower: (emit, inputs) => emit.node(opType, binaryNames(emit, at(inputs, 0), at(inputs, 1))),
  };
}

/** A comparison that ONNX lacks, as the negation of one it has. */
function negated(opType: string): KernelRule {
  const positive = binary(opType, 'bool');
  return { ...positive, lower: (emit, inputs, node) => emit.node('Not', [positive.lower(emit, inputs, node) as Name]) };
}

function unary(write: (emit: Emitter, x: Name, operand: Operand) => Name, result?: DType): KernelRule {
  return {
    inputs: ['x'],
    infer: ([x]) => ({ dtype: result ?? x!.dtype, shape: x!.shape }),
    lower: (emit, inputs) => {
      const x = at(inputs, 0);
      return write(emit, x.name, x);
    },
  };
}

const direct = (opType: string) => unary((emit, x) => emit.node(opType, [x]));

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

export const elementwise: KernelRules = {
  Add: binary('Add'),
  Sub: binary('Sub'),
  Multiply: binary('Mul'),
  RealDiv: binary('Div'),
  Pow: binary('Pow'),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  Mod: {
    ...binary('Mod'),
    // ONNX's integer Mod takes the divisor's sign, as tfjs does; it has no such mode for floats.
    lower: (emit, inputs) => {
      const [a, b] = binaryNames(emit, at(inputs, 0), at(inputs, 1));
      if (at(inputs, 0).dtype === 'int32') return emit.node('Mod', [a, b]);
      const quotient = emit.node('Floor', [emit.node('Div', [a, b])]);
      return emit.node('Sub', [a, emit.node('Mul', [quotient, b])]);
    },
  },
  Equal: binary('Equal', 'bool'),
  NotEqual: negated('Equal'),
  Greater: binary('Greater', 'bool'),
  GreaterEqual: binary('GreaterOrEqual', 'bool'),
  Less: binary('Less', 'bool'),
  LessEqual: binary('LessOrEqual', 'bool'),
  LogicalAnd: binary('And', 'bool'),
  LogicalOr: binary('Or', 'bool'),
  LogicalNot: direct('Not'),
  Abs: direct('Abs'),
  Neg: direct('Neg'),
  Exp: direct('Exp'),
  Expm1: unary(expm1),
  Log: direct('Log'),
  Log1p: unary(log1p),
  Sqrt: direct('Sqrt'),
  Rsqrt: unary((emit, x) => emit.node('Reciprocal', [emit.node('Sqrt', [x])])),
  Reciprocal: direct('Reciprocal'),
  Square: unary((emit, x) => emit.node('Mul', [x, x])),
  Relu: direct('Relu'),
  Sigmoid: direct('Sigmoid'),
  Tanh: direct('Tanh'),
  Floor: direct('Floor'),
  IsNan: unary((emit, x) => emit.node('IsNaN', [x]), 'bool'),
  /**
   * 1 where x > 0, else 0, as tfjs's gradient of relu calls it. HardSigmoid with the largest slope is a step in one
   * operator that spreads over threads; only subnormal x come out between 0 and 1.
   */
  Step: unary((emit, x) =>
    emit.node('HardSigmoid', [x], { alpha: { float: 3.4028234e38 }, beta: { float: 0 } }),
  ),
  Cast: {
    inputs: ['x'],
    infer: ([x], attrs) => ({ dtype: attrs.dtype as DType, shape: x!.shape }),
    lower: (emit, inputs, node) =>
      emit.node('Cast', [at(inputs, 0).name], { to: ELEMENT_TYPE[at(node.outputs, 0).dtype] }),
  },
  Select: {
    inputs: ['condition', 't', 'e'],
    infer: ([condition, t]) => ({ dtype: t!.dtype, shape: broadcastShape(condition!.shape, t!.shape) }),
    lower: (emit, inputs) => {
      const [condition, t, e] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      return emit.node('Where', [condition.name, broadcastName(emit, t, condition), broadcastName(emit, e, condition)]);
    },
  },
};
