/**
 * @file The course of a run's singular values: their measures at every recorded step, when they drop, and whether that is
 * before or after the accuracies arrive.
 */
import { ArgumentError } from '../errors';
import type { Spectrum } from '../train/spectrum';
import { type SpectrumMeasure, spectrumMeasures } from './spectrum';

/** Names of the measures that are single numbers. */
export const SPECTRUM_MEASURES: readonly SpectrumMeasure[] = [
  'effectiveRank',
  'energyRank',
  'stableRank',
  'sum',
  'norm',
];

/** A measure at every recorded step. */
export interface Course {
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

/** The measures of one matrix through training, each at every recorded step. */
export interface MatrixCourse extends Readonly<Record<SpectrumMeasure, readonly number[]>> {
  readonly name: string;
}

/**
 * The measures of every matrix at every recorded step.
 *
 * @param names the matrices wanted, in the order wanted; default all
 * @throws {ArgumentError} for a matrix that was not recorded
 */
export function matrixCourses(spectrum: Spectrum, names?: readonly string[]): MatrixCourse[] {
  return recordedMatrices(spectrum, names).map(({ name, singularValues }) => {
    const measures = singularValues.map(spectrumMeasures);
    const course = (measure: SpectrumMeasure) => measures.map((each) => each[measure]);
    return {
      name,
      effectiveRank: course('effectiveRank'),
      energyRank: course('energyRank'),
      stableRank: course('stableRank'),
      sum: course('sum'),
      norm: course('norm'),
    };
  });
}

/**
 * The recorded matrices of these names.
 *
 * @throws {ArgumentError} for one that was not recorded
 */
export function recordedMatrices({ matrices }: Spectrum, names?: readonly string[]): Spectrum['matrices'] {
  if (names === undefined) return matrices;
  return names.map((name) => {
    const found = matrices.find((matrix) => matrix.name === name);
    if (found !== undefined) return found;
    const known = matrices.map((matrix) => matrix.name).join(', ');
    throw new ArgumentError(`no singular values of '${name}' were recorded, expected some of ${known}`);
  });
}

/**
 * One measure of a whole model: its mean over the matrices for the ranks, each as a share of its largest possible value; the
 * sum over the matrices for Σσ, and the root of the sum of squares for the norm.
 *
 * @param names the matrices that count; default all
 */
export function modelCourse(spectrum: Spectrum, measure: SpectrumMeasure, names?: readonly string[]): Course {
  const matrices = recordedMatrices(spectrum, names);
  const values = spectrum.steps.map((_, i) => {
    const each = matrices.map(({ shape, singularValues }) => ({
      most: Math.min(...shape),
      value: spectrumMeasures(singularValues[i] as Float32Array)[measure],
    }));
    if (measure === 'sum') return each.reduce((sum, { value }) => sum + value, 0);
    if (measure === 'norm') return Math.hypot(...each.map(({ value }) => value));
    return each.reduce((sum, { value, most }) => sum + value / most, 0) / each.length;
  });
  return { steps: spectrum.steps, values };
}

/** Where a measure drops. */
export interface Drop {
  /** The first step after the maximum at which the measure has fallen by `share`, or more, of the way to its final value. */
  readonly step: number;
  /** Its largest value, and the first step that has it. */
  readonly maximum: number;
  readonly maximumStep: number;
  /** Its value at the last step. */
  readonly final: number;
  /** How much of its maximum it loses by the end, above 0 and at most 1. */
  readonly fall: number;
}

export interface DropOptions {
  /**
   * How much of the way from its maximum to its final value a measure must have fallen, above 0 and below 1: 0.1 where it begins
   * to fall, 0.9 where it has nearly fallen. Default 0.5, half-way.
   */
  readonly share?: number;
  /** The least share of its maximum that a measure must lose by the end to have dropped at all, from 0 to 1. Default 0. */
  readonly leastFall?: number;
  /** The last step that counts: the final value is the one there. Default: the last recorded. */
  readonly until?: number;
}

/**
 * When a measure drops: the first step, after that of its maximum, at which it has fallen by `share` of the way from its maximum to
 * its final value, or by more. A measure that ends at its maximum does not drop, nor does one that loses less than `leastFall`.
 *
 * Where a measure falls below its final value and rises again, the step is that of the first fall. Values that are not finite
 * are left out. The final value is that of where the run was stopped, and a decaying measure is lower the later that is: runs
 * to be compared should end, or be cut by `until`, by one rule. How exact the step is depends on how closely the measure was recorded.
 *
 * @param course a measure ≥ 0 at ascending steps
 * @throws {ArgumentError} if there are not as many values as steps, or `share` or `leastFall` is out of range
 */
export function spectrumDrop(
  { steps, values }: Course,
  { share = 0.5, leastFall = 0, until = Number.POSITIVE_INFINITY }: DropOptions = {},
): Drop | undefined {
  if (steps.length !== values.length)
    throw new ArgumentError(
      `there are ${values.length} values at ${steps.length} steps, expected one at each`,
    );
  if (!(share > 0 && share < 1))
    throw new ArgumentError(`share is ${share}, expected one above 0 and below 1 such as 0.5`);
  if (!(leastFall >= 0 && leastFall <= 1))
    throw new ArgumentError(`leastFall is ${leastFall}, expected a share from 0 to 1 such as 0.05`);
  const points = values
    .map((value, i) => ({ value, step: steps[i] as number }))
    .filter(({ value, step }) => Number.isFinite(value) && step <= until);
  const last = points.at(-1);
  if (last === undefined) return undefined;
  const highest = points.reduce((best, point) => (point.value > best.value ? point : best));
  const fall = (highest.value - last.value) / highest.value;
  if (!(fall > 0 && fall >= leastFall)) return undefined;
  const depth = share * (highest.value - last.value);
  const point = points.find(({ step, value }) => step > highest.step && highest.value - value >= depth);
  return (
    point && {
      step: point.step,
      maximum: highest.value,
      maximumStep: highest.step,
      final: last.value,
      fall,
    }
  );
}
