import { describe, expect, it } from 'vitest';
import {
  formatCount,
  formatLoss,
  formatPercent,
  formatSeconds,
  formatSpeed,
} from '../../lib/train/number-format';

describe('number formats', () => {
  it.each([
    [formatCount, 12500, '12,500'],
    [formatCount, 999, '999'],
    [formatCount, Number.NaN, '–'],
    [formatLoss, 4.7618, '4.8'],
    [formatLoss, 0.0321, '0.032'],
    [formatLoss, 1.23e-6, '1.2e-6'],
    [formatLoss, 1e-12, '1e-12'],
    [formatLoss, 0, '0'],
    [formatLoss, 318.2, '318'],
    [formatLoss, 3e5, '3e5'],
    [formatLoss, Number.NaN, 'NaN'],
    [formatPercent, 0.993, '99.3 %'],
    [formatPercent, 0.29, '29.0 %'],
    [formatPercent, 0.9999, '99.9 %'],
    [formatPercent, 1, '100 %'],
    [formatPercent, 0, '0.0 %'],
    [formatPercent, Number.NaN, '–'],
    [formatSeconds, 0.42, '0.4 s'],
    [formatSeconds, 9.96, '10 s'],
    [formatSeconds, 12.4, '12 s'],
    [formatSeconds, 59.7, '1 min 00 s'],
    [formatSeconds, 185, '3 min 05 s'],
    [formatSeconds, 3599.6, '1 h 00 min'],
    [formatSeconds, 7800, '2 h 10 min'],
    [formatSeconds, Number.POSITIVE_INFINITY, '–'],
    [formatSpeed, 0.417, '0.42 steps/s'],
    [formatSpeed, 38.16, '38.2 steps/s'],
    [formatSpeed, 1250, '1,250 steps/s'],
    [formatSpeed, 0, '– steps/s'],
  ])('%o of %d is %s', (format, value, text) => expect(format(value)).toBe(text));
});
