/** @file The statistics of paired seeds, against worked examples of the literature and closed forms. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pairedBootstrap } from '../../lib/analysis/bootstrap';
import { holm } from '../../lib/analysis/holm';
import { quantile } from '../../lib/analysis/quantile';
import { signFlipTest } from '../../lib/analysis/sign-flip';
import { kaplanMeier, survivalQuantile } from '../../lib/analysis/survival';
import { randomStream } from '../../lib/data/random';
import { ArgumentError } from '../../lib/errors';
import { messageOf } from '../support/one-line';

/** Weeks of remission of the 21 patients on 6-mercaptopurine (Freireich et al. 1963); + is censored. */
const REMISSION = '6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+'
  .split(' ')
  .map((text) => ({ step: Number.parseInt(text, 10), censored: text.endsWith('+') }));

describe('kaplanMeier', () => {
  it('gives the published curve of the remission data', () => {
    const falls = kaplanMeier(REMISSION).filter(({ events }) => events > 0);
    expect(falls.map(({ step, atRisk, events }) => [step, atRisk, events])).toEqual([
      [6, 21, 3],
      [7, 17, 1],
      [10, 15, 1],
      [13, 12, 1],
      [16, 11, 1],
      [22, 7, 1],
      [23, 6, 1],
    ]);
    expect(falls.map(({ survival }) => survival.toFixed(3))).toEqual(
      '0.857 0.807 0.753 0.690 0.627 0.538 0.448'.split(' '),
    );
    expect(survivalQuantile(kaplanMeier(REMISSION), 0.5)).toBe(23);
    expect(survivalQuantile(kaplanMeier(REMISSION), 0.75)).toBeNull();
    const half = [10, 20, 30, 40].map((step) => ({ step, censored: step > 20 }));
    expect(survivalQuantile(kaplanMeier(half), 0.5)).toBe(20);
  });

  it('is one minus the share of runs that have grokked where all are watched to the same budget', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(steps, (raw) => {
        const curve = kaplanMeier(raw.map((step) => ({ step: Math.min(step, 30), censored: step > 30 })));
        for (const { step, survival } of curve) {
          const later = raw.filter((other) => other > Math.min(step, 30)).length;
          expect(survival).toBeCloseTo(later / raw.length, 12);
        }
        const median = quantile(raw, 0.5);
        if (Math.max(...raw) <= 30) expect(survivalQuantile(curve, 0.5)).toBe(median);
        if (raw.filter((step) => step > 30).length > raw.length / 2) {
          expect(survivalQuantile(curve, 0.5)).toBeNull();
        }
      }),
    );
  });

  it('refuses no runs, impossible steps and shares in one line', () => {
    expect(messageOf(ArgumentError, () => kaplanMeier([]))).toContain('0 runs');
    expect(messageOf(ArgumentError, () => kaplanMeier([{ step: Number.NaN, censored: false }]))).toContain(
      'NaN',
    );
    expect(messageOf(ArgumentError, () => survivalQuantile([], 0))).toContain('share is 0');
  });
});

describe('quantile', () => {
  it('interpolates as NumPy does', () => {
    expect([0, 0.25, 0.5, 0.75, 1].map((q) => quantile([10, 1, 4, 2], q))).toEqual([1, 1.75, 3, 5.5, 10]);
    expect(quantile([7], 0.3)).toBe(7);
  });

  it('lets infinity stand for what was never reached', () => {
    const values = [1, 2, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    expect([0.25, 0.5, 0.75, 1].map((q) => quantile(values, q))).toEqual([
      1.75,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('refuses an empty sample, NaN and shares out of range', () => {
    expect(messageOf(ArgumentError, () => quantile([], 0.5))).toContain('0 values');
    expect(messageOf(ArgumentError, () => quantile([1, Number.NaN], 0.5))).toContain('NaN');
    expect(messageOf(ArgumentError, () => quantile([1], 1.5))).toContain('1.5');
  });
});

describe('signFlipTest', () => {
  it("gives Fisher's 1,726 of 32,768 for Darwin's pairs of maize", () => {
    const eighths = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
    expect(signFlipTest(eighths)).toBe(1726 / 32_768);
  });

  it('cannot be smaller than 2 of all assignments, is 1 where nothing differs, and blind to the sign', () => {
    expect(signFlipTest(new Array(12).fill(-0.3))).toBe(2 / 4096);
    expect(signFlipTest([0, 0, 0])).toBe(1);
    const differences = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), {
      minLength: 1,
      maxLength: 9,
    });
    fc.assert(
      fc.property(differences, (values) => {
        const p = signFlipTest(values);
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
        expect(signFlipTest(values.map((value) => -value))).toBe(p);
        expect(signFlipTest([...values, 0])).toBe(p);
      }),
      { numRuns: 50 },
    );
  });

  it('draws the signs where there are too many to go through', () => {
    const values = [...new Array<number>(27).fill(1), ...new Array<number>(13).fill(-1)];
    // Differences of one size leave a binomial count: 27 or more heads of 40, or tails.
    let term = 2 ** -40;
    let tail = 0;
    for (let heads = 0; heads <= 40; heads++) {
      if (heads >= 27) tail += term;
      term *= (40 - heads) / (heads + 1);
    }
    const p = signFlipTest(values);
    expect(p).toBe(signFlipTest(values));
    expect(p).not.toBe(signFlipTest(values, 1));
    expect(Math.abs(p - 2 * tail)).toBeLessThan(0.006);
  });

  it('refuses nothing and infinity', () => {
    expect(messageOf(ArgumentError, () => signFlipTest([]))).toContain('0 pairs');
    expect(messageOf(ArgumentError, () => signFlipTest([Number.POSITIVE_INFINITY]))).toContain('finite');
  });
});

describe('holm', () => {
  it('adjusts a worked example', () => {
    expect(holm([0.01, 0.04, 0.03, 0.005]).map((p) => p.toFixed(3))).toEqual([
      '0.030',
      '0.060',
      '0.060',
      '0.020',
    ]);
  });

  it('keeps the order, stays between the p-value and Bonferroni, and does not depend on the order given', () => {
    const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
    fc.assert(
      fc.property(pValues, (values) => {
        const adjusted = holm(values);
        values.forEach((p, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(p);
          expect(adjusted[i]).toBeLessThanOrEqual(Math.min(1, p * values.length) + 1e-15);
          values.forEach((other, j) => {
            if (other > p) expect(adjusted[j]).toBeGreaterThanOrEqual(adjusted[i] as number);
          });
        });
        expect(holm([...values].reverse())).toEqual([...adjusted].reverse());
      }),
    );
  });

  it('refuses what is no probability', () => {
    expect(messageOf(ArgumentError, () => holm([0.2, 1.2]))).toContain('1.2');
  });
});

describe('pairedBootstrap', () => {
  /** The share of trials, each of normal pairs around 0.7, whose interval holds 0.7. */
  function coverage(how: { seed: number; pairs: number; trials: number; resamples: number }): number {
    const random = randomStream(how.seed, 'coverage');
    let held = 0;
    for (let trial = 0; trial < how.trials; trial++) {
      const pairs = Array.from({ length: how.pairs }, () => 0.7 + random.normal());
      const { low, high } = pairedBootstrap(pairs, { resamples: how.resamples, seed: trial });
      if (low <= 0.7 && 0.7 <= high) held++;
    }
    return held / how.trials;
  }

  it('holds the true mean of a dozen normal pairs about as often as it says', () => {
    const held = coverage({ seed: 1, pairs: 12, trials: 300, resamples: 400 });
    // 0.95 ± three standard errors; the plain percentile interval stays near 0.91.
    expect(held).toBeGreaterThan(0.915);
    expect(held).toBeLessThan(0.985);
  });

  it('of 4 pairs is all they span, and holds the true mean 1 − 2^(1−4) of the time', () => {
    expect(pairedBootstrap([3, -8, 5, 1])).toEqual({ estimate: 0.25, low: -8, high: 5 });
    const held = coverage({ seed: 2, pairs: 4, trials: 400, resamples: 600 });
    // Three standard errors are 0.05: 95 % are out of reach.
    expect(Math.abs(held - 0.875)).toBeLessThan(0.05);
  });

  it('of 6 pairs, which can hold the level, leaves out the extremes', () => {
    const { low, high } = pairedBootstrap([3, -8, 5, 1, 0, 2]);
    expect(low).toBeGreaterThan(-8);
    expect(high).toBeLessThan(5);
  });

  it("is as wide as Student's interval where that is right", () => {
    const pairs = [-1.2, -0.8, -0.5, -0.2, -0.1, 0, 0.1, 0.3, 0.4, 0.6, 0.9, 1.1];
    const { estimate, low, high } = pairedBootstrap(pairs);
    expect(estimate).toBeCloseTo(0.05, 12);
    const variance = pairs.reduce((sum, value) => sum + (value - estimate) ** 2, 0) / 11;
    const half = 2.201 * Math.sqrt(variance / 12);
    expect(high - low).toBeGreaterThan(1.9 * half);
    expect(high - low).toBeLessThan(2.1 * half);
  });

  it('is the same for the same seed, a point where nothing varies, and mirrored with its data', () => {
    const pairs = [0.1, 0.5, -0.2, 0.9, 0.3, 0.35, -0.6, 0.02];
    expect(pairedBootstrap(pairs)).toEqual(pairedBootstrap(pairs));
    expect(pairedBootstrap(pairs, { seed: 1 })).not.toEqual(pairedBootstrap(pairs));
    expect(pairedBootstrap([2, 2, 2])).toEqual({ estimate: 2, low: 2, high: 2 });
    const mirrored = pairedBootstrap(pairs.map((value) => -value));
    expect(mirrored.low).toBeCloseTo(-pairedBootstrap(pairs).high, 10);
  });

  it('lies around the mean and within the data', () => {
    const numbers = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(numbers, (values) => {
        const { estimate, low, high } = pairedBootstrap(values, { resamples: 200 });
        expect(low).toBeGreaterThanOrEqual(Math.min(...values));
        expect(high).toBeLessThanOrEqual(Math.max(...values));
        expect(low).toBeLessThanOrEqual(estimate + 1e-9);
        expect(high).toBeGreaterThanOrEqual(estimate - 1e-9);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    [[1], {}, '1 pairs'],
    [[1, Number.NaN], {}, 'not a finite'],
    [[1, 2], { level: 1 }, 'level is 1'],
    [[1, 2], { resamples: 10 }, 'resamples is 10'],
  ])('refuses %j %j', (values, options, part) => {
    expect(messageOf(ArgumentError, () => pairedBootstrap(values, options))).toContain(part);
  });
});
