/**
 * @file A test whether paired differences lie about zero: if the two arms of every pair were interchangeable, each
 * difference could as well have had the other sign.
 *
 * @see Fisher 1935, "The Design of Experiments", section 21
 */
import { randomStream } from '../data/random';
import { ArgumentError } from '../errors';

/** Up to so many differences that are not zero, all signs are gone through; beyond, signs are drawn. */
const MOST_EXACT = 16;

/** Draws beyond that. */
const DRAWS = 20_000;

/**
 * Two-sided p-value of the mean of paired differences: the share of all assignments of signs whose mean lies as far from zero
 * as the one seen, or farther. Exact for up to 16 differences other than zero; the least value is then 2/2ⁿ.
 *
 * @param differences one number a pair
 * @param seed fixes the draws where there are more than 16, a whole number of at least 0
 * @throws {ArgumentError} for no difference, or one that is not finite
 */
export function signFlipTest(differences: readonly number[], seed = 0): number {
  if (differences.length === 0) throw new ArgumentError('there are 0 pairs, expected at least one');
  if (!differences.every(Number.isFinite)) {
    throw new ArgumentError('a difference is not a finite number: give a censored run its budget');
  }
  // A zero stays zero whatever its sign, so it splits every assignment into two equal ones.
  const sizes = differences.filter((difference) => difference !== 0).map(Math.abs);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const seen = Math.abs(differences.reduce((sum, difference) => sum + difference, 0));
  // Sums in another order miss each other by rounding.
  const isAsFar = (sum: number) => Math.abs(sum) >= seen - 1e-9 * total;
  if (sizes.length <= MOST_EXACT) {
    const assignments = 2 ** sizes.length;
    let count = 0;
    for (let signs = 0; signs < assignments; signs++) {
      if (isAsFar(sizes.reduce((sum, size, i) => sum + ((signs >> i) & 1 ? size : -size), 0))) count++;
    }
    return count / assignments;
  }
  const random = randomStream(seed, 'sign flips');
  let count = 1;
  for (let draw = 0; draw < DRAWS; draw++) {
    if (isAsFar(sizes.reduce((sum, size) => sum + (random.uniform() < 0.5 ? size : -size), 0))) count++;
  }
  return count / (DRAWS + 1);
}
