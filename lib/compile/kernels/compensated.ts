/** @file log(1 + x) and exp(x) − 1 to full precision, which ONNX has no operators for. */
import type { Emitter, Name } from '../onnx/emitter';
import { writer } from './write';

/**
 * log(1 + x): with u = 1 + x rounded, x is the answer where u = 1,
 * and log(u)·x/(u − 1) elsewhere, where the two roundings cancel (Kahan; Goldberg 1991, theorem 4).
 */
export function log1p(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  const u = w.add(x, 1);
  const d = w.sub(u, 1);
  const exact = w.mul(w.call('Log', u), w.div(x, d));
  const infinity = Number.POSITIVE_INFINITY;
  const finite = w.where(w.equal(u, infinity), infinity, exact);
  return w.where(w.equal(d, 0), x, finite);
}

/**
 * exp(x) − 1: with u = exp(x) rounded, x where u = 1, −1 or ∞ at the ends, and (u − 1)·x/log(u)
 * elsewhere (Higham, Accuracy and Stability of Numerical Algorithms, section 1.14.1).
 */
export function expm1(emit: Emitter, x: Name): Name {
  const w = writer(emit);
  const u = w.call('Exp', x);
  const d = w.sub(u, 1);
  const exact = w.mul(d, w.div(x, w.call('Log', u)));
  const low = w.where(w.equal(d, -1), d, exact);
  const infinity = Number.POSITIVE_INFINITY;
  const ends = w.where(w.equal(u, infinity), infinity, low);
  return w.where(w.equal(d, 0), x, ends);
}
