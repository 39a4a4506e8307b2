import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getOperation, type OperationName, operationNames } from '../../lib/data/operations';
import { isPrime } from '../../lib/data/residues';
import { ArgumentError } from '../../lib/errors';
import { messageOf } from '../support/one-line';

const NAMES = 'add sub div div-odd x2y2 x2xyy2 x2xyy2x x3xy x3xy2y s5 s5conj s5xyx'.split(' ');
const modularNames = operationNames().filter((name) => getOperation(name).modular);

/** Whether (a, b) and (b, a) are both allowed and agree, for every pair. */
function mirrored(name: OperationName, modulus: number): boolean {
  const { apply, domain } = getOperation(name);
  const { elements, firstRight } = domain(modulus);
  if (firstRight > 0) return false;
  for (let a = 0; a < elements; a++) {
    for (let b = 0; b < a; b++) if (apply(a, b, modulus) !== apply(b, a, modulus)) return false;
  }
  return true;
}

/** The formulas once more, in integers of any size; `div` and `div-odd` multiplied out. */
const exact: Record<string, (x: bigint, y: bigint, c: bigint) => bigint> = {
  add: (x, y, c) => x + y - c,
  sub: (x, y, c) => x - y - c,
  div: (x, y, c) => x - c * y,
  'div-odd': (x, y, c) => (y % 2n === 1n ? x - c * y : x - y - c),
  x2y2: (x, y, c) => x ** 2n + y ** 2n - c,
  x2xyy2: (x, y, c) => x ** 2n + x * y + y ** 2n - c,
  x2xyy2x: (x, y, c) => x ** 2n + x * y + y ** 2n + x - c,
  x3xy: (x, y, c) => x ** 3n + x * y - c,
  x3xy2y: (x, y, c) => x ** 3n + x * y ** 2n + y - c,
};

describe('getOperation', () => {
  it('finds the twelve, in the order of the paper, with a label for a page and for LaTeX', () => {
    expect(operationNames()).toEqual(NAMES);
    for (const name of operationNames()) {
      expect(getOperation(name)).toMatchObject({
        name,
        label: expect.stringMatching(/^x.*(mod p|in S₅)$/),
        latex: expect.stringMatching(/^x.*(\\bmod p|S_5)/),
      });
    }
  });

  it.each(['mul', 'S5', 'Add', '', 'toString', '__proto__'])('has no %j, and says what there is', (name) => {
    const message = messageOf(ArgumentError, () => getOperation(name));
    expect(message).toContain(`operation ${JSON.stringify(name)}`);
    expect(message).toContain('choose one of add, sub, div');
  });
});

describe('symmetric', () => {
  it.each(operationNames())('%s', (name) => {
    for (const modulus of [7, 13]) expect(mirrored(name, modulus)).toBe(getOperation(name).symmetric);
  });
});

describe('on the integers mod p', () => {
  const primes = Array.from({ length: 4096 }, (_, n) => n).filter(isPrime);

  it.each(modularNames)('%s is its formula, without overflow up to the largest modulus', (name) => {
    const { apply, domain } = getOperation(name);
    const largest = primes.at(-1) as number;
    fc.assert(
      fc.property(fc.constantFrom(2, 3, 5, largest, ...primes), fc.nat(), fc.nat(), (p, x, y) => {
        const { firstRight } = domain(p);
        const a = x % p;
        const b = firstRight + (y % (p - firstRight));
        const c = apply(a, b, p);
        expect(Number.isInteger(c) && c >= 0 && c < p).toBe(true);
        expect((exact[name] as (typeof exact)[string])(BigInt(a), BigInt(b), BigInt(c)) % BigInt(p)).toBe(0n);
      }),
      { examples: [[largest, largest - 1, largest - 1]] },
    );
  });

  it.each(modularNames.filter((name) => !name.startsWith('div')))('%s takes any modulus', (name) => {
    const { apply, domain } = getOperation(name);
    for (const modulus of [2, 4, 12, 4096]) {
      expect(domain(modulus)).toEqual({ elements: modulus, firstRight: 0 });
      const [a, b] = [modulus - 1, modulus >> 1];
      const c = BigInt(apply(a, b, modulus));
      expect((exact[name] as (typeof exact)[string])(BigInt(a), BigInt(b), c) % BigInt(modulus)).toBe(0n);
    }
  });

  it('sub undoes add', () => {
    const [add, sub] = [getOperation('add'), getOperation('sub')];
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 4096 }), fc.nat(4095), fc.nat(4095), (p, x, y) => {
        expect(sub.apply(add.apply(x % p, y % p, p), y % p, p)).toBe(x % p);
      }),
    );
  });

  it('div undoes multiplication: each row but one of the table is a permutation', () => {
    const { apply } = getOperation('div');
    for (let a = 1; a < 13; a++) {
      const row = Array.from({ length: 12 }, (_, index) => apply(a, index + 1, 13));
      expect([...row].sort((x, y) => x - y)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    }
  });

  it('div is defined for primes, div-odd also for powers of two', () => {
    const defined = (name: OperationName, p: number) => {
      try {
        getOperation(name).domain(p);
        return true;
      } catch {
        return false;
      }
    };
    for (let p = 2; p <= 130; p++) {
      expect(defined('div', p)).toBe(isPrime(p));
      expect(defined('div-odd', p)).toBe(isPrime(p) || Number.isInteger(Math.log2(p)));
    }
  });

  it.each([
    ['div', 12, 'p = 12, where 2 has no inverse: give a prime such as 11.'],
    ['div', 4096, 'p = 4096, where 2 has no inverse: give a prime such as 4093.'],
    ['div-odd', 15, 'p = 15, where 3 has no inverse: give a prime such as 13.'],
    ['div-odd', 4, ''],
  ] as const)('%s mod %d', (name, p, expected) => {
    const { domain } = getOperation(name);
    if (expected === '') expect(domain(p)).toEqual({ elements: p, firstRight: 0 });
    else
      expect(messageOf(ArgumentError, () => domain(p))).toBe(
        `operation "${name}" is not defined for ${expected}`,
      );
  });
});
