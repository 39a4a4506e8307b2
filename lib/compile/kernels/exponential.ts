/** @file Exponentials, logarithms, powers of ½, circular and hyperbolic functions, and the error function. */
import type { Emitter, Name } from '../onnx/emitter';
import { expm1, log1p } from './compensated';
import * as double from './double';
import { binary, isDouble, NUMBERS, unary } from './pointwise';
import type { KernelRule, KernelRules } from './rule';
import { writer } from './write';

/**
 * The angle of the point (b, a), in (−π, π]: the arc tangent of the smaller size by the larger, turned into its octant.
 * A zero's sign counts, as in IEEE 754: it is told by the infinity that its reciprocal is.
 */
function atan2(emit: Emitter, a: Name, b: Name): Name {
  const w = writer(emit);
  const [height, width] = [w.call('Abs', a), w.call('Abs', b)];
  const [low, high] = [w.min(height, width), w.max(height, width)];
  // 0/0 is 0 here and ∞/∞ is 1; NaN equals nothing and stays.
  const tangent = w.where(w.equal(low, high), w.where(w.equal(high, 0), 0, 1), w.div(low, high));
  const angle = isDouble(emit) ? double.atan(emit, tangent) : w.call('Atan', tangent);
  const octant = w.where(w.greater(height, width), w.sub(Math.PI / 2, angle), angle);
  const negative = (x: Name) => w.or(w.less(x, 0), w.less(w.div(1, x), 0));
  const turned = w.where(negative(b), w.sub(Math.PI, octant), octant);
  return w.where(negative(a), w.call('Neg', turned), turned);
}

/** An operator that ONNX Runtime has in float32 only, with a form made of others for float64. */
function withDouble(opType: string, form: (emit: Emitter, x: Name) => Name): KernelRule {
  return unary((emit, x) => (isDouble(emit) ? form(emit, x) : emit.node(opType, [x])));
}

export const exponential: KernelRules = {
  Exp: unary('Exp'),
  Expm1: unary(expm1),
  Log: unary('Log'),
  Log1p: unary(log1p),
  /** C's pow: 1 to the power of NaN is 1, where JavaScript says NaN. */
  Pow: binary('Pow', { types: NUMBERS }),
  Sqrt: unary('Sqrt'),
  Rsqrt: unary((emit, x) => emit.node('Reciprocal', [emit.node('Sqrt', [x])])),
  Sin: unary('Sin'),
  Cos: unary('Cos'),
  Tan: withDouble('Tan', double.tan),
  Asin: withDouble('Asin', double.asin),
  Acos: withDouble('Acos', double.acos),
  Atan: withDouble('Atan', double.atan),
  Atan2: binary(atan2, { types: ['float32'] }),
  Sinh: withDouble('Sinh', double.sinh),
  Cosh: withDouble('Cosh', double.cosh),
  Tanh: unary('Tanh'),
  Asinh: withDouble('Asinh', double.asinh),
  Acosh: withDouble('Acosh', double.acosh),
  Atanh: withDouble('Atanh', double.atanh),
  /** Accurate to float32, where tfjs's own CPU backend is to an absolute 1.5e-7. */
  Erf: withDouble('Erf', double.erf),
};
