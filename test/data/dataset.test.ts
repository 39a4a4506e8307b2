import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Dataset, makeDataset } from '../../lib/data/dataset';
import type { OperationName } from '../../lib/data/operations';
import { ArgumentError } from '../../lib/errors';
import { messageOf } from '../support/one-line';

interface OracleTable {
  rows: number;
  b_start: number;
  sha256: string;
  table?: number[][];
  distinct_c: number;
}

const oracle = JSON.parse(readFileSync(new URL('../oracle/g_operations.json', import.meta.url), 'utf8')) as {
  modular: Record<string, Record<string, OracleTable>>;
};

/** Rows as [a, b, result]. */
const triples = ({ tokens, targets }: Dataset) =>
  Array.from(targets, (target, row) => [tokens[3 * row] as number, tokens[3 * row + 1] as number, target]);

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('against the tables computed in Python', () => {
  for (const modulus of [7, 13, 97, 113]) {
    it(`add mod ${modulus}`, () => {
      const expected = oracle.modular[modulus]?.['x+y'] as OracleTable;
      const dataset = makeDataset({ operation: 'add', modulus });
      expect(dataset.rows).toBe(expected.rows);
      const text = triples(dataset).map((row) => `${row.join(',')}\n`);
      expect(sha256(text.join(''))).toBe(expected.sha256);
      expect(new Set(dataset.targets).size).toBe(expected.distinct_c);
      if (expected.table) expect(triples(dataset)).toEqual(expected.table);
    });
  }
});

describe('makeDataset', () => {
  it('lays a small table out', () => {
    expect(makeDataset({ operation: 'add', modulus: 2 })).toEqual({
      operation: 'add',
      modulus: 2,
      form: 'equals',
      elements: 2,
      rows: 4,
      sequenceLength: 3,
      vocabulary: 3,
      classes: 2,
      answers: 1,
      tokens: Int32Array.of(0, 0, 2, 0, 1, 2, 1, 0, 2, 1, 1, 2),
      targets: Int32Array.of(0, 1, 1, 0),
    });
  });

  it('has p² rows a-major, "=" as token p, and every token within the vocabulary', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), (modulus) => {
        const dataset = makeDataset({ operation: 'add', modulus });
        expect(dataset.rows).toBe(modulus ** 2);
        expect(dataset.targets).toHaveLength(modulus ** 2);
        for (let row = 0; row < dataset.rows; row++) {
          const [a, b] = [Math.floor(row / modulus), row % modulus];
          expect([...dataset.tokens.subarray(3 * row, 3 * row + 3)]).toEqual([a, b, modulus]);
          expect(dataset.targets[row]).toBe((a + b) % modulus);
        }
        expect(Math.max(...dataset.tokens)).toBe(dataset.vocabulary - 1);
        expect(Math.max(...dataset.targets)).toBe(dataset.classes - 1);
      }),
      { numRuns: 20 },
    );
  });

  it.each([1, 0, -7, 2.5, Number.NaN, Number.POSITIVE_INFINITY, 4097, 1e9])(
    'refuses modulus %s',
    (modulus) => {
      const message = messageOf(ArgumentError, () => makeDataset({ operation: 'add', modulus }));
      expect(message).toContain(`p = ${modulus} `);
    },
  );

  it('refuses an operation that does not exist yet', () => {
    const message = messageOf(ArgumentError, () => makeDataset({ operation: 'div', modulus: 97 }));
    expect(message).toContain('"div"');
    expect(message).toContain('add');
    messageOf(ArgumentError, () => makeDataset({ operation: 'nonsense' as OperationName, modulus: 97 }));
  });
});
