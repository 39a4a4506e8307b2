/** @file Handwritten digits for the check of an optimiser on data that is not arithmetic: what they are, and a fixed split. */
import { ArgumentError } from '../errors';
import { randomStream } from './random';

/** Pixels along each side of an image. */
export const DIGIT_SIDE = 28;
/** Pixels of an image, 28 × 28. */
export const DIGIT_PIXELS = DIGIT_SIDE ** 2;
/** Number of classes, the digits 0 to 9. */
export const DIGIT_CLASSES = 10;

/** Images of handwritten digits with their classes. */
export interface Digits {
  /** Number of images. */
  readonly rows: number;
  /** Row-major [rows, 784], each image row by row from the top left: 0 is the empty ground, 1 full ink. */
  readonly images: Float32Array;
  /** [rows], 0 to 9. */
  readonly labels: Int32Array;
}

/** Row numbers of the digits; each row is in one part. */
export interface DigitSplit {
  /** 70 %: 7,000 of 10,000. */
  readonly train: Int32Array;
  /** 10 %, for choosing learning rates and the like. */
  readonly tuning: Int32Array;
  /** 20 %, to be looked at once. */
  readonly test: Int32Array;
}

/**
 * Splits the digits so that each part has every class in the share it has in all of them, to within one image: 8,000 of
 * 10,000 to train on, 1,000 of which are kept for tuning, and 2,000 to test on.
 *
 * @param options the seed, a whole number; default 0
 * @returns row numbers in an order drawn anew for each part
 * @throws {ArgumentError} for a label that is no digit, or a seed that is not a whole number
 */
export function splitDigits(
  { labels }: Pick<Digits, 'labels'>,
  { seed = 0 }: { readonly seed?: number } = {},
): DigitSplit {
  const classes = rowsByClass(labels);
  const sizes = classes.map(({ length }) => length);
  const tests = apportioned(sizes, Math.round(labels.length / 5));
  const left = sizes.map((size, digit) => size - (tests[digit] as number));
  const tunings = apportioned(left, Math.round(labels.length / 10));
  const parts = { test: [] as number[], tuning: [] as number[], train: [] as number[] };
  classes.forEach((rows, digit) => {
    const order = randomStream(seed, `digits/${digit}`).permutation(rows.length);
    const drawn = Array.from(order, (index) => rows[index] as number);
    const [test, tuning] = [tests[digit] as number, tunings[digit] as number];
    parts.test.push(...drawn.slice(0, test));
    parts.tuning.push(...drawn.slice(test, test + tuning));
    parts.train.push(...drawn.slice(test + tuning));
  });
  const mixed = (name: keyof typeof parts): Int32Array =>
    randomStream(seed, `digits/${name}`)
      .permutation(parts[name].length)
      .map((index) => parts[name][index] as number);
  return { train: mixed('train'), tuning: mixed('tuning'), test: mixed('test') };
}

function rowsByClass(labels: Int32Array): number[][] {
  const classes: number[][] = Array.from({ length: DIGIT_CLASSES }, () => []);
  labels.forEach((label, row) => {
    const rows = classes[label];
    if (rows === undefined) {
      throw new ArgumentError(`label ${label} of row ${row} is no digit: give whole numbers from 0 to 9.`);
    }
    rows.push(row);
  });
  return classes;
}

/** Whole numbers of the given sum in proportion to the sizes: rounded down, the rest to the largest remainders. */
function apportioned(sizes: readonly number[], total: number): number[] {
  const all = sizes.reduce((sum, size) => sum + size, 0);
  const shares = sizes.map((size) => (size * total) / Math.max(all, 1));
  const counts = shares.map(Math.floor);
  const remainder = (index: number) => (shares[index] as number) - (counts[index] as number);
  const order = sizes.map((_, index) => index).sort((a, b) => remainder(b) - remainder(a) || a - b);
  const left = total - counts.reduce((sum, count) => sum + count, 0);
  for (const index of order.slice(0, left)) counts[index] = (counts[index] as number) + 1;
  return counts;
}
