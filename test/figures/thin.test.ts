import { describe, expect, it } from 'vitest';
import { thin } from '../../lib/figures/thin';

const curve = (length: number, y: (x: number) => number) =>
  Array.from({ length }, (_, index) => ({ x: index + 1, y: y(index + 1) }));

describe('thin', () => {
  it('leaves short curves whole', () => {
    const points = curve(100, Math.sin);
    expect(thin(points, 100)).toBe(points);
  });

  it('keeps the ends and every extreme of a long one', () => {
    const points = curve(50_000, (x) => (x === 31_415 ? 9 : x === 27_182 ? -9 : Math.sin(x / 1000)));
    const kept = thin(points, 400);
    expect(kept.length).toBeLessThanOrEqual(400);
    expect(kept.length).toBeGreaterThan(150);
    expect(kept[0]).toEqual(points[0]);
    expect(kept.at(-1)).toEqual(points.at(-1));
    expect(kept).toContainEqual({ x: 31_415, y: 9 });
    expect(kept).toContainEqual({ x: 27_182, y: -9 });
    expect(kept.every((point, index) => index === 0 || point.x > (kept[index - 1]?.x ?? 0))).toBe(true);
  });
});
