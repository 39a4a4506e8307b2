import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logAxis, powerLabel } from '../../lib/figures/log-axis';

const options = { zeroGap: 10, maxTicks: 6, label: powerLabel };

describe('logAxis', () => {
  it('labels powers of ten', () => {
    const axis = logAxis([1e-6, 0.5, 10], options);
    expect(axis.tickvals).toEqual([1e-6, 1e-4, 1e-2, 1]);
    expect(axis.ticktext).toEqual(['10<sup>−6</sup>', '10<sup>−4</sup>', '0.01', '1']);
  });

  it('gives zero a place and a tick below the smallest positive value', () => {
    const axis = logAxis([0, 1e-3, 1], options);
    expect(axis.place(0)).toBeCloseTo(1e-4, 12);
    expect(axis.place(0.5)).toBe(0.5);
    expect(axis.ticktext[0]).toBe('0');
    expect(logAxis([1e-3, 1], options).ticktext).not.toContain('0');
  });

  it('survives zeros alone, one value alone, and nothing', () => {
    expect(logAxis([0, 0], options).ticktext[0]).toBe('0');
    expect(logAxis([4.7], options).tickvals).toEqual([3, 4, 5, 6, 7, 8]);
    expect(logAxis([], options).tickvals.length).toBeGreaterThan(0);
  });

  it('labels only whole numbers where it counts', () => {
    expect(logAxis([0], { ...options, zeroGap: 2, whole: true }).tickvals).toEqual([0.5, 1]);
  });

  it('holds every value, and a few ticks in order, whatever the values', () => {
    const loss = fc.oneof(fc.constant(0), fc.double({ min: 1e-30, max: 1e30, noNaN: true }));
    fc.assert(
      fc.property(fc.array(loss, { minLength: 1, maxLength: 20 }), (values) => {
        const { range, tickvals, ticktext, place } = logAxis(values, options);
        for (const value of values) {
          expect(Math.log10(place(value))).toBeGreaterThanOrEqual(range[0]);
          expect(Math.log10(place(value))).toBeLessThanOrEqual(range[1]);
        }
        expect(tickvals).toEqual([...tickvals].sort((a, b) => a - b));
        expect(tickvals.length).toBeGreaterThan(0);
        expect(tickvals.length).toBeLessThanOrEqual(options.maxTicks + 1);
        expect(new Set(ticktext).size).toBe(ticktext.length);
      }),
    );
  });
});

describe('powerLabel', () => {
  it.each([
    [1, '1'],
    [0.02, '0.02'],
    [500, '500'],
    [1e-6, '10<sup>−6</sup>'],
    [2e-7, '2·10<sup>−7</sup>'],
    [1e12, '10<sup>12</sup>'],
  ])('%d is %s', (value, label) => expect(powerLabel(value)).toBe(label));
});
