/** @file Drawn shapes and tensors for the kernels' tests. */
import fc from 'fast-check';
import type { DType, HostTensor } from '../../../lib/compile';

const size = (shape: readonly number[]) => shape.reduce((product, d) => product * d, 1);

/** A shape of dimensions 1 to 4. */
export function shapes({ min = 0, max = 4 } = {}): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 1, max: 4 }), { minLength: min, maxLength: max, size: 'max' });
}

/** Shapes that broadcast to one another: axes left out in front, or of size 1. */
export function broadcastShapes(count: number): fc.Arbitrary<number[][]> {
  const operand = (whole: readonly number[]) =>
    fc
      .tuple(fc.nat(whole.length), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
      .map(([dropped, ones]) => whole.slice(dropped).map((d, i) => (ones[i] ? 1 : d)));
  return shapes().chain((whole) =>
    fc
      .tuple(fc.nat(count - 1), ...Array.from({ length: count }, () => operand(whole)))
      // One operand keeps the whole shape, so that every size is met.
      .map(([keeper, ...operands]) => operands.map((shape, i) => (i === keeper ? [...whole] : shape))),
  );
}

interface Range {
  readonly low?: number;
  readonly high?: number;
}

/**
 * A tensor of multiples of 1/16 for float32, whose sums and products are exact and often tie; integers for int32.
 * Numbers come from a small generator rather than from fast-check, which would spend most of the time on them.
 */
export function tensors(
  shape: readonly number[],
  dtype: DType = 'float32',
  { low = -4, high = 4 }: Range = {},
): fc.Arbitrary<HostTensor> {
  return fc.nat().map((seed) => filled(shape, dtype, { low, high }, seed));
}

/** The drawn tensor of a seed. */
export function filled(
  shape: readonly number[],
  dtype: DType,
  { low = -4, high = 4 }: Range,
  seed: number,
): HostTensor {
  const step = dtype === 'float32' ? 1 / 16 : 1;
  let state = seed | 1;
  const next = () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (state ^ (state >>> 13)) >>> 0;
  };
  const number = () => {
    if (dtype === 'bool') return (next() >>> 7) & 1;
    const first = Math.ceil(low / step);
    const steps = Math.floor(high / step) - first + 1;
    return (first + ((next() >>> 7) % steps)) * step;
  };
  const make = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype];
  return { dtype, shape, data: make.from(Array.from({ length: size(shape) }, number)) };
}

/** A host tensor of given numbers. */
export function host(data: readonly number[], shape = [data.length], dtype: DType = 'float32'): HostTensor {
  const make = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype];
  return { dtype, shape, data: make.from(data) };
}

/** An axis of a rank, counted from either end. */
export const axisOf = (rank: number) => fc.integer({ min: -rank, max: rank - 1 });

/** Some axes of a rank, all different, each counted from either end; `undefined` stands for all. */
export function axesOf(rank: number): fc.Arbitrary<number[] | undefined> {
  const all = Array.from({ length: rank }, (_, i) => i);
  const some = fc
    .tuple(fc.subarray(all), fc.array(fc.boolean(), { minLength: rank, maxLength: rank }))
    .map(([axes, fromEnd]) => axes.map((axis) => (fromEnd[axis] ? axis - rank : axis)));
  return fc.option(some, { nil: undefined });
}
