/** @file Comparisons of arrays of numbers, with the measure that this project's tolerances are stated in. */
import { expect } from 'vitest';
import { chooseEagerBackend } from '../../lib/compile/eager.node';

// Before a test's first operation, or tfjs prints its advertisement.
chooseEagerBackend();

type Numbers = ArrayLike<number>;

/** max|x − reference| / max|reference|; absolute where the reference is all zeros. NaN counts as infinitely far. */
export function maxRelativeError(actual: Numbers, reference: Numbers): number {
  let error = 0;
  let scale = 0;
  for (let i = 0; i < reference.length; i++) {
    const difference = Math.abs((actual[i] as number) - (reference[i] as number));
    error = Math.max(error, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    scale = Math.max(scale, Math.abs(reference[i] as number));
  }
  return scale === 0 ? error : error / scale;
}

expect.extend({
  toMatchReference(actual: Numbers, reference: Numbers, tolerance: number) {
    if (actual.length !== reference.length) {
      return { pass: false, message: () => `expected ${reference.length} numbers, got ${actual.length}` };
    }
    const error = maxRelativeError(actual, reference);
    return {
      pass: error <= tolerance,
      message: () => `max|x − ref|/max|ref| is ${error.toExponential(2)}, tolerance ${tolerance}`,
    };
  },
});

interface ReferenceMatchers {
  /** Passes if max|x − reference|/max|reference| is at most the tolerance. */
  toMatchReference(reference: Numbers, tolerance: number): void;
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: an augmentation repeats the type parameters of the original.
  interface Matchers<T = any> extends ReferenceMatchers {}
}
