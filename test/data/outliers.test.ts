import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeDataset } from '../../lib/data/dataset';
import { withOutliers } from '../../lib/data/outliers';
import { gatherRows, type Split, splitRows } from '../../lib/data/split';
import { TOKEN_FORMS } from '../../lib/data/token-forms';
import { ArgumentError } from '../../lib/errors';
import { messageOf } from '../support/one-line';

const dataset = makeDataset({ operation: 'add', modulus: 11 });
const split = splitRows(dataset, { seed: 0, trainRows: 40 });
const draw = (count: number, seed = 0) => withOutliers(dataset, split, { count, seed });

/** Rows whose targets differ between two datasets. */
const changed = (training: typeof dataset) =>
  Array.from({ length: dataset.rows }, (_, row) => row).filter(
    (row) => training.targets[row] !== dataset.targets[row],
  );

describe('withOutliers', () => {
  it('mislabels as many training rows as asked for, each with another number, and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.nat(), (count, seed) => {
        const { training, rows, labels } = draw(count, seed);
        expect([rows.length, labels.length, new Set(rows).size]).toEqual([count, count, count]);
        expect(rows.every((row) => split.train.includes(row))).toBe(true);
        expect(changed(training)).toEqual([...rows].sort((a, b) => a - b));
        expect([...rows].map((row) => training.targets[row])).toEqual([...labels]);
        expect(labels.every((label) => label >= 0 && label < 11)).toBe(true);
        expect({ ...training, targets: dataset.targets }).toEqual(dataset);
        expect(gatherRows(training, split.validation)).toEqual(gatherRows(dataset, split.validation));
      }),
    );
  });

  it('keeps the outliers of a smaller count, and depends on the seed', () => {
    const [fewer, more] = [draw(7), draw(30)];
    expect([...more.rows.subarray(0, 7)]).toEqual([...fewer.rows]);
    expect([...more.labels.subarray(0, 7)]).toEqual([...fewer.labels]);
    expect(draw(7)).toEqual(fewer);
    expect(draw(7, 1).rows).not.toEqual(fewer.rows);
  });

  it('draws every wrong label equally often', () => {
    const small = makeDataset({ operation: 'x2y2', modulus: 4 });
    const parts: Split = { train: Int32Array.of(5), validation: Int32Array.of(0) }; // 1² + 1² = 2
    const counts = [0, 0, 0, 0];
    for (let seed = 0; seed < 600; seed++) {
      const label = withOutliers(small, parts, { count: 1, seed }).labels[0] as number;
      counts[label] = (counts[label] as number) + 1;
    }
    expect(counts[2]).toBe(0);
    for (const label of [0, 1, 3]) expect(Math.abs((counts[label] as number) - 200)).toBeLessThan(60);
  });

  it('changes every training copy of a row drawn more than once, and not the row as it validates', () => {
    const parts: Split = { train: Int32Array.of(3, 3, 8), validation: Int32Array.of(3, 9) };
    const { training, rows } = withOutliers(dataset, parts, { count: 2, seed: 0 });
    expect([...rows].sort()).toEqual([3, 8]);
    const [first, second] = gatherRows(training, parts.train).targets;
    expect(first).toBe(second);
    expect(gatherRows(dataset, parts.validation).targets[0]).toBe(3);
    expect(first).not.toBe(3);
  });

  it('rewrites the result where it is read as well', () => {
    for (const form of TOKEN_FORMS) {
      const written = makeDataset({ operation: 'add', modulus: 11, form });
      const { training, rows, labels } = withOutliers(written, split, { count: 5, seed: 0 });
      rows.forEach((row, index) => {
        const { tokens, targets } = gatherRows(training, [row]);
        expect(targets[0]).toBe(labels[index]);
        if (form === 'equation-eos') expect([tokens[5], targets[1]]).toEqual([labels[index], 11]);
        else expect(tokens).toEqual(gatherRows(written, [row]).tokens);
      });
    }
  });

  it.each([-1, 41, 1.5, Number.NaN])('refuses %s', (count) => {
    const message = messageOf(ArgumentError, () => draw(count));
    expect(message).toContain(`outliers ${count} `);
    expect(message).toContain('from 0 to 40');
  });
});
