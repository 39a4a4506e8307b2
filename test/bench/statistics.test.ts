import { describe, expect, it } from 'vitest';
import { pairedRatios, quantile, shuffled, summarise } from '../../bench/harness/statistics.mjs';

describe('summarise', () => {
  it('interpolates linearly between order statistics, as NumPy does', () => {
    // numpy.percentile([3, 1, 4, 1, 5, 9], [0, 25, 50, 75, 100])
    expect(summarise([3, 1, 4, 1, 5, 9])).toEqual({ min: 1, q1: 1.5, median: 3.5, q3: 4.75, max: 9 });
  });

  it('takes a single round as it is', () => {
    expect(summarise([2.5])).toEqual({ min: 2.5, q1: 2.5, median: 2.5, q3: 2.5, max: 2.5 });
  });

  it('sorts numbers as numbers and leaves the sample in its order', () => {
    const sample = [100, 9, 20];
    expect(quantile(sample, 0.5)).toBe(20);
    expect(sample).toEqual([100, 9, 20]);
  });

  it('refuses an empty sample', () => {
    expect(() => summarise([])).toThrow(RangeError);
  });
});

describe('pairedRatios', () => {
  it('divides within each round', () => {
    expect(pairedRatios([40, 90, 30], [10, 30, 10])).toEqual([4, 3, 3]);
  });

  it('is not moved by a round in which the whole machine was slow', () => {
    const calm = pairedRatios([40, 41, 39], [10, 10, 10]);
    const disturbed = pairedRatios([40, 410, 39], [10, 100, 10]);
    expect(summarise(disturbed).median).toBeCloseTo(summarise(calm).median, 12);
  });

  it('refuses rounds that do not correspond', () => {
    expect(() => pairedRatios([1, 2], [1])).toThrow(RangeError);
  });
});

describe('shuffled', () => {
  it('gives each order equally often', () => {
    // All 6 equally likely pairs of draws for three items, in the middle of their intervals.
    const orders = [1 / 6, 3 / 6, 5 / 6].flatMap((first) =>
      [1 / 4, 3 / 4].map((second) => {
        const draws = [first, second];
        return shuffled(['a', 'b', 'c'], () => draws.shift() as number).join('');
      }),
    );
    expect(orders.sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
  });

  it('leaves the argument as it is', () => {
    const items = Object.freeze([1, 2, 3]);
    expect([...shuffled(items, () => 0)].sort()).toEqual([1, 2, 3]);
  });
});
