/** @file Tick marks of an axis that counts from 0. */

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Round numbers from 0, about six of them, and the last one where it does not run into its neighbour. */
export function indexTicks(count: number): number[] {
  const last = count - 1;
  const step = STEPS.find((size) => last / size <= 6) ?? Math.ceil(last / 6);
  const round = Array.from({ length: Math.floor(last / step) + 1 }, (_, index) => index * step);
  return [...round.filter((value) => value === 0 || last - value >= 0.4 * step), ...(last > 0 ? [last] : [])];
}
