/** @file Quantiles of a small sample. */
import { ArgumentError } from '../errors';

/**
 * A quantile by linear interpolation between order statistics (Hyndman & Fan 1996, definition 7; NumPy's default).
 *
 * @param values at least one; order does not matter, infinity is allowed, NaN is not
 * @param q from 0 to 1
 * @throws {ArgumentError} for an empty sample, a NaN in it, or a q out of range
 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0)
    throw new ArgumentError('there are 0 values, expected at least one to take a quantile of');
  if (values.some(Number.isNaN)) throw new ArgumentError('a value is NaN, expected numbers; leave it out');
  if (!(q >= 0 && q <= 1)) throw new ArgumentError(`q is ${q}, expected a share from 0 to 1 such as 0.5`);
  const sorted = [...values].sort((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  // Between two equal infinities there is no difference to take a share of.
  return position === below || low === high ? low : low + (high - low) * (position - below);
}
