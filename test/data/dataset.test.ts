import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Dataset, makeDataset, operandsOf } from '../../lib/data/dataset';
import type { OperationName } from '../../lib/data/operations';
import { TOKEN_FORMS, type TokenForm } from '../../lib/data/token-forms';
import { ArgumentError } from '../../lib/errors';
import { messageOf } from '../support/one-line';

interface OracleTable {
  rows: number;
  sha256: string;
  distinct_c: number;
  b_start?: number;
  table?: number[][];
  first200?: number[][];
  'sha256_with_opposite_convention_(a_first)'?: string;
}

const oracle = JSON.parse(readFileSync(new URL('../oracle/g_operations.json', import.meta.url), 'utf8')) as {
  modular: Record<string, Record<string, OracleTable>>;
  S5: { ops: Record<string, OracleTable> };
};

/** The reference's names of the operations. */
const MODULAR = {
  add: 'x+y',
  sub: 'x-y',
  div: 'x/y',
  'div-odd': 'x/y if y odd else x-y',
  x2y2: 'x^2+y^2',
  x2xyy2: 'x^2+xy+y^2',
  x2xyy2x: 'x^2+xy+y^2+x',
  x3xy: 'x^3+xy',
  x3xy2y: 'x^3+xy^2+y',
} as const;
const ON_S5 = { s5: 'x*y', s5conj: 'x*y*x^-1', s5xyx: 'x*y*x' } as const;

/** Rows as [a, b, result]. */
const triples = (dataset: Dataset) =>
  Array.from({ length: dataset.rows }, (_, row) => [
    ...operandsOf(dataset, row),
    dataset.targets[row * dataset.answers] as number,
  ]);

const sha256 = (rows: number[][]) =>
  createHash('sha256')
    .update(rows.map((row) => `${row.join(',')}\n`).join(''))
    .digest('hex');

describe('against the tables computed in Python', () => {
  for (const modulus of [7, 13, 97, 113]) {
    it.each(Object.entries(MODULAR))(`%s mod ${modulus}`, (operation, name) => {
      const expected = oracle.modular[modulus]?.[name] as OracleTable;
      const dataset = makeDataset({ operation: operation as OperationName, modulus });
      const rows = triples(dataset);
      expect(dataset.rows).toBe(expected.rows);
      expect(rows[0]?.[1]).toBe(expected.b_start);
      expect(sha256(rows)).toBe(expected.sha256);
      expect(new Set(dataset.targets).size).toBe(expected.distinct_c);
      if (modulus === 7) expect(rows).toEqual(expected.table);
    });
  }

  it.each(Object.entries(ON_S5))('%s', (operation, name) => {
    const expected = oracle.S5.ops[name] as OracleTable;
    const rows = triples(makeDataset({ operation: operation as OperationName }));
    expect(rows.slice(0, 200)).toEqual(expected.first200);
    expect(sha256(rows)).toBe(expected.sha256);
    const opposite = expected['sha256_with_opposite_convention_(a_first)'];
    // x ∘ y ∘ x reads the same from both ends; the others tell the two conventions apart.
    if (operation === 's5xyx') expect(opposite).toBe(expected.sha256);
    else expect(opposite).not.toBe(expected.sha256);
  });

  it('has all of theirs', () => {
    expect(Object.values(MODULAR)).toEqual(Object.keys(oracle.modular[97] as object));
    expect(Object.values(ON_S5)).toEqual(Object.keys(oracle.S5.ops));
  });
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

  it.each([
    ['pair', { vocabulary: 97, classes: 97, tokens: [96, 3, 0], targets: [2] }],
    ['equals', { vocabulary: 98, classes: 97, tokens: [96, 3, 97], targets: [2] }],
    ['equation', { vocabulary: 99, classes: 99, tokens: [96, 98, 3, 97], targets: [2] }],
    [
      'equation-eos',
      { vocabulary: 239, classes: 239, tokens: [97, 96, 99, 3, 98, 2], targets: [2, 97], answers: 2 },
    ],
  ] as const)('writes 96 + 3 mod 97 in the form %s', (form, { tokens, targets, ...sizes }) => {
    const dataset = makeDataset({ operation: 'add', modulus: 97, form });
    const row = 96 * 97 + 3;
    const { sequenceLength, answers } = dataset;
    expect(dataset).toMatchObject({ form, answers: 1, sequenceLength: tokens.length, ...sizes });
    expect([...dataset.tokens.subarray(row * sequenceLength, (row + 1) * sequenceLength)]).toEqual(tokens);
    expect([...dataset.targets.subarray(row * answers, (row + 1) * answers)]).toEqual(targets);
    expect(operandsOf(dataset, row)).toEqual([96, 3]);
  });

  it('has the same table in every form, each token within the vocabulary and each target a class', () => {
    const tasks = [
      ...Object.keys(MODULAR).map((operation) => ({ operation, modulus: 11 })),
      { operation: 's5conj' },
    ] as { operation: OperationName; modulus?: number }[];
    for (const task of tasks) {
      const expected = triples(makeDataset(task));
      for (const form of TOKEN_FORMS) {
        const dataset = makeDataset({ ...task, form });
        expect(triples(dataset)).toEqual(expected);
        expect(dataset.tokens).toHaveLength(dataset.rows * dataset.sequenceLength);
        expect(dataset.targets).toHaveLength(dataset.rows * dataset.answers);
        expect(dataset.tokens.every((token) => token >= 0 && token < dataset.vocabulary)).toBe(true);
        expect(dataset.targets.every((target) => target >= 0 && target < dataset.classes)).toBe(true);
      }
    }
  });

  it("gives S5 the released network's 239 tokens too", () => {
    const { elements, vocabulary, classes, modulus } = makeDataset({ operation: 's5', form: 'equation-eos' });
    expect([elements, vocabulary, classes, modulus]).toEqual([120, 239, 239, undefined]);
  });

  it('runs b fastest, for any modulus', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 40 }), (modulus) => {
        const dataset = makeDataset({ operation: 'add', modulus });
        const expected = Array.from({ length: modulus ** 2 }, (_, row) => {
          const [a, b] = [Math.floor(row / modulus), row % modulus];
          return [a, b, (a + b) % modulus];
        });
        expect(triples(dataset)).toEqual(expected);
      }),
      { numRuns: 10 },
    );
  });

  it.each([1, 0, -7, 2.5, Number.NaN, Number.POSITIVE_INFINITY, 4097, 1e9])(
    'refuses modulus %s',
    (modulus) => {
      const message = messageOf(ArgumentError, () => makeDataset({ operation: 'add', modulus }));
      expect(message).toContain(`p = ${modulus} `);
    },
  );

  it.each([
    [{ operation: 'add' }, 'operation "add" needs a modulus'],
    [{ operation: 's5', modulus: 97 }, 'leave p = 97 out'],
    [{ operation: 'div', modulus: 96 }, '2 has no inverse'],
    [{ operation: 'add', modulus: 7, form: 'words' as TokenForm }, "tokens 'words'"],
    [{ operation: 'nonsense' as OperationName, modulus: 97 }, '"nonsense"'],
  ] as const)('refuses %j', (options, expected) => {
    expect(messageOf(ArgumentError, () => makeDataset(options))).toContain(expected);
  });
});
