import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rankCorrelation } from '../../lib/analysis/rank-correlation';
import { ArgumentError } from '../../lib/errors';
import { messageOf } from '../support/one-line';

describe('rankCorrelation', () => {
  it('is Spearman’s, with and without ties', () => {
    // 1 − 6·Σd²/(n(n² − 1)); the ranks are 3, 1, 2, 5, 4, so that Σd² = 4 + 1 + 1 + 1 + 1 = 8
    expect(rankCorrelation([1, 2, 3, 4, 5], [3, 1, 2, 40, 7])).toBeCloseTo(1 - (6 * 8) / 120, 12);
    // ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5/√(4.5·5)
    expect(rankCorrelation([1, 5, 5, 9], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
    expect(rankCorrelation([2, 2], [1, 3])).toBeNaN();
  });

  it('sees order alone: it is 1 for any rising function, −1 for any falling one', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: -30, max: 30 }), { minLength: 2, maxLength: 12 }),
        (xs) => {
          expect(
            rankCorrelation(
              xs,
              xs.map((x) => x ** 3),
            ),
          ).toBeCloseTo(1, 10);
          expect(
            rankCorrelation(
              xs,
              xs.map((x) => -Math.atan(x)),
            ),
          ).toBeCloseTo(-1, 10);
        },
      ),
    );
  });

  it('refuses what is no list of pairs, in one line', () => {
    for (const [xs, ys] of [
      [[1], [1]],
      [[1, 2], [1]],
    ] as const)
      expect(messageOf(ArgumentError, () => rankCorrelation(xs, ys))).toContain('expected as many of each');
    expect(messageOf(ArgumentError, () => rankCorrelation([1, Number.NaN], [1, 2]))).toContain('not finite');
  });
});
