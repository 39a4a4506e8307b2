import { describe, expect, it } from 'vitest';
import { firstInARow } from '../../lib/train/in-a-row';

const isOdd = (n: number) => n % 2 === 1;

describe('firstInARow', () => {
  it.each([
    ['the first of two', [2, 1, 3, 5], 2, 1],
    ['one is enough', [2, 4, 1], 1, 2],
    ['never so many', [1, 2, 1, 2], 2, undefined],
    ['nothing', [], 1, undefined],
  ])('%s', (_, items, needed, expected) => {
    expect(firstInARow(items, needed, isOdd)).toBe(expected);
  });

  it('begins anew where an item does not follow the one before it', () => {
    const next = (one: number, before: number) => one - before === 2;
    expect(firstInARow([1, 5, 7, 9], 3, isOdd, next)).toBe(1);
    expect(firstInARow([1, 5, 9], 2, isOdd, next)).toBeUndefined();
  });
});
