import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Digits, splitDigits } from '../../lib/data/digits';
import { loadDigits, readDigits } from '../../lib/data/digits.node';
import { ArgumentError, FileError } from '../../lib/errors';
import { messageOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';

/** How many images of each class the package has. */
const COUNTS = [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978];

const countsOf = (labels: Int32Array, rows: Iterable<number>) => {
  const counts = new Array<number>(10).fill(0);
  for (const row of rows) {
    const label = labels[row] as number;
    counts[label] = (counts[label] as number) + 1;
  }
  return counts;
};

describe('loadDigits', () => {
  let digits: Digits;
  beforeAll(async () => {
    digits = await loadDigits();
  });

  it('has 10,000 images of 28 × 28 grey levels, class after class', () => {
    const { rows, images, labels } = digits;
    expect([rows, images.length, labels.length]).toEqual([10_000, 7_840_000, 10_000]);
    expect(countsOf(labels, labels.keys())).toEqual(COUNTS);
    const levels = new Set(images);
    expect(levels.size).toBe(256);
    expect([...levels].every((level) => Number.isInteger(Math.fround(level * 255)))).toBe(true);
    expect([Math.min(...levels), Math.max(...levels)]).toEqual([0, 1]);
  });

  it('shows digits: the mean zero is a ring, the mean one a stroke', () => {
    const centre = 14 * 28 + 14;
    const meanInk = (label: number) => {
      const rows = [...digits.labels.keys()].filter((row) => digits.labels[row] === label);
      const ink = (row: number) => digits.images[row * 784 + centre] as number;
      return rows.reduce((sum, row) => sum + ink(row), 0) / rows.length;
    };
    expect(meanInk(0)).toBeLessThan(0.1);
    expect(meanInk(1)).toBeGreaterThan(0.7);
  });
});

describe('a copy of the package', () => {
  const folder = temporaryFolder();
  const file = (digit: number) => join(folder, 'src', 'digits', `${digit}.json`);

  it('is refused without its files, with a broken one, or with other digits', () => {
    expect(messageOf(FileError, () => readDigits(folder))).toContain(`cannot read ${file(0)}: there is no`);
    mkdirSync(join(folder, 'src', 'digits'), { recursive: true });
    for (let digit = 0; digit < 10; digit++) writeFileSync(file(digit), '{"data":[0.5,1]}');
    expect(messageOf(FileError, () => readDigits(folder))).toContain('are not those of mnist 1.1.0');
    writeFileSync(file(3), '{"data":[0.5,');
    expect(messageOf(FileError, () => readDigits(folder))).toContain(`cannot read ${file(3)}: `);
  });
});

describe('splitDigits', () => {
  const labels = Int32Array.from(COUNTS.flatMap((count, digit) => new Array<number>(count).fill(digit)));

  it('has 7,000, 1,000 and 2,000 rows, each once, with every class in its share', () => {
    const { train, tuning, test } = splitDigits({ labels });
    expect([train.length, tuning.length, test.length]).toEqual([7000, 1000, 2000]);
    expect(new Set([...train, ...tuning, ...test]).size).toBe(10_000);
    countsOf(labels, test).forEach((count, digit) => {
      expect(Math.abs(count - (COUNTS[digit] as number) / 5)).toBeLessThan(1);
    });
    countsOf(labels, tuning).forEach((count, digit) => {
      expect(Math.abs(count - (COUNTS[digit] as number) / 10)).toBeLessThan(1);
    });
  });

  it('is the same each time, another with another seed, and not in the order of the classes', () => {
    expect(splitDigits({ labels })).toEqual(splitDigits({ labels }, { seed: 0 }));
    expect(splitDigits({ labels }).test).not.toEqual(splitDigits({ labels }, { seed: 1 }).test);
    expect(
      new Set(
        splitDigits({ labels })
          .train.slice(0, 100)
          .map((row) => labels[row] as number),
      ).size,
    ).toBe(10);
  });

  it('shares out any labels', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 60 }), (list) => {
        const { train, tuning, test } = splitDigits({ labels: Int32Array.from(list) });
        expect([...train, ...tuning, ...test].sort((a, b) => a - b)).toEqual([...list.keys()]);
        expect(test).toHaveLength(Math.round(list.length / 5));
        expect(tuning).toHaveLength(Math.round(list.length / 10));
      }),
    );
  });

  it('refuses a label that is no digit', () => {
    const message = messageOf(ArgumentError, () => splitDigits({ labels: Int32Array.of(3, 10) }));
    expect(message).toContain('label 10 of row 1');
  });
});
