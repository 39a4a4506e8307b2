import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomStream } from '../../lib/data/random';
import { ArgumentError } from '../../lib/errors';
import { messageOf } from '../support/one-line';

const digest = (values: Int32Array | Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');

const first = (seed: number, purpose: string, step?: number) => {
  const stream = randomStream(seed, purpose, step);
  return [stream.uniform(), stream.uniform()].join();
};

// The expected numbers come from ARC4, the polar method and Fisher–Yates written anew in Python.
describe('known answers', () => {
  it('uniform', () => {
    const stream = randomStream(0, 'split');
    expect([stream.uniform(), stream.uniform(), stream.uniform(), stream.uniform()]).toEqual([
      0.3797413992033368, 0.5958874303880799, 0.5985132804076102, 0.8726052837785495,
    ]);
  });

  it('uniform at a later step and with the longest seed', () => {
    expect(first(0, 'split', 7)).toBe('0.8513057703992637,0.5167202480999802');
    expect(first(2 ** 53 - 1, 'init/blocks.0.q', 5)).toBe('0.05770800750791135,0.5540874323101063');
  });

  it('normal, with both members of a pair', () => {
    const stream = randomStream(0, 'init/tok_embed');
    const values = Array.from({ length: 5 }, () => stream.normal());
    expect(values).toEqual([
      -1.6108672904470438, -0.09857222161216854, -0.42260427273721296, 0.21289603257641876,
      -0.8446430524308809,
    ]);
  });

  it('normals in float32', () => {
    expect(digest(randomStream(3, 'init/q').normals(1000, 0.5))).toBe(
      '31fdace07194ace8d4379ce644bed3201bd6e0fc8b05653f09f2589bc72d8a63',
    );
  });

  it('permutation', () => {
    expect([...randomStream(0, 'split').permutation(10)]).toEqual([2, 4, 6, 3, 1, 9, 7, 8, 5, 0]);
    expect([...randomStream(1, 'split').permutation(10)]).toEqual([0, 5, 4, 2, 6, 1, 8, 9, 3, 7]);
    expect(digest(randomStream(0, 'split').permutation(113 * 113))).toBe(
      '90adc0e23cf114e6351cc033026e311d3b576690f638b214d726f30d1054630a',
    );
  });
});

describe('keys', () => {
  it('are told apart by seed, purpose and step', () => {
    const purposes = ['a', 'aa', 'aaaa', '0', '00', '1/a', '/', 'a/0', ' a', 'a '];
    const numbers = [0, 1, 10, 11, 2 ** 32, 2 ** 53 - 1];
    const draws = new Set<string>();
    for (const seed of numbers)
      for (const step of numbers) for (const purpose of purposes) draws.add(first(seed, purpose, step));
    expect(draws.size).toBe(numbers.length ** 2 * purposes.length);
  });

  it('differ for any two triples', () => {
    const triple = fc.tuple(
      fc.oneof(fc.maxSafeNat(), fc.nat(20)),
      fc.stringMatching(/^[ !"$-~]{1,6}$/),
      fc.oneof(fc.maxSafeNat(), fc.nat(20)),
    );
    fc.assert(
      fc.property(triple, triple, (one, other) => {
        expect(first(...one) === first(...other)).toBe(one.join('\0') === other.join('\0'));
      }),
    );
  });

  it('are read once: streams do not disturb each other', () => {
    const [one, other] = [randomStream(5, 'x'), randomStream(5, 'x')];
    const alone = Array.from({ length: 6 }, () => one.normal());
    const mixed = Array.from({ length: 6 }, () => {
      randomStream(5, 'y').normals(3, 1);
      return other.normal();
    });
    expect(mixed).toEqual(alone);
  });

  it('have step 0 unless told', () => {
    expect(first(4, 'x')).toBe(first(4, 'x', 0));
  });
});

describe('distributions', () => {
  it('uniform: mean and variance', () => {
    const stream = randomStream(1, 'moments');
    const values = Array.from({ length: 100_000 }, () => stream.uniform());
    const mean = values.reduce((sum, value) => sum + value) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.min(...values.slice(0, 1000))).toBeGreaterThanOrEqual(0);
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / values.length));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002);
  });

  it('normals: moments up to the fourth, and the given standard deviation', () => {
    const values = randomStream(2, 'moments').normals(200_000, 3);
    const moment = (power: number) => values.reduce((sum, x) => sum + (x / 3) ** power, 0) / values.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.01);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.015);
    expect(Math.abs(moment(3))).toBeLessThan(0.035);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1);
  });

  it('integer: every value below the bound equally often', () => {
    const counts = new Int32Array(7);
    const stream = randomStream(0, 'integers');
    for (let draw = 0; draw < 7 * 1000; draw++) {
      const value = stream.integer(7);
      counts[value] = (counts[value] as number) + 1;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(22.5); // 0.999 quantile at 6 degrees of freedom
    expect(stream.integer(1)).toBe(0);
    expect(Array.from({ length: 8 }, () => stream.integer(2 ** 32)).some((value) => value >= 2 ** 31)).toBe(
      true,
    );
  });

  it('permutation: every order of four equally often', () => {
    const counts = new Map<string, number>();
    for (let step = 0; step < 24 * 200; step++) {
      const order = randomStream(0, 'orders', step).permutation(4).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0);
    expect(chiSquare).toBeLessThan(49.7); // 0.999 quantile at 23 degrees of freedom
  });

  it('permutation: each number once', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(), (n, seed) => {
        const order = randomStream(seed, 'permutation').permutation(n);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, index) => index));
      }),
    );
  });
});

describe('bad input', () => {
  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('seed %s', (seed) => {
    expect(messageOf(ArgumentError, () => randomStream(seed, 'x'))).toContain(`seed ${seed} `);
  });

  it.each([-1, 1.5, Number.NaN])('step %s', (step) => {
    expect(messageOf(ArgumentError, () => randomStream(0, 'x', step))).toContain(`step ${step} `);
  });

  it.each(['', '#', 'a#', 'ä', 'a\nb', 'x'.repeat(129)])('purpose %j', (purpose) => {
    expect(messageOf(ArgumentError, () => randomStream(0, purpose))).toContain('random purpose "');
  });

  it.each([0, -1, 1.5, 2 ** 32 + 1, Number.NaN])('integer below %s', (bound) => {
    const { integer } = randomStream(0, 'x');
    expect(messageOf(ArgumentError, () => integer(bound))).toContain(`below ${bound}:`);
  });

  it.each([-1, 1.5, 2 ** 31, Number.NaN])('permutation of %s', (n) => {
    const { permutation } = randomStream(0, 'x');
    expect(messageOf(ArgumentError, () => permutation(n))).toContain(`${n} items`);
  });
});
