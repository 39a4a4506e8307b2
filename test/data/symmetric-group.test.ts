import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getOperation } from '../../lib/data/operations';
import {
  S5_ORDER,
  s5Cycles,
  s5Element,
  s5Inverse,
  s5Product,
  s5Values,
} from '../../lib/data/symmetric-group';
import { ArgumentError } from '../../lib/errors';
import { messageOf } from '../support/one-line';

const oracle = JSON.parse(readFileSync(new URL('../oracle/g_operations.json', import.meta.url), 'utf8'))
  .S5 as { elements: number[][]; inverse_index: number[] };

const element = fc.integer({ min: 0, max: S5_ORDER - 1 });
const all = Array.from({ length: S5_ORDER }, (_, index) => index);
const shape = (x: number) =>
  s5Cycles(x)
    .map(({ length }) => length)
    .sort();

describe('S₅', () => {
  it('numbers its elements and inverts them as the reference does', () => {
    expect(all.map(s5Values)).toEqual(oracle.elements);
    expect(all.map(s5Inverse)).toEqual(oracle.inverse_index);
    expect(all.map((x) => s5Element(s5Values(x)))).toEqual(all);
  });

  it('applies the right factor first', () => {
    fc.assert(
      fc.property(element, element, fc.nat(4), (x, y, point) => {
        const after = s5Values(y)[point] as number;
        expect(s5Values(s5Product(x, y))[point]).toBe(s5Values(x)[after]);
      }),
    );
  });

  it('is a group', () => {
    fc.assert(
      fc.property(element, element, element, (x, y, z) => {
        expect(s5Product(s5Product(x, y), z)).toBe(s5Product(x, s5Product(y, z)));
        expect(s5Product(x, 0)).toBe(x);
        expect(s5Product(0, x)).toBe(x);
        expect(s5Product(x, s5Inverse(x))).toBe(0);
        expect(s5Product(s5Inverse(x), x)).toBe(0);
      }),
    );
    for (const x of all) expect(new Set(all.map((y) => s5Product(x, y))).size).toBe(S5_ORDER);
  });

  it('turns into the opposite convention when every permutation is called by its inverse', () => {
    const opposite = (x: number, y: number) => s5Product(y, x);
    fc.assert(
      fc.property(element, element, (x, y) => {
        expect(s5Inverse(s5Product(s5Inverse(x), s5Inverse(y)))).toBe(opposite(x, y));
      }),
    );
  });

  it('commutes in 840 of its 14,400 pairs: seven classes of conjugates times its order', () => {
    const commuting = all.flatMap((x) => all.filter((y) => s5Product(x, y) === s5Product(y, x)));
    expect(commuting).toHaveLength(7 * S5_ORDER);
    expect(new Set(all.map((x) => shape(x).join())).size).toBe(7);
  });

  it('conjugation keeps the cycle shape, and moves the points of each cycle', () => {
    const { apply } = getOperation('s5conj');
    fc.assert(
      fc.property(element, element, (x, y) => {
        const conjugate = apply(x, y, 0);
        expect(shape(conjugate)).toEqual(shape(y));
        expect(s5Product(conjugate, x)).toBe(s5Product(x, y));
      }),
    );
  });

  it('writes cycles from their smallest points', () => {
    expect(s5Cycles(0)).toEqual([]);
    expect(s5Cycles(s5Element([1, 0, 3, 4, 2]))).toEqual([
      [0, 1],
      [2, 3, 4],
    ]);
  });

  it('refuses what is no permutation', () => {
    for (const x of [-1, 120, 1.5, Number.NaN]) {
      expect(messageOf(ArgumentError, () => s5Values(x))).toContain(`no element ${x}`);
    }
    for (const values of [
      [0, 1, 2, 3],
      [0, 1, 2, 3, 3],
      [1, 2, 3, 4, 5],
      [],
      ['01', '234'] as unknown as number[],
    ]) {
      messageOf(ArgumentError, () => s5Element(values));
    }
  });
});
