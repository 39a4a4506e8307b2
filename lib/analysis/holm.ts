/** @file Several claims at once: p-values adjusted so that the chance of any false one stays bounded. */
import { ArgumentError } from '../errors';

/**
 * Holm's step-down adjustment: rejecting where the adjusted value is at most α keeps the probability of one or more false
 * rejections at most α, however the tests depend on each other.
 *
 * @param pValues each from 0 to 1
 * @returns adjusted p-values in the same order, at least as large and at most 1
 * @throws {ArgumentError} for a value out of range
 * @see Holm 1979, "A simple sequentially rejective multiple test procedure"
 */
export function holm(pValues: readonly number[]): number[] {
  const wrong = pValues.find((p) => !(p >= 0 && p <= 1));
  if (wrong !== undefined) throw new ArgumentError(`a p-value is ${wrong}, expected one from 0 to 1`);
  const order = pValues.map((_, i) => i).sort((a, b) => (pValues[a] as number) - (pValues[b] as number));
  const adjusted = new Array<number>(pValues.length);
  let least = 0;
  order.forEach((claim, rank) => {
    least = Math.max(least, Math.min(1, (pValues.length - rank) * (pValues[claim] as number)));
    adjusted[claim] = least;
  });
  return adjusted;
}
