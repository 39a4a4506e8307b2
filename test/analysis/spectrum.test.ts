import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spectrumMeasures } from '../../lib/analysis/spectrum';
import { ArgumentError } from '../../lib/errors';
import { singularValues } from '../../lib/models/singular-values';
import { messageOf } from '../support/one-line';
import { openOracle } from '../support/oracle';

const positive = fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 12 });

describe('spectrumMeasures', () => {
  it("gives PyTorch's numbers for a matrix of the reference", () => {
    const weights = openOracle('c_gpt');
    const oracle = openOracle('f_svd_householder');
    const expected = (key: string) => oracle.numbers(`norm.ff1.${key}`)[0] as number;
    const { relative, energyRank, stableRank, norm } = spectrumMeasures(
      singularValues({ shape: [16, 64], data: weights.numbers('w.ff1') }),
    );
    expect(energyRank).toBeCloseTo(expected('entropy_rank'), 12);
    expect(stableRank).toBeCloseTo(expected('stable_rank'), 12);
    expect(norm ** 2).toBeCloseTo(expected('frobenius_sq'), 10);
    const overMax = oracle.numbers('norm.ff1.over_max');
    expect(relative.length).toBe(overMax.length);
    relative.forEach((value, i) => {
      expect(value).toBeCloseTo(overMax[i] as number, 13);
    });
  });

  it('is what the formulas give: k equal values, one value, and two that are unequal', () => {
    expect(spectrumMeasures([3, 3, 3, 3])).toMatchObject({ sum: 12, norm: 6, stableRank: 4 });
    for (const measure of ['effectiveRank', 'energyRank'] as const) {
      expect(spectrumMeasures([3, 3, 3, 3])[measure]).toBeCloseTo(4, 12);
      expect(spectrumMeasures([0, 7, 0])[measure]).toBe(1);
    }
    const { effectiveRank, energyRank, stableRank, sum, norm, relative } = spectrumMeasures([1, 3]);
    // q = 3/4, 1/4: exp of the entropy is 4 / 3^(3/4); q = 9/10, 1/10: 10 / 9^(9/10).
    expect(effectiveRank).toBeCloseTo(4 / 3 ** 0.75, 13);
    expect(energyRank).toBeCloseTo(10 / 9 ** 0.9, 13);
    expect([stableRank, sum, norm]).toEqual([
      expect.closeTo(10 / 9, 13),
      4,
      expect.closeTo(Math.sqrt(10), 13),
    ]);
    expect([...relative]).toEqual([1, 1 / 3]);
  });

  it('ranks lie between 1 and the number of values, the energy form below the other; no scale changes them', () => {
    fc.assert(
      fc.property(positive, fc.double({ min: 1e-20, max: 1e20, noNaN: true }), (sigma, scale) => {
        const one = spectrumMeasures(sigma);
        const other = spectrumMeasures(sigma.map((value) => scale * value));
        const slack = 1e-9;
        for (const rank of ['effectiveRank', 'energyRank', 'stableRank'] as const) {
          expect(one[rank]).toBeGreaterThanOrEqual(1 - slack);
          expect(one[rank]).toBeLessThanOrEqual(sigma.length + slack);
          expect(Math.abs(other[rank] - one[rank])).toBeLessThan(slack * one[rank]);
        }
        expect(one.energyRank).toBeLessThanOrEqual(one.effectiveRank + slack);
        for (const size of ['sum', 'norm'] as const)
          expect(Math.abs(other[size] / scale - one[size])).toBeLessThan(slack * one[size]);
        expect(one.norm).toBeLessThanOrEqual(one.sum + slack);
      }),
    );
  });

  it('does not overflow or vanish', () => {
    for (const scale of [1e-300, 1e300])
      expect(spectrumMeasures([scale, scale / 2]).norm / scale).toBeCloseTo(Math.sqrt(1.25), 12);
  });

  it('of a matrix of zeros are all 0, of values that are not finite none', () => {
    const zero = { effectiveRank: 0, energyRank: 0, stableRank: 0, sum: 0, norm: 0 };
    expect(spectrumMeasures([0, 0])).toEqual({ ...zero, relative: Float64Array.of(0, 0) });
    for (const value of Object.values(spectrumMeasures([1, Number.NaN])).flatMap((each) =>
      typeof each === 'number' ? [each] : [...each],
    ))
      expect(value).toBeNaN();
  });

  it('refuses no value and a negative one, in one line', () => {
    expect(messageOf(ArgumentError, () => spectrumMeasures([]))).toContain('0 singular values');
    expect(messageOf(ArgumentError, () => spectrumMeasures([1, -2]))).toContain('-2');
  });
});
