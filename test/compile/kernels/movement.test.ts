import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DType, HostTensor } from '../../../lib/compile';
import { movement } from '../../../lib/compile/kernels/movement';
import { agree, agreeOn, type Case, refusalOf } from './agreement';
import { axisOf, filled, host, shapes, tensors } from './arbitraries';
import { differencesMatchOn } from './drawn-differences';

const ANY: readonly DType[] = ['float32', 'int32', 'bool'];
const types = fc.constantFrom(...ANY);

/** A case of one tensor: drawn by shape, then a call drawn for that shape. */
function caseOf<Call>(
  shape: fc.Arbitrary<number[]>,
  call: (shape: readonly number[]) => fc.Arbitrary<Call>,
  f: (x: tf.Tensor, call: Call) => tf.Tensor | tf.Tensor[],
  eager = f,
): fc.Arbitrary<Case> {
  return fc.tuple(shape, types).chain(([drawn, dtype]) =>
    fc.tuple(tensors(drawn, dtype), call(drawn)).map(([x, given]) => ({
      name: `${dtype}[${drawn}] by ${JSON.stringify(given)}`,
      f: (tensor) => f(tensor, given),
      eager: (tensor) => eager(tensor, given),
      inputs: [x],
    })),
  );
}

const perAxis = <T>(shape: readonly number[], draw: (d: number) => fc.Arbitrary<T>) =>
  fc.tuple(...shape.map(draw));
const product = (shape: readonly number[]) => shape.reduce((size, d) => size * d, 1);

/** Bounds and stride of a slice along an axis: from either end, in either direction, beyond the ends too. */
const strided = (d: number) =>
  fc.tuple(
    fc.integer({ min: -d - 1, max: d + 1 }),
    fc.integer({ min: -d - 1, max: d + 1 }),
    fc.constantFrom(1, 2, 3, -1, -2),
  );
const mask = fc.nat(15);
type Strided = [[number, number, number][], number, number];

function sliceArguments([axes, beginMask, endMask]: Strided): [number[], number[], number[], number, number] {
  const along = (part: 0 | 1 | 2) => axes.map((axis) => axis[part]);
  return [along(0), along(1), along(2), beginMask, endMask];
}

const stridedSlice = (x: tf.Tensor, call: Strided) => tf.stridedSlice(x, ...sliceArguments(call));

/** Cuts a dimension into sizes; the last may be left open as −1, which in first place tfjs's CPU backend miscounts. */
const cuts = (d: number) =>
  fc.tuple(fc.array(fc.nat(d), { maxLength: 2 }), fc.boolean()).map(([points, open]) => {
    const ends = [...points.sort((a, b) => a - b), d];
    const sizes = ends.map((end, i) => end - (ends[i - 1] ?? 0));
    return open && sizes.length > 1 ? [...sizes.slice(0, -1), -1] : sizes;
  });

const joined = (
  axes: (rank: number) => number,
  sizeAlong: (d: number) => fc.Arbitrary<number>,
  f: (tensors: tf.Tensor[], axis: number) => tf.Tensor,
  min: number,
): fc.Arbitrary<Case> =>
  fc.tuple(shapes({ min, max: 3 }), types, fc.integer({ min: 1, max: 4 })).chain(([shape, dtype, count]) =>
    axisOf(axes(shape.length)).chain((axis) =>
      fc
        .array(
          sizeAlong(shape.at(axis) ?? 1).chain((size) =>
            tensors(min === 0 ? shape : shape.with(axis, size), dtype),
          ),
          { minLength: count, maxLength: count },
        )
        .map((inputs) => ({
          name: `${dtype}[${inputs.map((x) => x.shape).join('], [')}] along ${axis}`,
          f: (...given) => f(given, axis),
          inputs,
        })),
    ),
  );

const CASES: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  Reshape: caseOf(
    shapes(),
    (shape) =>
      fc.constantFrom<number[][]>(
        [product(shape)],
        [-1],
        [1, product(shape), 1],
        [...shape].reverse(),
        [-1, 1],
      ),
    (x, shape) => tf.reshape(x, shape),
  ),
  ExpandDims: caseOf(
    shapes({ max: 3 }),
    (shape) => axisOf(shape.length + 1),
    (x, axis) => tf.expandDims(x, axis),
  ),
  Transpose: caseOf(
    shapes({ min: 2 }),
    (shape) =>
      fc.shuffledSubarray(
        shape.map((_, i) => i),
        { minLength: shape.length },
      ),
    (x, perm) => tf.transpose(x, perm),
  ),
  Slice: caseOf(
    shapes({ min: 1 }),
    (shape) =>
      perAxis(shape, (d) =>
        fc.nat(d).chain((begin) => fc.tuple(fc.constant(begin), fc.integer({ min: -1, max: d - begin }))),
      ),
    (x, parts) =>
      tf.slice(
        x,
        parts.map(([begin]) => begin),
        parts.map(([, size]) => size),
      ),
  ),
  StridedSlice: caseOf(
    shapes({ min: 1 }),
    (shape) => fc.tuple(perAxis(shape, strided), mask, mask),
    stridedSlice,
    // Of a slice of no elements with strides of 1 tfjs's CPU backend makes a negative size.
    (x, call) => {
      const { finalShape } = tf.slice_util.sliceInfo(x.shape, ...sliceArguments(call), 0, 0, 0);
      return finalShape.includes(0)
        ? tf.cast(tf.mul(tf.sum(tf.cast(x, 'float32')), tf.zeros(finalShape)), x.dtype)
        : stridedSlice(x, call);
    },
  ),
  PadV2: caseOf(
    shapes({ min: 1 }),
    (shape) =>
      fc.tuple(
        perAxis(shape, () => fc.tuple(fc.nat(2), fc.nat(2))),
        fc.constantFrom(0, 1),
      ),
    (x, [paddings, value]) => tf.pad(x, paddings as [number, number][], value),
  ),
  Tile: caseOf(
    shapes({ min: 1 }),
    (shape) => perAxis(shape, () => fc.integer({ min: 1, max: 3 })),
    (x, repeats) => tf.tile(x, repeats),
  ),
  // tfjs repeats by Tile: the kernel appears only where a pass puts it, in place of a product with one.
  BroadcastTo: caseOf(
    shapes({ max: 3 }),
    (shape) => perAxis([2, ...shape], (d) => (d === 1 ? fc.integer({ min: 1, max: 3 }) : fc.constant(d))),
    (x, shape) => tf.mul(tf.cast(x, 'float32'), tf.ones(shape)),
  ),
  Unpack: caseOf(
    shapes({ min: 1 }),
    (shape) => axisOf(shape.length),
    (x, axis) => tf.unstack(x, axis),
  ),
  SplitV: caseOf(
    shapes({ min: 1 }),
    (shape) =>
      axisOf(shape.length).chain((axis) => fc.tuple(fc.constant(axis), cuts(shape.at(axis) as number))),
    (x, [axis, sizes]) => tf.split(x, [...sizes], axis),
  ),
  Concat: joined(
    (rank) => rank,
    () => fc.nat(3),
    (given, axis) => tf.concat(given, axis),
    1,
  ),
  Pack: joined(
    (rank) => rank + 1,
    (d) => fc.constant(d),
    (given, axis) => tf.stack(given, axis),
    0,
  ),
};

describe('movement kernels', () => {
  it.each(Object.entries(CASES))('%s agrees with eager tfjs', agreeOn);

  it('are all tested', () => expect(Object.keys(CASES).sort()).toEqual(Object.keys(movement).sort()));

  it.each(['StridedSlice', 'Unpack', 'SplitV', 'Tile'])(
    'the gradient of %s, which tfjs lacks or has wrong, agrees with finite differences',
    (kernel) => differencesMatchOn(CASES[kernel] as fc.Arbitrary<Case>),
  );

  it.each(['StridedSlice', 'PadV2', 'Tile', 'Concat'])('%s agrees in float64', (kernel) =>
    agreeOn(kernel, CASES[kernel] as fc.Arbitrary<Case>, { precision: 'float64', batches: 1 }),
  );
});

describe('movement kernels in corner cases', () => {
  const of = (name: string, f: (x: tf.Tensor) => tf.Tensor | tf.Tensor[], x: HostTensor): Case => ({
    name,
    f: (given) => f(given),
    inputs: [x],
    gradient: false,
  });

  it('of no elements', () => {
    const none = host([], [0, 3]);
    return agree([
      of('reshape', (x) => tf.reshape(x, [3, 0, 2]), none),
      of('transpose', (x) => tf.transpose(x), none),
      of('slice', (x) => tf.slice(x, [0, 1], [0, 2]), none),
      of(
        'pad',
        (x) =>
          tf.pad(
            x,
            [
              [1, 1],
              [0, 1],
            ],
            2,
          ),
        none,
      ),
      of('tile', (x) => tf.tile(x, [2, 2]), none),
      of('concat', (x) => tf.concat([x, tf.ones([2, 3]), x]), none),
      of('stack', (x) => tf.stack([x, x], 1), none),
      of('unstack', (x) => tf.unstack(x, 1), none),
      of('split', (x) => tf.split(x, [1, 0, 2], 1), none),
    ]);
  });

  it('of a scalar', () => {
    const scalar = host([2.5], []);
    return agree([
      of('reshape', (x) => tf.reshape(x, [1, 1]), scalar),
      of('transpose', (x) => tf.transpose(x), scalar),
      of('tile', (x) => tf.tile(x, []), scalar),
      of('stack', (x) => tf.stack([x, x]), scalar),
      of('broadcastTo', (x) => tf.broadcastTo(x, [2, 3]), scalar),
    ]);
  });

  it('takes slices with one number, fewer numbers than axes, and nothing for the rest', () => {
    const x = host([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]);
    return agree([
      of('one number', (given) => tf.slice(given, 1, 2), x),
      of('no size', (given) => tf.slice(given, 2), x),
      of('fewer axes', (given) => tf.slice(given, [1], [-1]), x),
      of('no size of several axes', (given) => tf.slice(given, [1, 1]), x),
    ]);
  });

  it('pads with infinities and NaN, each its own', () => {
    const pads = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0, -0];
    return agree([of('pads', (x) => pads.map((value) => tf.pad(x, [[1, 1]], value)), host([1, 2]))]);
  });

  it('takes strided slices with an ellipsis, new axes and axes that vanish', () => {
    const x = filled([3, 4, 5], 'float32', {}, 1);
    const slice = (name: string, given: number[][], masks: number[], eager?: Case['f']): Case => {
      const [begin, end, strides] = given as [number[], number[], number[]];
      return {
        name,
        f: (tensor) => tf.stridedSlice(tensor, begin, end, strides, ...masks),
        inputs: [x],
        ...(eager === undefined ? {} : { eager }),
      };
    };
    return agree([
      slice(
        'x[..., 1]',
        [
          [0, 1],
          [0, 2],
          [1, 1],
        ],
        [0, 0, 1, 0, 2],
      ),
      slice(
        'x[:, newaxis, 1:3]',
        [
          [0, 0, 1],
          [0, 0, 3],
          [1, 1, 1],
        ],
        [1, 1, 0, 2, 0],
      ),
      // tfjs's CPU backend takes the strides of the axes that stay for those of the first.
      slice(
        'x[1, ::2, ::-1]',
        [
          [1, 0, 0],
          [2, 0, 0],
          [1, 2, -1],
        ],
        [6, 6, 0, 0, 1],
        (tensor) =>
          tf.stridedSlice(tf.reshape(tf.slice(tensor, 1, 1), [4, 5]), [0, 0], [0, 0], [2, -1], 3, 3),
      ),
    ]);
  });

  it('splits evenly by a count', () =>
    agree([of('split', (x) => tf.split(x, 2, 1), host([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]))]));

  it.each([
    ['Concat', (x: tf.Tensor) => tf.concat([x, tf.zeros([2], 'int32')])],
    ['Pack', (x: tf.Tensor) => tf.stack([x, tf.zeros([2], 'int32')])],
  ])('%s of two types is refused', (kernel, f) => {
    const message = refusalOf(f, { dtype: 'float32', shape: [2] });
    expect(message).toContain(
      `'${kernel}' on (float32[2], int32[2]) cannot be compiled: its inputs differ in type`,
    );
  });
});
