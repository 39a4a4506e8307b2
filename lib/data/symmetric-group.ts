/**
 * @file S₅, the group of the 120 permutations of five things, as numbers 0 to 119. Permutation g is written as its values
 * (g(0), …, g(4)); they are numbered in lexicographic order, so 0 is the identity and 119 the reversal (4, 3, 2, 1, 0).
 *
 * Products are composed as functions: (x ∘ y)(i) = x(y(i)), y first. The code released with Power et al. 2022 takes x first.
 * That is the same task under other names: calling every permutation by its inverse turns one convention into the other.
 */
import { ArgumentError } from '../errors';

/** Number of permutations of five things, 5!. */
export const S5_ORDER = 120;

const POINTS = [0, 1, 2, 3, 4] as const;

/** All orders of the given things, lexicographic when they ascend. */
function orders(things: readonly number[]): number[][] {
  if (things.length === 0) return [[]];
  return things.flatMap((first) =>
    orders(things.filter((thing) => thing !== first)).map((rest) => [first, ...rest]),
  );
}

const ELEMENTS: readonly (readonly number[])[] = orders(POINTS);
const NUMBERS: ReadonlyMap<string, number> = new Map(
  ELEMENTS.map((values, number) => [values.join(''), number]),
);

/**
 * The values (g(0), …, g(4)) of a permutation.
 *
 * @param element its number, 0 to 119
 * @throws {ArgumentError} for another number
 */
export function s5Values(element: number): readonly number[] {
  const values = ELEMENTS[element];
  if (values === undefined) {
    throw new ArgumentError(`S5 has no element ${element}: give a whole number from 0 to ${S5_ORDER - 1}.`);
  }
  return values;
}

/**
 * The number of the permutation with the given values.
 *
 * @throws {ArgumentError} unless they are 0 to 4, each once
 */
export function s5Element(values: readonly number[]): number {
  const element = NUMBERS.get(values.join(''));
  if (element === undefined || values.length !== POINTS.length) {
    throw new ArgumentError(`(${values.join(', ')}) is no permutation: give 0 to 4, each once.`);
  }
  return element;
}

/** x ∘ y, that is first y, then x. Elements are numbers from 0 to 119. */
export function s5Product(x: number, y: number): number {
  const [outer, inner] = [s5Values(x), s5Values(y)];
  return s5Element(inner.map((point) => outer[point] as number));
}

/** x⁻¹, which undoes x. */
export function s5Inverse(x: number): number {
  const values = s5Values(x);
  return s5Element(POINTS.map((point) => values.indexOf(point)));
}

/** The cycles of two or more points that a permutation consists of, each from its smallest point; none for the identity. */
export function s5Cycles(x: number): number[][] {
  const values = s5Values(x);
  const seen = new Set<number>();
  const cycles: number[][] = [];
  for (const start of POINTS) {
    const cycle: number[] = [];
    for (let point: number = start; !seen.has(point); point = values[point] as number) {
      seen.add(point);
      cycle.push(point);
    }
    if (cycle.length > 1) cycles.push(cycle);
  }
  return cycles;
}
