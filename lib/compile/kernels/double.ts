/**
 * @file Functions that ONNX Runtime computes in float32 only, made of those it has in float64. They serve the precision
 * float64, where a value is to be right rather than fast: each is accurate to a few units in the last place, at both ends
 * of its range and near 0.
 */
import type { Emitter, Name } from '../onnx/emitter';
import { expm1, log1p } from './compensated';
import { writer } from './write';

/** x with the sign of `sign`, for x ≥ 0; 0 where `sign` is 0. */
function withSign(emit: Emitter, x: Name, sign: Name): Name {
  return emit.node('Mul', [x, emit.node('Sign', [sign])]);
}

export function tan(emit: Emitter, x: Name): Name {
  return emit.node('Div', [emit.node('Sin', [x]), emit.node('Cos', [x])]);
}

/**
 * The rational approximation of the Cephes library (S. L. Moshier, atan.c) on [0, 0.66], with the argument brought there by
 * atan x = π/4 + atan((x − 1)/(x + 1)) and π/2 − atan(1/x).
 */
export function atan(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  const size = w.call('Abs', x);
  const [far, middle] = [w.greater(size, 2.414213562373095), w.greater(size, 0.66)];
  const turned = w.div(w.sub(size, 1), w.add(size, 1));
  const t = w.where(far, w.div(-1, size), w.where(middle, turned, size));
  const offset = w.where(far, Math.PI / 2, w.where(middle, Math.PI / 4, 0));
  const z = w.mul(t, t);
  const numerator = w.polynomial(z, ATAN_NUMERATOR);
  const series = w.div(w.mul(z, numerator), w.polynomial(z, ATAN_DENOMINATOR));
  return withSign(emit, w.add(offset, w.add(w.mul(t, series), t)), x);
}

const ATAN_NUMERATOR = [
  -0.8750608600031904, -16.157537187333652, -75.00855792314705, -122.88666844901361, -64.85021904942025,
];
const ATAN_DENOMINATOR = [
  1, 24.858464901423062, 165.02700983169885, 432.88106049129027, 485.3903996359137, 194.5506571482614,
];

/** atan(x/√((1 − x)(1 + x))) */
export function asin(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  return atan(emit, w.div(x, w.call('Sqrt', w.mul(w.sub(1, x), w.add(1, x)))));
}

/** 2·atan(√((1 − x)/(1 + x))) */
export function acos(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  return w.mul(2, atan(emit, w.call('Sqrt', w.div(w.sub(1, x), w.add(1, x)))));
}

/** (e + e/(e + 1))/2 with e = exp|x| − 1 */
export function sinh(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  const e = expm1(emit, w.call('Abs', x));
  const tail = w.where(w.equal(e, Number.POSITIVE_INFINITY), 1, w.div(e, w.add(e, 1)));
  return withSign(emit, w.mul(0.5, w.add(e, tail)), x);
}

export function cosh(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  return w.mul(0.5, w.add(w.call('Exp', x), w.call('Exp', w.call('Neg', x))));
}

/** log1p(|x| + x²/(1 + √(1 + x²))); ln 2|x| where x² is beyond the range */
export function asinh(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  const size = w.call('Abs', x);
  const square = w.mul(x, x);
  const root = w.call('Sqrt', w.add(1, square));
  const near = log1p(emit, w.add(size, w.div(square, w.add(1, root))));
  const far = w.add(w.call('Log', size), Math.LN2);
  return withSign(emit, w.where(w.greater(size, 1e150), far, near), x);
}

/** log1p(t + √(2t + t²)) with t = x − 1; ln 2x where t² is beyond the range */
export function acosh(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  const t = w.sub(x, 1);
  const near = log1p(emit, w.add(t, w.call('Sqrt', w.mul(t, w.add(t, 2)))));
  return w.where(w.greater(x, 1e150), w.add(w.call('Log', x), Math.LN2), near);
}

/** log1p(2x/(1 − x))/2, odd by its sign */
export function atanh(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  const size = w.call('Abs', x);
  return withSign(emit, w.mul(0.5, log1p(emit, w.div(w.mul(2, size), w.sub(1, size)))), x);
}

/**
 * W. J. Cody's rational approximations (Rational Chebyshev approximations for the error function, Math. Comp. 23, 1969),
 * of erf on [0, 0.46875] and of exp(x²)·erfc beyond; at 6 erf is 1 to the last place.
 */
export function erf(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  const size = w.min(w.call('Abs', x), 6);
  const square = w.mul(size, size);
  const near = w.div(w.mul(size, w.polynomial(square, ERF_NUMERATOR)), w.polynomial(square, ERF_DENOMINATOR));
  const tail = w.div(w.polynomial(size, ERFC_NUMERATOR), w.polynomial(size, ERFC_DENOMINATOR));
  const far = w.sub(1, w.mul(w.call('Exp', w.call('Neg', square)), tail));
  return withSign(emit, w.where(w.greater(size, 0.46875), far, near), x);
}

const ERF_NUMERATOR = [
  0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694,
];
const ERF_DENOMINATOR = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171];
const ERFC_NUMERATOR = [
  2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001,
  881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
];
const ERFC_DENOMINATOR = [
  1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495,
];
