/** @file How far two quantities of the same runs go together. */
import { jStat } from 'jstat';
import { ArgumentError } from '../errors';

/**
 * Spearman's rank correlation of pairs: 1 where one quantity rises whenever the other does, −1 where it falls, near 0 where
 * they are unrelated. Equal values share the mean of their ranks. NaN where one of the quantities is the same throughout.
 *
 * @param xs finite numbers, at least 2
 * @param ys as many
 * @throws {ArgumentError} for fewer, for different numbers of them, or for one that is not finite
 */
export function rankCorrelation(xs: readonly number[], ys: readonly number[]): number {
  if (xs.length !== ys.length || xs.length < 2) {
    throw new ArgumentError(
      `there are ${xs.length} and ${ys.length} values, expected as many of each and at least 2`,
    );
  }
  if (![...xs, ...ys].every(Number.isFinite))
    throw new ArgumentError('a value is not finite, expected numbers; leave its pair out');
  return jStat.spearmancoeff([...xs], [...ys]);
}
