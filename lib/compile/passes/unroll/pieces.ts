/**
 * @file A value cut along short axes into pieces, one for each position. A piece keeps the rank of the whole, with
 * length 1 where it was cut; pieces known to be zero are absent.
 */
import { makeValue, type Value } from '../../graph';
import type { DType } from '../../host';
import { at } from '../../kernels/rule';
import type { Builder } from '../builder';

/** A cut axis. It may be merged with others into one dimension of `outer·length·inner` elements, as by a reshape. */
export interface Cut {
  readonly axis: number;
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

/** A value in pieces. */
export interface Pieces {
  readonly dtype: DType;
  /** Of the whole. */
  readonly shape: readonly number[];
  /** By axis, at most one an axis. */
  readonly cuts: readonly Cut[];
  /** Row-major over the cuts' lengths; `undefined` is all zeros. */
  readonly pieces: readonly (Value | undefined)[];
}

/** The shape of each piece. */
export function pieceShape({ shape, cuts }: Pick<Pieces, 'shape' | 'cuts'>): number[] {
  return shape.map((dimension, axis) => {
    const cut = cuts.find((c) => c.axis === axis);
    return cut === undefined ? dimension : dimension / cut.length;
  });
}

export const sameCut = (a: Cut, b: Cut): boolean =>
  a.axis === b.axis && a.outer === b.outer && a.length === b.length && a.inner === b.inner;

/** Whether an axis holds the cut and nothing else. */
export const isPure = ({ outer, inner }: Cut): boolean => outer === 1 && inner === 1;

/** All positions of the cuts, row-major. */
export function positions(cuts: readonly Cut[]): number[][] {
  return cuts.reduce<number[][]>(
    (all, { length }) => all.flatMap((before) => Array.from({ length }, (_, i) => [...before, i])),
    [[]],
  );
}

/** Where a position stands in `Pieces.pieces`. */
export function pieceIndex(cuts: readonly Cut[], position: readonly number[]): number {
  return cuts.reduce((index, { length }, i) => index * length + at(position, i), 0);
}

/** The cuts after a reshape, or `undefined` where one of them would not stay in one dimension. */
export function reshapedCuts(
  { shape, cuts }: Pick<Pieces, 'shape' | 'cuts'>,
  next: readonly number[],
): Cut[] | undefined {
  const after = (dimensions: readonly number[], axis: number) =>
    dimensions.slice(axis + 1).reduce((product, dimension) => product * dimension, 1);
  const moved: Cut[] = [];
  for (const { axis, length, inner } of cuts) {
    const within = inner * after(shape, axis);
    // The dimension that holds the cut is the last one that begins no later than the cut does.
    const target = next.findIndex((dimension, i) => {
      const rest = after(next, i);
      return within % rest === 0 && (dimension * rest) % (length * within) === 0 && dimension > 1;
    });
    if (target < 0) return undefined;
    const nextInner = within / after(next, target);
    const dimension = at(next, target);
    if (moved.some((cut) => cut.axis === target)) return undefined;
    moved.push({ axis: target, outer: dimension / (length * nextInner), length, inner: nextInner });
  }
  // Pieces are listed by the order of their cuts, which a reshape keeps.
  return moved.every((cut, i) => i === 0 || cut.axis > at(moved, i - 1).axis) ? moved : undefined;
}

/** All pieces of a whole value. */
export function cutUp(build: Builder, x: Value, cuts: readonly Cut[]): Pieces {
  const form = { shape: x.shape, cuts };
  const pieces = positions(cuts).map((position) => {
    // Each dimension as three: outside the cut, the cut, inside.
    const split = x.shape.flatMap((dimension, axis) => {
      const cut = cuts.find((c) => c.axis === axis);
      return cut === undefined ? [1, dimension, 1] : [cut.outer, cut.length, cut.inner];
    });
    const begin = split.map(() => 0);
    const size = [...split];
    for (const [i, { axis }] of cuts.entries()) {
      begin[3 * axis + 1] = at(position, i);
      size[3 * axis + 1] = 1;
    }
    // Most cuts are whole dimensions, and then the three are not needed.
    if (cuts.every(isPure)) {
      const direct = (list: readonly number[]) => x.shape.map((_, axis) => at(list, 3 * axis + 1));
      return build.node('Slice', [x], { begin: direct(begin), size: direct(size) }, direct(size), x.dtype);
    }
    const slice = build.node('Slice', [build.reshape(x, split)], { begin, size }, size, x.dtype);
    return build.reshape(slice, pieceShape(form));
  });
  return { dtype: x.dtype, shape: x.shape, cuts, pieces };
}

/** The whole value of pieces. */
export function joined(build: Builder, { dtype, shape, cuts, pieces }: Pieces): Value {
  // Where cuts share a dimension with others it is split in three: outside the cut, the cut, inside.
  const parts = cuts.every(isPure) ? 1 : 3;
  const split = shape.flatMap((dimension, axis) => {
    const cut = cuts.find((c) => c.axis === axis);
    if (parts === 1) return [cut === undefined ? dimension : 1];
    return cut === undefined ? [1, dimension, 1] : [cut.outer, 1, cut.inner];
  });
  const join = (depth: number, list: readonly (Value | undefined)[]): Value | undefined => {
    const cut = cuts[depth];
    if (cut === undefined) return list[0];
    const share = list.length / cut.length;
    const inner = Array.from({ length: cut.length }, (_, i) =>
      join(depth + 1, list.slice(i * share, (i + 1) * share)),
    );
    return inARow(build, inner, parts * cut.axis + (parts === 1 ? 0 : 1));
  };
  const whole = join(
    0,
    pieces.map((piece) => piece && build.reshape(piece, split)),
  );
  return whole === undefined ? makeValue(dtype, shape, { fill: 0 }) : build.reshape(whole, shape);
}

/** Joins along an axis. Zeros at the ends are padding, those in between are written. */
function inARow(build: Builder, list: readonly (Value | undefined)[], axis: number): Value | undefined {
  const present = list.flatMap((value, i) => (value === undefined ? [] : [i]));
  const [first, last] = [present[0], present.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const { dtype, shape } = list[first] as Value;
  const long = (length: number) => shape.map((dimension, i) => (i === axis ? length : dimension));
  const zeros = makeValue(dtype, shape, { fill: 0 });
  const middle = list.slice(first, last + 1).map((value) => value ?? zeros);
  const inside =
    middle.length === 1 ? at(middle, 0) : build.node('Concat', middle, { axis }, long(middle.length), dtype);
  if (middle.length === list.length) return inside;
  const paddings = shape.map((_, i) => (i === axis ? [first, list.length - 1 - last] : [0, 0]));
  return build.node('PadV2', [inside], { paddings, constantValue: 0 }, long(list.length), dtype);
}
