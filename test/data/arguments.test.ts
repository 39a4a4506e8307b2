import { describe, expect, it } from 'vitest';
import { type DatasetOptions, makeDataset } from '../../lib/data/dataset';
import { readDatasetCsv } from '../../lib/data/dataset-csv.node';
import { withOutliers } from '../../lib/data/outliers';
import { splitRows } from '../../lib/data/split';
import { ArgumentError } from '../../lib/errors';
import { messageOf } from '../support/one-line';

const none = undefined as never;
const dataset = makeDataset({ operation: 'add', modulus: 5 });
const split = splitRows(dataset, { seed: 0, trainRows: 10 });

describe('a call without its options, or with a misspelt one, is refused in one line', () => {
  it.each<[string, () => unknown, string]>([
    ['makeDataset()', () => makeDataset(none), 'the options of makeDataset are undefined'],
    [
      'makeDataset({ p })',
      () => makeDataset({ operation: 'add', p: 5 } as DatasetOptions),
      "the options of makeDataset have no 'p', expected some of operation, modulus, form",
    ],
    ['splitRows(d)', () => splitRows(dataset, none), 'the options of splitRows are undefined'],
    [
      'splitRows(d, { split })',
      () => splitRows(dataset, { seed: 0, trainRows: 3, split: 'exact' } as never),
      "the options of splitRows have no 'split'",
    ],
    [
      'withOutliers(d, s)',
      () => withOutliers(dataset, split, none),
      'the options of withOutliers are undefined',
    ],
    [
      'withOutliers(d, s, { k })',
      () => withOutliers(dataset, split, { k: 3, seed: 0 } as never),
      "the options of withOutliers have no 'k'",
    ],
  ])('%s', (_, call, expected) => {
    expect(messageOf(ArgumentError, call)).toContain(expected);
  });

  it('readDatasetCsv', async () => {
    await expect(readDatasetCsv(none)).rejects.toThrow(ArgumentError);
    await expect(readDatasetCsv('a.csv', { tokens: 'pair' } as never)).rejects.toThrow("have no 'tokens'");
  });
});
