/**
 * @file Outliers: training rows whose result is replaced by a wrong one, as in Power et al. 2022. The code
 * released with it gives k training rows the result of any row at random, which is the right one about once in n; here a label
 * is drawn from the n − 1 wrong ones, each as likely, so that k outliers are k wrong labels.
 */
import { ArgumentError } from '../errors';
import { requireRecord } from './arguments';
import { type Dataset, operandsOf } from './dataset';
import { randomStream } from './random';
import type { Split } from './split';
import { tokenLayout } from './token-forms';

/** How many training rows to mislabel, and which draw. */
export interface OutlierOptions {
  /** From 0 to the number of distinct training rows. */
  readonly count: number;
  /** Whole number from 0 to 2⁵³ − 1. With one seed a larger count keeps the outliers of a smaller one. */
  readonly seed: number;
}

/** A dataset to train on, with what was changed in it. */
export interface Outliers {
  /**
   * The dataset with the wrong labels. Training rows are taken from it, validation rows from the original: where rows were
   * drawn with replacement, a training row may be a validation row as well, and is judged by its right result.
   */
  readonly training: Dataset;
  /** The mislabelled rows, in the order drawn. */
  readonly rows: Int32Array;
  /** Their wrong results, in the same order. */
  readonly labels: Int32Array;
}

/**
 * Mislabels some of the training rows.
 *
 * @throws {ArgumentError} if there are not that many training rows, or the seed is not a whole number
 */
export function withOutliers(dataset: Dataset, split: Split, options: OutlierOptions): Outliers {
  requireRecord('the options of withOutliers', options, '{ count: 10, seed: 0 }', ['count', 'seed']);
  const { count, seed } = options;
  const candidates = Int32Array.from(new Set(split.train));
  if (!Number.isInteger(count) || count < 0 || count > candidates.length) {
    throw new ArgumentError(
      `outliers ${count} is not a whole number from 0 to ${candidates.length}, the training rows there are: give one of those.`,
    );
  }
  const order = randomStream(seed, 'outliers').permutation(candidates.length);
  const rows = order.slice(0, count).map((index) => candidates[index] as number);
  const random = randomStream(seed, 'outliers/labels');
  const { answers, elements } = dataset;
  const labels = rows.map((row) => {
    const right = dataset.targets[row * answers] as number;
    const wrong = random.integer(elements - 1);
    return wrong < right ? wrong : wrong + 1;
  });
  if (count === 0) return { training: dataset, rows, labels };
  const tokens = dataset.tokens.slice();
  const targets = dataset.targets.slice();
  const layout = tokenLayout(dataset.form);
  rows.forEach((row, index) => {
    const [a, b] = operandsOf(dataset, row);
    const label = labels[index] as number;
    // In the form `equation-eos` the result is among the tokens read as well.
    tokens.set(layout.read(a, b, label, elements), row * dataset.sequenceLength);
    targets[row * answers] = label;
  });
  return { training: { ...dataset, tokens, targets }, rows, labels };
}
