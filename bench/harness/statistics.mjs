/**
 * @file The statistics of interleaved rounds. Contenders are compared within a round, where the machine was in one
 * state, and only then over rounds: the median of the paired ratios, not the ratio of two medians.
 */

/**
 * @typedef {object} Summary Five numbers of a sample.
 * @property {number} median
 * @property {number} q1 lower quartile
 * @property {number} q3 upper quartile
 * @property {number} min
 * @property {number} max
 */

/**
 * A quantile by linear interpolation between order statistics (Hyndman & Fan 1996, definition 7; NumPy's default).
 *
 * @param {readonly number[]} values at least one number
 * @param {number} q from 0 to 1
 * @returns {number}
 * @throws {RangeError} for an empty sample
 */
export function quantile(values, q) {
  if (values.length === 0) throw new RangeError('an empty sample has no quantiles');
  const sorted = [...values].sort((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const [low, high] = [Number(sorted[below]), Number(sorted[Math.min(below + 1, sorted.length - 1)])];
  return low + (high - low) * (position - below);
}

/**
 * @param {readonly number[]} values at least one number
 * @returns {Summary}
 * @throws {RangeError} for an empty sample
 */
export function summarise(values) {
  const [min, q1, median, q3, max] = [0, 0.25, 0.5, 0.75, 1].map((q) => quantile(values, q));
  return /** @type {Summary} */ ({ median, q1, q3, min, max });
}

/**
 * What each round says of two contenders: value ÷ baseline, round by round.
 *
 * @param {readonly number[]} values one number a round
 * @param {readonly number[]} baseline the same rounds
 * @returns {number[]}
 * @throws {RangeError} if the two differ in length
 */
export function pairedRatios(values, baseline) {
  if (values.length !== baseline.length) {
    throw new RangeError(`${values.length} rounds cannot be paired with ${baseline.length}`);
  }
  return values.map((value, round) => value / Number(baseline[round]));
}

/**
 * A uniformly random order (Fisher and Yates), leaving the argument as it is.
 *
 * @template T
 * @param {readonly T[]} items
 * @param {() => number} random uniform on [0, 1)
 * @returns {T[]}
 */
export function shuffled(items, random) {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const pick = Math.floor(random() * (last + 1));
    [order[last], order[pick]] = [/** @type {T} */ (order[pick]), /** @type {T} */ (order[last])];
  }
  return order;
}
