/**
 * @file What the singular values of a matrix say about it: how large it is, and of how many directions it consists. Two
 * effective ranks are in use under one name and are both given: they differ in whether σ or σ² is made a distribution.
 */
import { ArgumentError } from '../errors';

/** Measures of one matrix W with the singular values σ₁ ≥ σ₂ ≥ … ≥ 0. */
export interface SpectrumMeasures {
  /** σ/σ₁, from 1 downwards. */
  readonly relative: Float64Array;
  /**
   * exp(−Σ q ln q) with q = σ/Σσ, from 1 to the number of singular values, which it reaches where all are equal.
   *
   * @see Roy & Vetterli 2007, "The effective rank: a measure of effective dimensionality"
   */
  readonly effectiveRank: number;
  /** The same with q = σ²/Σσ²: the effective number of directions of the matrix's energy ‖W‖²_F; never above `effectiveRank`. */
  readonly energyRank: number;
  /** ‖W‖²_F/σ₁², from 1 to the number of singular values. */
  readonly stableRank: number;
  /** Σσ, the nuclear norm. */
  readonly sum: number;
  /** ‖W‖_F = √Σσ², the root of the sum of squared weights. */
  readonly norm: number;
}

/** The measures that are single numbers, by name. */
export type SpectrumMeasure = Exclude<keyof SpectrumMeasures, 'relative'>;

/**
 * Measures of a matrix from its singular values. All of them but `sum` and `norm` are those of W/σ₁, so that scaling a matrix
 * changes none. A matrix of zeros has no direction: its ranks are 0, and so is every σ/σ₁. Of singular values that are not
 * finite all measures are NaN.
 *
 * @param singularValues in any order, at least one, none negative
 * @throws {ArgumentError} for none, or a negative one
 */
export function spectrumMeasures(singularValues: ArrayLike<number>): SpectrumMeasures {
  const sigma = Float64Array.from(singularValues).sort().reverse();
  const [largest] = sigma;
  if (largest === undefined)
    throw new ArgumentError('there are 0 singular values, expected at least one of a matrix');
  if (!sigma.every(Number.isFinite)) return all(sigma.length, Number.NaN);
  const least = sigma.at(-1) as number;
  if (least < 0) throw new ArgumentError(`a singular value is ${least}, expected none below 0`);
  if (largest === 0) return all(sigma.length, 0);
  const relative = sigma.map((value) => value / largest);
  const squares = relative.map((value) => value ** 2);
  const stableRank = total(squares);
  return {
    relative,
    effectiveRank: entropyRank(relative),
    energyRank: entropyRank(squares),
    stableRank,
    sum: largest * total(relative),
    norm: largest * Math.sqrt(stableRank),
  };
}

function all(count: number, value: number): SpectrumMeasures {
  return {
    relative: new Float64Array(count).fill(value),
    effectiveRank: value,
    energyRank: value,
    stableRank: value,
    sum: value,
    norm: value,
  };
}

const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);

/** exp of the entropy of the distribution that some numbers ≥ 0 are in proportion to. 0·ln 0 is 0. */
function entropyRank(values: Float64Array): number {
  const sum = total(values);
  return Math.exp(-total(values.map((value) => (value > 0 ? (value / sum) * Math.log(value / sum) : 0))));
}
