/** @file Kernels that work element by element, with broadcasting: arithmetic, comparison, logic, choice, rounding. */
import type { DType } from '../host';
import type { Emitter, Name } from '../onnx/emitter';
import { activations } from './activation';
import { exponential } from './exponential';
import { ANY, BOOL, binary, broadcastName, FLOAT, NUMBERS, unary } from './pointwise';
import { at, broadcastShape, type KernelRule, type KernelRules, refusal, sameShape } from './rule';
import { writer } from './write';

/** A comparison, whose result is bool. */
const comparison = (opType: string, types = NUMBERS) => binary(opType, { types, result: 'bool' });

/**
 * A divisor of integers with 1 for 0 and −1, by which every remainder is 0 in tfjs too: the processor ends the process on a
 * division by 0, and on the smallest integer by −1.
 */
function harmless(emit: Emitter, b: Name): Name {
  const is = (value: number) => emit.node('Equal', [b, emit.scalar('int32', value)]);
  return emit.node('Where', [emit.node('Or', [is(0), is(-1)]), emit.scalar('int32', 1), b]);
}

/**
 * The remainder with the divisor's sign, as tfjs defines it. ONNX has it for integers only; for floats its remainder is
 * exact too but has the dividend's sign, so the divisor is added where the signs differ.
 */
function modulo(emit: Emitter, a: Name, b: Name, dtype: DType): Name {
  if (dtype === 'int32') return emit.node('Mod', [a, harmless(emit, b)]);
  const w = writer(emit);
  const remainder = emit.node('Mod', [a, b], { fmod: 1 });
  const signsDiffer = emit.node('Xor', [w.less(remainder, 0), w.less(b, 0)]);
  const turns = w.and(signsDiffer, w.call('Not', w.equal(remainder, 0)));
  return w.where(turns, w.add(remainder, b), remainder);
}

/**
 * The largest integer not above a/b, 0 where b is 0, as tfjs defines it; of type int32 even for floats, so nothing that is
 * finite in int32 comes of an infinity. Quotients of integers are taken in float64, where they are far enough from the next integer for rounding not to reach it.
 */
function floorDivision(emit: Emitter, a: Name, b: Name, dtype: DType): Name {
  const double = (x: Name) =>
    dtype === 'int32' ? emit.node('Cast', [x], { to: emit.elementType('float64') }) : x;
  const floor = emit.node('Floor', [emit.node('Div', [double(a), double(b)])]);
  const zero = emit.scalar('int32', 0);
  const divides = emit.node('Equal', [b, emit.scalar(dtype, 0)]);
  return emit.node('Where', [divides, zero, emit.node('Cast', [floor], { to: emit.elementType('int32') })]);
}

function squaredDifference(emit: Emitter, a: Name, b: Name): Name {
  const difference = emit.node('Sub', [a, b]);
  return emit.node('Mul', [difference, difference]);
}

/** `condition ? t : e`. ONNX Runtime has no Where for bool, and its Where makes 0 of −0. */
function choice(emit: Emitter, condition: Name, t: Name, e: Name, dtype: DType): Name {
  if (dtype !== 'bool') return emit.node('Where', [condition, t, e]);
  const whenFalse = emit.node('And', [emit.node('Not', [condition]), e]);
  return emit.node('Or', [emit.node('And', [condition, t]), whenFalse]);
}

const select: KernelRule = {
  inputs: ['condition', 't', 'e'],
  infer: (inputs) => {
    const [condition, t, e] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    if (t.dtype !== e.dtype) throw refusal('Select', inputs, 'its results differ in type; cast them first');
    return { dtype: t.dtype, shape: broadcastShape(broadcastShape(condition.shape, t.shape), e.shape) };
  },
  lower: (emit, inputs) => {
    const [condition, t, e] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
    const [whenTrue, whenFalse] = [broadcastName(emit, t, condition), broadcastName(emit, e, condition)];
    return choice(emit, condition.name, whenTrue, whenFalse, t.dtype);
  },
};

const cast: KernelRule = {
  inputs: ['x'],
  infer: ([x], attrs) => ({ dtype: attrs.dtype as DType, shape: x.shape }),
  lower: (emit, inputs, node) =>
    emit.node('Cast', [at(inputs, 0).name], { to: emit.elementType(at(node.outputs, 0).dtype) }),
};

/** The sum of any number of tensors of one shape and type. */
const addAll: KernelRule = {
  inputs: 'variadic',
  types: NUMBERS,
  infer: (inputs) => {
    const { dtype, shape } = at(inputs, 0);
    if (!inputs.every((x) => x.dtype === dtype && sameShape(x.shape, shape)))
      throw refusal('AddN', inputs, 'its inputs differ in type or shape; cast them first');
    return { dtype, shape };
  },
  lower: (emit, inputs) => inputs.map(({ name }) => name).reduce((a, b) => emit.node('Add', [a, b])),
};

export const elementwise: KernelRules = {
  Add: binary('Add'),
  AddN: addAll,
  Sub: binary('Sub'),
  Multiply: binary('Mul'),
  RealDiv: binary('Div'),
  FloorDiv: binary(floorDivision, { result: 'int32' }),
  Mod: binary(modulo),
  SquaredDifference: binary(squaredDifference),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  BitwiseAnd: binary('BitwiseAnd', { types: ['int32'] }),
  Equal: comparison('Equal', ANY),
  NotEqual: binary((emit, a, b) => emit.node('Not', [emit.node('Equal', [a, b])]), {
    types: ANY,
    result: 'bool',
  }),
  Greater: comparison('Greater'),
  GreaterEqual: comparison('GreaterOrEqual'),
  Less: comparison('Less'),
  LessEqual: comparison('LessOrEqual'),
  LogicalAnd: comparison('And', BOOL),
  LogicalOr: comparison('Or', BOOL),
  LogicalNot: unary('Not', { types: BOOL }),
  Abs: unary('Abs', { types: NUMBERS }),
  Neg: unary('Neg', { types: NUMBERS }),
  /** NaN stays NaN, where tfjs's CPU backend says 0. */
  Sign: unary('Sign', { types: NUMBERS }),
  Reciprocal: unary('Reciprocal'),
  Square: unary((emit, x) => emit.node('Mul', [x, x]), { types: NUMBERS }),
  Floor: unary('Floor'),
  Ceil: unary('Ceil'),
  /** To the nearest integer, halves to the even one. */
  Round: unary('Round'),
  IsNan: unary('IsNaN', { types: FLOAT, result: 'bool' }),
  IsInf: unary('IsInf', { types: FLOAT, result: 'bool' }),
  IsFinite: unary(
    (emit, x) => emit.node('Not', [emit.node('Or', [emit.node('IsNaN', [x]), emit.node('IsInf', [x])])]),
    { types: FLOAT, result: 'bool' },
  ),
  Cast: cast,
  Select: select,
  ...exponential,
  ...activations,
};
