import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCSV } from 'danfojs-node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../lib/errors';
import { formatMetrics, metricsHeader, parseMetrics, shortestFloat32 } from '../../lib/train/metrics-csv';
import type { Evaluation } from '../../lib/train/progress';
import { messageOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';

const rows: Evaluation[] = [
  {
    epoch: 0,
    trainAccuracy: 0,
    trainLoss: Math.fround(4.7),
    validationAccuracy: 1 / 128,
    validationLoss: 4.75,
  },
  {
    epoch: 25,
    trainAccuracy: 1,
    trainLoss: Math.fround(1e-8),
    validationAccuracy: 0.25,
    validationLoss: 12.5,
  },
];

const text = `Epoch,Training Accuracy,Training Loss,Validation Accuracy,Validation Loss
0,0,4.7,0.0078125,4.75
25,1,1e-8,0.25,12.5
`;

const folder = temporaryFolder();

describe('shortestFloat32', () => {
  it.each([
    [0.1, '0.1'],
    [Math.fround(0.1), '0.1'],
    [1 / 3, '0.33333334'],
    [16777216, '16777216'],
    [1e-8, '1e-8'],
    [2 ** -149, '1e-45'],
    [3.4028234663852886e38, '3.4028235e+38'],
    [0, '0'],
    [1e-60, '0'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('%s is written %s', (value, expected) => {
    expect(shortestFloat32(value)).toBe(expected);
  });

  it('reads back as the same float32, and no rounding to fewer digits does', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const written = shortestFloat32(value);
        expect(Math.fround(Number(written)) === value).toBe(true);
        const digits = written
          .replace(/e.*$/, '')
          .replace(/[-.]/g, '')
          .replace(/^0+|0+$/g, '').length;
        if (digits > 1) expect(Math.fround(Number(value.toPrecision(digits - 1)))).not.toBe(value);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the table', () => {
  it('has the columns of the write-up and one line an evaluation', () => {
    expect(metricsHeader() + formatMetrics(rows)).toBe(text);
    expect(formatMetrics([])).toBe('');
  });

  it('reads back', () => {
    expect(parseMetrics(text)).toEqual(rows);
    expect(parseMetrics(text.replaceAll('\n', '\r\n'))).toEqual(rows);
    expect(parseMetrics(metricsHeader())).toEqual([]);
  });

  it('reads back any evaluations, diverged ones too', () => {
    const loss = fc.float();
    const share = fc.float({ min: 0, max: 1, noNaN: true });
    const evaluation = fc.record({
      epoch: fc.maxSafeNat(),
      trainAccuracy: share,
      trainLoss: loss,
      validationAccuracy: share,
      validationLoss: loss,
    });
    const table = fc.uniqueArray(evaluation, { selector: ({ epoch }) => epoch });
    fc.assert(
      fc.property(table, (unordered) => {
        const ordered = unordered.toSorted((one, other) => one.epoch - other.epoch);
        // CSV knows no negative zero: adding 0 makes it positive.
        const expected = ordered.map((row) => ({
          ...row,
          trainLoss: row.trainLoss + 0,
          validationLoss: row.validationLoss + 0,
          trainAccuracy: row.trainAccuracy + 0,
          validationAccuracy: row.validationAccuracy + 0,
        }));
        expect(parseMetrics(metricsHeader() + formatMetrics(ordered))).toEqual(expected);
      }),
    );
  });

  it('opens in danfo.js with numeric columns', async () => {
    const path = join(folder, 'metrics.csv');
    writeFileSync(path, text);
    const frame = await readCSV(path);
    expect(frame.columns).toEqual(metricsHeader().trim().split(','));
    expect(frame.values).toEqual([
      [0, 0, 4.7, 0.0078125, 4.75],
      [25, 1, 1e-8, 0.25, 12.5],
    ]);
    expect(frame.dtypes).not.toContain('string');
  });
});

describe('refuses, naming the line', () => {
  const header = metricsHeader();
  it.each([
    ['an empty file', '', 'line 1 is not the header'],
    ['other columns', 'a,b\n1,2\n', 'line 1 is not the header'],
    ['a header cut off', header.slice(0, -1), 'line 1 is cut off'],
    ['a last line cut off', text.slice(0, -3), 'line 3 is cut off'],
    ['a line without its end', text.slice(0, -1), 'line 3 is cut off'],
    ['an empty line', `${header}\n0,0,1,0,1\n`, 'line 2 has 1 cells instead of 5'],
    ['a cell too many', `${header}0,0,1,0,1,9\n`, 'line 2 has 6 cells instead of 5'],
    ['an empty cell', `${header}0,0,,0,1\n`, 'line 2 has "" as Training Loss'],
    ['text', `${header}0,0,1,0,1\n1,0,x,0,1\n`, 'line 3 has "x" as Training Loss, which is not a number'],
    ['a hexadecimal number', `${header}0x1,0,1,0,1\n`, 'line 2 has "0x1" as Epoch'],
    ['a blank', `${header}0, 0,1,0,1\n`, 'line 2 has " 0" as Training Accuracy'],
    ['a fractional epoch', `${header}0.5,0,1,0,1\n`, 'which is not a whole number'],
    ['a negative epoch', `${header}-1,0,1,0,1\n`, 'which is not a whole number'],
    ['an accuracy above 1', `${header}0,1.01,1,0,1\n`, 'as Training Accuracy, which is not from 0 to 1'],
    ['an accuracy of NaN', `${header}0,0,1,NaN,1\n`, 'as Validation Accuracy, which is not from 0 to 1'],
    ['an epoch twice', `${header}0,0,1,0,1\n0,0,1,0,1\n`, 'line 3 has epoch 0 after epoch 0'],
    ['a quote that never closes', `${header}"0,0,1,0,1\n`, 'line 2'],
  ])('%s', (_, content, expected) => {
    const message = messageOf(FileError, () => parseMetrics(content, 'runs/metrics.csv'));
    expect(message).toMatch(/^runs\/metrics\.csv line \d+ /);
    expect(message).toContain(expected);
  });
});
