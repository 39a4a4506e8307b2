/**
 * @file Fewer points for the same picture: a curve of thousands of evaluations has no more than a few hundred pixels to
 * show them on, and every point is carried by the notebook that holds the figure.
 */

/** One point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Keeps at most about `most` points of a curve given in order of x, such that its drawing on a logarithmic x axis does
 * not change visibly: the axis is cut into bins, and of each bin the first, the lowest, the highest and the last point
 * stay. Short curves come back whole.
 *
 * @param points x > 0, ascending
 */
export function thin<P extends Point>(points: readonly P[], most: number): readonly P[] {
  if (points.length <= most) return points;
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last) return points;
  const bins = Math.max(1, Math.floor(most / 4));
  const start = Math.log(first.x);
  const scale = bins / Math.max(Math.log(last.x) - start, Number.MIN_VALUE);
  const binOf = (point: Point) => Math.min(bins - 1, Math.floor((Math.log(point.x) - start) * scale));
  const kept: P[] = [];
  let from = 0;
  while (from < points.length) {
    const bin = binOf(points[from] as P);
    let to = from;
    let lowest = from;
    let highest = from;
    while (to < points.length && binOf(points[to] as P) === bin) {
      if ((points[to] as P).y < (points[lowest] as P).y) lowest = to;
      if ((points[to] as P).y > (points[highest] as P).y) highest = to;
      to++;
    }
    const indices = [...new Set([from, lowest, highest, to - 1])].sort((a, b) => a - b);
    kept.push(...indices.map((index) => points[index] as P));
    from = to;
  }
  return kept;
}
