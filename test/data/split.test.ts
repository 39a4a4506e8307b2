import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeDataset } from '../../lib/data/dataset';
import { gatherRows, mirrorShare, type SplitOptions, splitRows } from '../../lib/data/split';
import { TOKEN_FORMS } from '../../lib/data/token-forms';
import { ArgumentError } from '../../lib/errors';
import { messageOf } from '../support/one-line';

const paper = makeDataset({ operation: 'add', modulus: 113 });
const small = makeDataset({ operation: 'add', modulus: 5 });

describe('splitRows', () => {
  it('takes 3,830 of 12,769 rows at .3, as write-up 2 does', () => {
    const { train, validation } = splitRows(paper, { seed: 0, trainFraction: 0.3 });
    expect([train.length, validation.length]).toEqual([3830, 8939]);
    expect([...train.subarray(0, 8)]).toEqual([8804, 10584, 1877, 10776, 12491, 7893, 12412, 9712]);
    expect([train[3829], validation[0]]).toEqual([8241, 2128]);
  });

  it('puts each row in exactly one part', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 24 }), (seed, trainRows) => {
        const { train, validation } = splitRows(small, { seed, trainRows });
        expect(train).toHaveLength(trainRows);
        const all = [...train, ...validation].sort((a, b) => a - b);
        expect(all).toEqual(Array.from({ length: 25 }, (_, row) => row));
      }),
    );
  });

  it('takes the whole rows within a fraction', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.04, max: 1, maxExcluded: true, noNaN: true }), (trainFraction) => {
        const { train } = splitRows(small, { seed: 0, trainFraction });
        expect(train).toHaveLength(Math.floor(trainFraction * 25));
      }),
    );
  });

  it('keeps the training rows of a smaller split of the same seed', () => {
    const more = splitRows(paper, { seed: 3, trainRows: 5000 });
    const fewer = splitRows(paper, { seed: 3, trainRows: 1000 });
    expect(more.train.subarray(0, 1000)).toEqual(fewer.train);
  });

  it('depends on the seed alone', () => {
    const draw = (seed: number) => splitRows(small, { seed, trainRows: 12 });
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it.each([0, 1, -0.1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses fraction %s', (trainFraction) => {
    const message = messageOf(ArgumentError, () => splitRows(small, { seed: 0, trainFraction }));
    expect(message).toContain(`fraction ${trainFraction} `);
  });

  it('refuses a fraction of less than one row', () => {
    const message = messageOf(ArgumentError, () => splitRows(small, { seed: 0, trainFraction: 0.039 }));
    expect(message).toContain('less than one row');
  });

  it.each([
    [26, 'more than the 25 that exist'],
    [25, 'leaves no row to validate on'],
    [0, 'integer from 1 to 24'],
    [-3, 'integer from 1 to 24'],
    [2.5, 'integer from 1 to 24'],
    [Number.NaN, 'integer from 1 to 24'],
  ])('refuses %s training rows', (trainRows, expected) => {
    const message = messageOf(ArgumentError, () => splitRows(small, { seed: 0, trainRows }));
    expect(message).toContain(`${trainRows} training rows`);
    expect(message).toContain(expected);
  });

  it('refuses both or neither of fraction and rows', () => {
    const both = { seed: 0, trainFraction: 0.3, trainRows: 3 } as unknown as SplitOptions;
    const neither = { seed: 0 } as unknown as SplitOptions;
    for (const options of [both, neither]) messageOf(ArgumentError, () => splitRows(small, options));
  });

  it('refuses a seed that is not a whole number', () => {
    const message = messageOf(ArgumentError, () => splitRows(small, { seed: 1.5, trainRows: 3 }));
    expect(message).toContain('seed 1.5');
  });
});

describe('splitRows with replacement', () => {
  const drawn = (seed: number) => splitRows(paper, { seed, trainFraction: 0.3, method: 'with-replacement' });

  it('has the sizes of the exact split, and draws each row as often as chance has it', () => {
    // Of n draws from N rows, N · (1 − (1 − 1/N)ⁿ) are distinct; write-up 2's own draw had 3,319, 2,280 and 4,707.
    const seeds = [0, 1, 2, 3, 4, 5, 6, 7];
    const found = seeds.map((seed) => {
      const { train, validation } = drawn(seed);
      expect([train.length, validation.length]).toEqual([3830, 8939]);
      const trained = new Set(train);
      const leaked = validation.filter((row) => trained.has(row)).length;
      return [trained.size, leaked, paper.rows - new Set([...train, ...validation]).size];
    });
    const mean = (index: number) =>
      found.reduce((sum, row) => sum + (row[index] as number), 0) / seeds.length;
    expect(Math.abs(mean(0) - 3310)).toBeLessThan(25);
    expect(Math.abs(mean(1) - 2317)).toBeLessThan(60);
    expect(Math.abs(mean(2) - 4697)).toBeLessThan(60);
    const { train, validation } = drawn(0);
    expect(Math.min(...train, ...validation)).toBeLessThan(10);
    expect(Math.max(...train, ...validation)).toBeGreaterThan(12758);
  });

  it('depends on the seed alone, keeps the rows of a smaller split, and leaves the exact split as it is', () => {
    expect(drawn(7)).toEqual(drawn(7));
    expect(drawn(7)).not.toEqual(drawn(8));
    const fewer = splitRows(paper, { seed: 7, trainRows: 100, method: 'with-replacement' });
    expect(drawn(7).train.subarray(0, 100)).toEqual(fewer.train);
    const exact = splitRows(paper, { seed: 7, trainRows: 100, method: 'exact' });
    expect(exact).toEqual(splitRows(paper, { seed: 7, trainRows: 100 }));
    expect(exact.train).not.toEqual(fewer.train);
  });

  it('refuses a method that does not exist', () => {
    const options = { seed: 0, trainRows: 3, method: 'randint' } as unknown as SplitOptions;
    expect(messageOf(ArgumentError, () => splitRows(small, options))).toContain("split 'randint'");
  });
});

describe('gatherRows', () => {
  it('copies rows in the order asked for', () => {
    expect(gatherRows(small, [7, 0, 7])).toEqual({
      tokens: Int32Array.of(1, 2, 5, 0, 0, 5, 1, 2, 5),
      targets: Int32Array.of(3, 0, 3),
    });
    expect(gatherRows(small, []).tokens).toHaveLength(0);
  });

  it('copies both answers of a row', () => {
    const dataset = makeDataset({ operation: 'add', modulus: 5, form: 'equation-eos' });
    expect(gatherRows(dataset, [7, 0])).toEqual({
      tokens: Int32Array.of(5, 1, 7, 2, 6, 3, 5, 0, 7, 0, 6, 0),
      targets: Int32Array.of(3, 5, 0, 5),
    });
  });

  it.each([-1, 25, 0.5])('refuses row %s', (row) => {
    expect(messageOf(ArgumentError, () => gatherRows(small, [row]))).toContain(`row ${row} `);
  });
});

describe('mirrorShare', () => {
  it('counts the validation rows whose mirror trains', () => {
    // Rows of p = 2: (0,0) (0,1) (1,0) (1,1).
    const dataset = makeDataset({ operation: 'add', modulus: 2 });
    const share = (train: number[], validation: number[]) =>
      mirrorShare(dataset, { train: Int32Array.from(train), validation: Int32Array.from(validation) });
    expect(share([1], [0, 2, 3])).toBe(1 / 3);
    expect(share([0, 3], [1, 2])).toBe(0);
    expect(share([0, 1, 3], [2])).toBe(1);
  });

  it('finds the operands in every form, whether or not 0 is among them', () => {
    const split = splitRows(paper, { seed: 0, trainFraction: 0.3 });
    for (const form of TOKEN_FORMS) {
      const dataset = makeDataset({ operation: 'add', modulus: 113, form });
      expect(mirrorShare(dataset, split)).toBe(mirrorShare(paper, split));
    }
    // Rows of x / y mod 3: (0,1) (0,2) (1,1) (1,2) (2,1) (2,2).
    const division = makeDataset({ operation: 'div', modulus: 3 });
    const parts = { train: Int32Array.of(0, 3, 4), validation: Int32Array.of(1, 2, 5) };
    expect(mirrorShare(division, parts)).toBe(0);
    expect(mirrorShare(division, { train: Int32Array.of(3), validation: Int32Array.of(0, 4) })).toBe(0.5);
  });

  it('is about the training share on a random split', () => {
    const share = mirrorShare(paper, splitRows(paper, { seed: 0, trainFraction: 0.3 }));
    expect(Math.abs(share - 0.3)).toBeLessThan(0.02);
  });
});
