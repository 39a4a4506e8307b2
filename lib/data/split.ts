/**
 * @file Which rows train and which validate: an exact split of one seeded permutation. Write-up 2 drew its training rows
 * with replacement, which repeats some, leaks others into validation and drops a third of the table; none of that can
 * happen here.
 */
import { ArgumentError } from '../errors';
import type { Dataset } from './dataset';
import { randomStream } from './random';

/** Row numbers of a dataset, each row in exactly one of the two. */
export interface Split {
  readonly train: Int32Array;
  readonly validation: Int32Array;
}

/** How many rows train: a share of all of them, or a number. */
export type SplitOptions =
  | { readonly seed: number; readonly trainFraction: number; readonly trainRows?: undefined }
  | { readonly seed: number; readonly trainRows: number; readonly trainFraction?: undefined };

/** The tokens and targets of some rows. */
export interface RowBatch {
  /** Row-major [rows, sequenceLength]. */
  readonly tokens: Int32Array;
  /** [rows]. */
  readonly targets: Int32Array;
}

function trainingRows(rows: number, { trainFraction, trainRows }: SplitOptions): number {
  if ((trainFraction === undefined) === (trainRows === undefined)) {
    throw new ArgumentError(
      'give either a training fraction or a number of training rows, not both or neither.',
    );
  }
  if (trainRows !== undefined) {
    if (!Number.isInteger(trainRows) || trainRows < 1) {
      throw new ArgumentError(`${trainRows} training rows: give an integer from 1 to ${rows - 1}.`);
    }
    if (trainRows >= rows) {
      const problem = trainRows > rows ? `more than the ${rows} that exist` : 'leaves no row to validate on';
      throw new ArgumentError(
        `${trainRows} training rows is ${problem}: give an integer from 1 to ${rows - 1}.`,
      );
    }
    return trainRows;
  }
  const fraction = trainFraction as number;
  if (!(fraction > 0 && fraction < 1)) {
    throw new ArgumentError(
      `training fraction ${fraction} is not between 0 and 1, both excluded: give one such as 0.3.`,
    );
  }
  const count = Math.floor(fraction * rows);
  if (count === 0) {
    throw new ArgumentError(
      `training fraction ${fraction} of ${rows} rows is less than one row: give a larger one, such as 0.3.`,
    );
  }
  return count;
}

/**
 * Splits the rows of a dataset. One seed permutes them once, whatever the number that trains: with more training rows,
 * those of a smaller split stay in training.
 *
 * @param options the seed, with either `trainFraction` in (0, 1), which takes ⌊fraction · rows⌋ rows in double precision
 *   (3,830 of 12,769 at .3), or `trainRows` from 1 to rows − 1
 * @returns row numbers in the order drawn
 * @throws {ArgumentError} if no row would train or none validate, or the seed is not a whole number
 */
export function splitRows(dataset: Dataset, options: SplitOptions): Split {
  const count = trainingRows(dataset.rows, options);
  const order = randomStream(options.seed, 'split').permutation(dataset.rows);
  return { train: order.slice(0, count), validation: order.slice(count) };
}

/**
 * Copies the tokens and targets of the given rows, in the given order; a row may occur more than once.
 *
 * @throws {ArgumentError} if a row does not exist
 */
export function gatherRows(dataset: Dataset, rows: ArrayLike<number>): RowBatch {
  const width = dataset.sequenceLength;
  const tokens = new Int32Array(rows.length * width);
  const targets = new Int32Array(rows.length);
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] as number;
    const target = dataset.targets[row];
    if (target === undefined) {
      throw new ArgumentError(`row ${row} does not exist: give integers from 0 to ${dataset.rows - 1}.`);
    }
    tokens.set(dataset.tokens.subarray(row * width, (row + 1) * width), index * width);
    targets[index] = target;
  }
  return { tokens, targets };
}

/**
 * The share of validation rows (a, b) whose mirror (b, a) is among the training rows, 0 to 1. For a symmetric operation
 * this is the validation accuracy of a model that has memorised the training rows and knows nothing but the symmetry.
 */
export function mirrorShare(dataset: Dataset, { train, validation }: Split): number {
  const pairKey = (row: number, left: 0 | 1): number => {
    const start = row * dataset.sequenceLength;
    const first = dataset.tokens[start + left] as number;
    const second = dataset.tokens[start + 1 - left] as number;
    return first * dataset.vocabulary + second;
  };
  const trained = new Set<number>();
  for (const row of train) trained.add(pairKey(row, 0));
  let mirrored = 0;
  for (const row of validation) if (trained.has(pairKey(row, 1))) mirrored += 1;
  return mirrored / validation.length;
}
