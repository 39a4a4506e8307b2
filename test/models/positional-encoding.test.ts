import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { sinusoidalEncoding } from '../../lib/models/positional-encoding';
import { messageOf } from '../support/one-line';
import { openOracle } from '../support/oracle';

describe('the sinusoidal encoding', () => {
  const oracle = openOracle('a_positional_encoding');
  const largestDifference = (actual: ArrayLike<number>, reference: ArrayLike<number>) =>
    Math.max(...Array.from(reference, (value, i) => Math.abs((actual[i] as number) - value)));

  it.each([16, 64, 128])('equals write-up 1’s code to 1e-6, width %i', (dModel) => {
    const { data, shape, dtype } = sinusoidalEncoding(5, dModel);
    expect([...shape, dtype]).toEqual([...oracle.shape(`pe_f32_d${dModel}`), 'float32']);
    expect(largestDifference(data, oracle.numbers(`pe_f32_d${dModel}`))).toBeLessThan(1e-6);
    // The formula in double precision, but for the rounding to float32.
    expect(largestDifference(data, oracle.numbers(`pe_f64_d${dModel}`))).toBeLessThan(6e-8);
  });

  it('takes another base', () => {
    // base^(2/4) = 2
    const { data } = sinusoidalEncoding(2, 4, 4);
    expect([...data.slice(4)]).toEqual(
      [Math.sin(1), Math.cos(1), Math.sin(0.5), Math.cos(0.5)].map(Math.fround),
    );
  });

  it.each([
    ['3', () => sinusoidalEncoding(3, 3)],
    ['0', () => sinusoidalEncoding(3, 0)],
    ['1.5', () => sinusoidalEncoding(1.5, 4)],
    ['-1', () => sinusoidalEncoding(3, 4, -1)],
  ])('refuses %s in one line', (value, make) => {
    expect(messageOf(ArgumentError, make)).toContain(value);
  });
});
