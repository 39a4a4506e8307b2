/** @file Whether contenders do the same work: trained from the same weights on the same rows, their losses agree. */

/** How far the first losses may lie apart. */
export const TOLERANCE = 1e-3;

/**
 * @param {readonly { name: string, losses: readonly number[] }[]} contenders the first is what the others are held to
 * @returns {string | undefined} one line that names the first contender whose losses differ; undefined if all agree
 */
export function disagreement(contenders) {
  const [first, ...others] = contenders;
  if (first === undefined) return undefined;
  const wrong = others.find(
    ({ losses }) =>
      losses.length !== first.losses.length ||
      losses.some((loss, step) => !(Math.abs(loss - Number(first.losses[step])) <= TOLERANCE)),
  );
  if (wrong === undefined) return undefined;
  const [expected, found] = [first, wrong].map(({ losses }) =>
    losses.map((loss) => loss.toFixed(5)).join(', '),
  );
  return `${wrong.name} does not do the same work: its first losses are ${found}, those of ${first.name} ${expected}`;
}
