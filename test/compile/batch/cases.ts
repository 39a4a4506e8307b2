/** @file Drawn calls of every kernel that has a batching rule. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import type { DType } from '../../../lib/compile';
import { elementwise } from '../../../lib/compile/batch/elementwise';
import { kernelRule } from '../../../lib/compile/kernels/table';
import {
  bernoulli,
  dropoutMask,
  type RandomKey,
  randomNormal,
  randomUniform,
  randomWords,
} from '../../../lib/compile/random';
import { axesOf, axisOf, broadcastShapes, shapes } from '../kernels/arbitraries';
import type { BatchAgreement, BatchCase } from './agreement';

/** How a kernel is tested: its calls, and how closely batched and single results must agree. */
export interface KernelCases extends Pick<BatchAgreement, 'tolerance'> {
  readonly drawn: fc.Arbitrary<BatchCase>;
}

const ANY: readonly DType[] = ['float32', 'int32', 'bool'];

/** Sums are added in another order, and vectors of transcendental functions end elsewhere. */
const ROUNDING = 1e-6;

/** Calls a kernel by its name, with its inputs in the order of its rule. */
export function call(kernel: string, inputs: readonly tf.Tensor[], attrs = {}): tf.Tensor | tf.Tensor[] {
  const names = kernelRule(kernel)?.inputs ?? [];
  const given = names === 'variadic' ? inputs : Object.fromEntries(names.map((name, i) => [name, inputs[i]]));
  return tf.engine().runKernel(kernel, given as tf.NamedTensorMap, attrs);
}

const elementwiseAttrs: Readonly<Record<string, object>> = {
  Cast: { dtype: 'float32' },
  ClipByValue: { clipValueMin: -1, clipValueMax: 2 },
  LeakyRelu: { alpha: 0.25 },
  Step: { alpha: 0.5 },
};

/** Kernels of several operands that do not broadcast. */
const SAME_SHAPE: ReadonlySet<string> = new Set(['AddN', 'EluGrad']);

/** An elementwise kernel on operands that broadcast, where it lets them, of every type it takes. */
function elementwiseCase(kernel: string): KernelCases {
  const { inputs = [], types = ANY } = kernelRule(kernel) ?? {};
  const count = inputs === 'variadic' ? 3 : inputs.length;
  const operands = SAME_SHAPE.has(kernel)
    ? shapes().map((shape) => Array<number[]>(count).fill(shape))
    : broadcastShapes(count);
  const drawn = fc.tuple(operands, fc.constantFrom(...types)).map(
    ([forms, dtype]): BatchCase => ({
      name: `${kernel} of ${dtype} ${forms.map((shape) => `[${shape}]`)}`,
      f: (...given) => call(kernel, given, elementwiseAttrs[kernel]),
      // An integer divided by zero is an error.
      inputs: forms.map((shape, i) => ({ shape, dtype, low: dtype === 'int32' && i > 0 ? 1 : -2, high: 3 })),
    }),
  );
  return { drawn, tolerance: ROUNDING };
}

const selectCase = fc.tuple(broadcastShapes(3), fc.constantFrom(...ANY)).map(
  ([[condition, t, e], dtype]): BatchCase => ({
    name: `where [${condition}] ${dtype}[${t}] else [${e}]`,
    f: (...[c, x, y]) => tf.where(c as tf.Tensor, x as tf.Tensor, y as tf.Tensor),
    inputs: [
      { shape: condition as number[], dtype: 'bool' },
      { shape: t as number[], dtype },
      { shape: e as number[], dtype },
    ],
  }),
);

/** A kernel of one input with axes in an attribute. */
function axesCase(kernel: string, attribute: string, tolerance = 0): KernelCases {
  const { types = ANY } = kernelRule(kernel) ?? {};
  const drawn = shapes().chain((shape) =>
    fc.tuple(axesOf(shape.length), fc.boolean(), fc.constantFrom(...types)).map(
      ([axes, keepDims, dtype]): BatchCase => ({
        name: `${kernel} of ${dtype}[${shape}] along ${axes}, ${keepDims ? 'kept' : 'dropped'}`,
        f: (x) => call(kernel, [x as tf.Tensor], { [attribute]: axes ?? null, keepDims }),
        inputs: [{ shape, dtype }],
      }),
    ),
  );
  return { drawn, tolerance };
}

/** A kernel of one input and one axis. */
function axisCase(kernel: string, attribute: string, tolerance = 0, more = {}): KernelCases {
  const { types = ANY } = kernelRule(kernel) ?? {};
  const drawn = shapes({ min: 1, max: 3 }).chain((shape) =>
    fc.tuple(axisOf(shape.length), fc.constantFrom(...types)).map(
      ([axis, dtype]): BatchCase => ({
        name: `${kernel} of ${dtype}[${shape}] along ${axis}`,
        f: (x) => call(kernel, [x as tf.Tensor], { [attribute]: axis, ...more }),
        inputs: [{ shape, dtype }],
      }),
    ),
  );
  return { drawn, tolerance };
}

/** One input of any type and shape, and something drawn for the shape. */
function movementCase<T>(
  name: string,
  min: number,
  detail: (shape: number[]) => fc.Arbitrary<T>,
  f: (x: tf.Tensor, detail: T) => tf.Tensor | tf.Tensor[],
  types = ANY,
): KernelCases {
  const drawn = shapes({ min, max: 3 }).chain((shape) =>
    fc.tuple(detail(shape), fc.constantFrom(...types)).map(
      ([drawnDetail, dtype]): BatchCase => ({
        name: `${name} of ${dtype}[${shape}] by ${JSON.stringify(drawnDetail)}`,
        f: (x) => f(x as tf.Tensor, drawnDetail),
        inputs: [{ shape, dtype }],
      }),
    ),
  );
  return { drawn };
}

const order = ({ length }: readonly unknown[]) =>
  fc.shuffledSubarray(
    Array.from({ length }, (_, i) => i),
    { minLength: length },
  );
const each = <T>(shape: readonly number[], one: (size: number) => fc.Arbitrary<T>) =>
  fc.tuple(...shape.map(one)) as unknown as fc.Arbitrary<T[]>;

/** Two inputs alike but for the size of one axis. */
const concatCase = shapes({ min: 1, max: 3 }).chain((shape) =>
  fc.tuple(axisOf(shape.length), fc.integer({ min: 1, max: 3 }), fc.constantFrom(...ANY)).map(
    ([axis, other, dtype]): BatchCase => ({
      name: `Concat of ${dtype}[${shape}] and ${other} along ${axis}`,
      f: (...inputs) => tf.concat(inputs, axis),
      inputs: [
        { shape, dtype },
        { shape: shape.with(axis, other), dtype },
      ],
    }),
  ),
);

const packCase = shapes({ max: 3 }).chain((shape) =>
  fc.tuple(axisOf(shape.length + 1), fc.constantFrom(...ANY)).map(
    ([axis, dtype]): BatchCase => ({
      name: `Pack of ${dtype}[${shape}] along ${axis}`,
      f: (...inputs) => tf.stack(inputs, axis),
      inputs: [
        { shape, dtype },
        { shape, dtype },
      ],
    }),
  ),
);

const dimension = fc.integer({ min: 1, max: 4 });

const matMulCase = fc
  .tuple(broadcastShapes(2), dimension, dimension, dimension, fc.boolean(), fc.boolean())
  .map(([[batchA, batchB], m, k, n, transposeA, transposeB]): BatchCase => {
    const a = [...(batchA as number[]).slice(-2), ...(transposeA ? [k, m] : [m, k])];
    const b = [...(batchB as number[]).slice(-2), ...(transposeB ? [n, k] : [k, n])];
    return {
      name: `[${a}]${transposeA ? 'ᵀ' : ''} · [${b}]${transposeB ? 'ᵀ' : ''}`,
      f: (...[x, y]) => tf.matMul(x as tf.Tensor, y as tf.Tensor, transposeA, transposeB),
      inputs: [{ shape: a }, { shape: b }],
    };
  });

const gatherCase = fc
  .tuple(shapes({ min: 1, max: 3 }), shapes({ max: 2 }), fc.constantFrom(...ANY))
  .chain(([shape, rows, dtype]) =>
    axisOf(shape.length).map((axis): BatchCase => {
      const size = shape.at(axis) as number;
      return {
        name: `rows [${rows}] of ${dtype}[${shape}] along ${axis}`,
        f: (...[x, indices]) => tf.gather(x as tf.Tensor, indices as tf.Tensor1D, axis),
        inputs: [
          { shape, dtype },
          { shape: rows, dtype: 'int32', low: 0, high: size - 1 },
        ],
      };
    }),
  );

/** Some ids belong to no segment. */
const segmentCase = fc
  .tuple(
    shapes({ min: 1, max: 3 }),
    fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(300)),
    fc.constantFrom<DType>('float32', 'int32'),
  )
  .map(
    ([shape, segments, dtype]): BatchCase => ({
      name: `${dtype}[${shape}] into ${segments}`,
      f: (...[x, ids]) => tf.unsortedSegmentSum(x as tf.Tensor, ids as tf.Tensor1D, segments),
      inputs: [
        { shape, dtype },
        { shape: shape.slice(0, 1), dtype: 'int32', low: -1, high: segments },
      ],
    }),
  );

const scatterCase = fc.tuple(dimension, dimension, fc.constantFrom(...ANY)).map(
  ([rows, width, dtype]): BatchCase => ({
    name: `1 row of ${dtype}[${rows}, ${width}]`,
    f: (...[tensor, indices, updates]) =>
      tf.tensorScatterUpdate(tensor as tf.Tensor, indices as tf.Tensor, updates as tf.Tensor),
    inputs: [
      { shape: [rows, width], dtype },
      { shape: [1], dtype: 'int32', low: 0, high: rows - 1 },
      { shape: [1, width], dtype },
    ],
  }),
);

const searchCase = fc.tuple(dimension, dimension, dimension, fc.constantFrom('left', 'right')).map(
  ([rows, length, count, side]): BatchCase => ({
    name: `[${rows}, ${count}] in [${rows}, ${length}], ${side}`,
    f: (...[sorted, values]) => call('SearchSorted', [sorted as tf.Tensor, values as tf.Tensor], { side }),
    inputs: [{ shape: [rows, length] }, { shape: [rows, count] }],
  }),
);

const countCase = fc.tuple(shapes({ min: 1, max: 2 }), dimension, fc.boolean(), fc.boolean()).map(
  ([shape, size, isWeighted, binaryOutput]): BatchCase => ({
    name: `[${shape}] in ${size}, ${isWeighted ? 'weighted' : 'plain'}, ${binaryOutput ? 'presence' : 'counts'}`,
    f: (...[x, weights]) =>
      tf.denseBincount(
        x as tf.Tensor1D,
        (isWeighted && !binaryOutput ? weights : tf.tensor1d([])) as tf.Tensor1D,
        size,
        binaryOutput,
      ),
    inputs: [{ shape, dtype: 'int32', low: 0, high: size }, { shape }],
  }),
);

const oneHotCase = fc.tuple(shapes({ max: 3 }), fc.integer({ min: 2, max: 5 }), fc.constantFrom(...ANY)).map(
  ([shape, depth, dtype]): BatchCase => ({
    name: `[${shape}] in ${depth} ${dtype}`,
    f: (indices) => tf.oneHot(indices as tf.Tensor1D, depth, 1, 0, dtype),
    inputs: [{ shape, dtype: 'int32', low: -1, high: depth }],
  }),
);

/** More words than a row of the generator's table has, or a few. */
function randomCase(draw: (shape: readonly number[], key: RandomKey) => tf.Tensor): KernelCases {
  const drawn = fc.oneof(shapes({ max: 2 }), fc.constant([1030])).map(
    (shape): BatchCase => ({
      name: `[${shape}]`,
      f: (...[seed, step]) =>
        draw(shape, { seed: seed as tf.Scalar, step: step as tf.Scalar, purpose: 'test' }),
      inputs: [
        { shape: [], dtype: 'int32', low: 0, high: 1000 },
        { shape: [], dtype: 'int32', low: 0, high: 1000 },
      ],
    }),
  );
  return { drawn };
}

/** The calls of every kernel with a batching rule. */
export const CASES: Readonly<Record<string, () => KernelCases>> = {
  ...Object.fromEntries(Object.keys(elementwise).map((kernel) => [kernel, () => elementwiseCase(kernel)])),
  Select: () => ({ drawn: selectCase }),
  Sum: () => axesCase('Sum', 'axis', ROUNDING),
  Mean: () => axesCase('Mean', 'axis', ROUNDING),
  Prod: () => axesCase('Prod', 'axis', ROUNDING),
  All: () => axesCase('All', 'axis'),
  Any: () => axesCase('Any', 'axis'),
  Max: () => axesCase('Max', 'reductionIndices'),
  Min: () => axesCase('Min', 'axis'),
  ArgMax: () => axisCase('ArgMax', 'axis'),
  ArgMin: () => axisCase('ArgMin', 'axis'),
  Softmax: () => axisCase('Softmax', 'dim', ROUNDING),
  Cumsum: () => axisCase('Cumsum', 'axis', ROUNDING, { exclusive: true, reverse: true }),
  Cumprod: () => axisCase('Cumprod', 'axis', ROUNDING, { exclusive: false, reverse: false }),
  TopK: () =>
    movementCase(
      'TopK',
      1,
      (shape) => fc.integer({ min: 1, max: shape.at(-1) as number }),
      (x, k) => call('TopK', [x], { k, sorted: true }),
      ['float32', 'int32'],
    ),
  Reshape: () =>
    movementCase('Reshape', 0, order, (x, perm) =>
      tf.reshape(x, [...perm.map((i) => x.shape[i] as number), 1, -1]),
    ),
  ExpandDims: () =>
    movementCase(
      'ExpandDims',
      0,
      (shape) => axisOf(shape.length + 1),
      (x, axis) => call('ExpandDims', [x], { dim: axis }),
    ),
  Transpose: () => movementCase('Transpose', 2, order, (x, perm) => call('Transpose', [x], { perm })),
  Slice: () =>
    movementCase(
      'Slice',
      1,
      (shape) =>
        each(shape, (size) =>
          fc
            .nat(size - 1)
            .chain((begin) => fc.tuple(fc.constant(begin), fc.integer({ min: 1, max: size - begin }))),
        ),
      (x, bounds) =>
        tf.slice(
          x,
          bounds.map(([begin]) => begin),
          bounds.map(([, size]) => size),
        ),
    ),
  StridedSlice: () =>
    movementCase(
      'StridedSlice',
      1,
      (shape) =>
        fc.record({
          bounds: each(shape, (size) =>
            fc
              .nat(size - 1)
              .chain((begin) =>
                fc.tuple(
                  fc.constant(begin),
                  fc.integer({ min: begin + 1, max: size }),
                  fc.integer({ min: 1, max: 2 }),
                ),
              ),
          ),
          beginMask: fc.nat(3),
          endMask: fc.nat(3),
          shrinkAxisMask: fc.nat(1),
        }),
      (x, { bounds, beginMask, endMask, shrinkAxisMask }) =>
        tf.stridedSlice(
          x,
          bounds.map(([begin]) => begin),
          bounds.map(([, end]) => end),
          bounds.map(([, , stride]) => stride),
          beginMask,
          endMask,
          0,
          0,
          shrinkAxisMask,
        ),
    ),
  PadV2: () =>
    movementCase(
      'PadV2',
      1,
      (shape) => each(shape, () => fc.tuple(fc.nat(2), fc.nat(2))),
      (x, paddings) => call('PadV2', [x], { paddings, constantValue: 1 }),
    ),
  Tile: () =>
    movementCase(
      'Tile',
      1,
      (shape) => each(shape, () => fc.integer({ min: 1, max: 3 })),
      (x, reps) => call('Tile', [x], { reps }),
    ),
  BroadcastTo: () => ({
    drawn: broadcastShapes(2).map(([a, b]): BatchCase => {
      const [small, whole] = (a as number[]).length > (b as number[]).length ? [b, a] : [a, b];
      const [x, wide] = [small as number[], whole as number[]];
      const shape = wide.map((d, i) => Math.max(d, x[i - wide.length + x.length] ?? 1));
      return {
        name: `[${x}] to [${shape}]`,
        f: (given) => call('BroadcastTo', [given as tf.Tensor], { shape }),
        inputs: [{ shape: x }],
      };
    }),
  }),
  Concat: () => ({ drawn: concatCase }),
  Pack: () => ({ drawn: packCase }),
  Unpack: () =>
    movementCase(
      'Unpack',
      1,
      (shape) => axisOf(shape.length),
      (x, axis) => tf.unstack(x, axis),
    ),
  SplitV: () =>
    movementCase(
      'SplitV',
      1,
      (shape) => axisOf(shape.length),
      (x, axis) => tf.split(x, [1, -1], axis),
    ),
  BatchMatMul: () => ({ drawn: matMulCase, tolerance: ROUNDING }),
  GatherV2: () => ({ drawn: gatherCase }),
  UnsortedSegmentSum: () => ({ drawn: segmentCase, tolerance: ROUNDING }),
  TensorScatterUpdate: () => ({ drawn: scatterCase }),
  OneHot: () => ({ drawn: oneHotCase }),
  RandomWords: () => randomCase(randomWords),
  RandomUniform: () => randomCase(randomUniform),
  RandomNormal: () => ({ ...randomCase(randomNormal), tolerance: ROUNDING }),
  RandomEvents: () => randomCase((shape, key) => bernoulli(0.3, shape, key)),
  RandomHalfEvents: () => randomCase((shape, key) => dropoutMask(0.3, shape, key)),
  SearchSorted: () => ({ drawn: searchCase }),
  DenseBincount: () => ({ drawn: countCase, tolerance: ROUNDING }),
  Bincount: () => ({
    drawn: fc.tuple(dimension, dimension).map(
      ([length, size]): BatchCase => ({
        name: `[${length}] in ${size}`,
        f: (...[x, weights]) => tf.bincount(x as tf.Tensor1D, weights as tf.Tensor1D, size),
        inputs: [{ shape: [length], dtype: 'int32', low: 0, high: size }, { shape: [length] }],
      }),
    ),
    tolerance: ROUNDING,
  }),
};
