/** @file The distance of drawn numbers from the law that they should follow (Kolmogorov and Smirnov). */
import * as tf from '@tensorflow/tfjs-core';

/** √n times the largest distance between two distributions of n numbers is beyond this with probability 3e-7. */
export const KOLMOGOROV_BOUND = 2.8;

/** The largest distance between the numbers' distribution and a law, scaled by √n. @param below The law's P(X ≤ x). */
export function kolmogorovDistance(
  numbers: ArrayLike<number>,
  below: (x: Float64Array) => Float64Array,
): number {
  const sorted = Float64Array.from(numbers).sort();
  const n = sorted.length;
  const expected = below(sorted);
  return Math.sqrt(n) * expected.reduce((most, p, i) => Math.max(most, (i + 1) / n - p, p - i / n), 0);
}

/** The uniform law on ±bound. */
export const uniformLaw = (bound: number) => (x: Float64Array) =>
  x.map((value) => Math.min(1, Math.max(0, (value / bound + 1) / 2)));

/** The normal law of mean 0. */
export const normalLaw = (std: number) => (x: Float64Array) => {
  const erf = tf.tidy(() => tf.erf(tf.tensor1d(Array.from(x, (value) => value / (std * Math.SQRT2)))));
  const values = erf.dataSync();
  erf.dispose();
  return Float64Array.from(values, (value) => (1 + value) / 2);
};
