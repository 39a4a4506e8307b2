import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DType } from '../../../lib/compile';
import { elementwise } from '../../../lib/compile/kernels/elementwise';
import { agree, agreeOn, type Case, refusalOf } from './agreement';
import { broadcastShapes, host, shapes, tensors } from './arbitraries';

interface Options {
  readonly low?: number;
  readonly high?: number;
  readonly types?: readonly DType[];
  readonly gradient?: boolean;
  readonly absolute?: boolean;
}

interface Unary extends Options {
  readonly f: (x: tf.Tensor) => tf.Tensor;
}

interface Binary extends Options {
  readonly f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
  /** Of the second operand, where it differs. */
  readonly second?: { readonly low: number; readonly high: number };
}

const NUMBERS: readonly DType[] = ['float32', 'int32'];
const ANY: readonly DType[] = ['float32', 'int32', 'bool'];

const UNARY: Readonly<Record<string, Unary>> = {
  Abs: { f: tf.abs, types: NUMBERS },
  Neg: { f: tf.neg, types: NUMBERS },
  Exp: { f: tf.exp, low: -20, high: 20 },
  Expm1: { f: tf.expm1, low: -20, high: 20 },
  Log: { f: tf.log, low: 1 / 16 },
  Log1p: { f: tf.log1p, low: -15 / 16 },
  Sqrt: { f: tf.sqrt, low: 1 / 16 },
  Rsqrt: { f: tf.rsqrt, low: 1 / 16 },
  Reciprocal: { f: tf.reciprocal, low: 1 / 16 },
  Square: { f: tf.square, types: NUMBERS },
  Relu: { f: tf.relu, types: NUMBERS },
  // Its gradient, y·(1 − y), cancels; the values are compared more closely below.
  Sigmoid: { f: tf.sigmoid, low: -30, high: 30, absolute: true },
  Softplus: { f: tf.softplus, low: -30, high: 30 },
  Sin: { f: tf.sin, low: -20, high: 20 },
  Cos: { f: tf.cos, low: -20, high: 20 },
  Tan: { f: tf.tan, low: -1.5, high: 1.5 },
  Asin: { f: tf.asin, low: -15 / 16, high: 15 / 16 },
  Acos: { f: tf.acos, low: -15 / 16, high: 15 / 16 },
  Atan: { f: tf.atan, low: -20, high: 20 },
  Sinh: { f: tf.sinh, low: -8, high: 8 },
  Cosh: { f: tf.cosh, low: -8, high: 8 },
  Asinh: { f: tf.asinh, low: -20, high: 20 },
  Acosh: { f: tf.acosh, low: 17 / 16, high: 20 },
  Atanh: { f: tf.atanh, low: -15 / 16, high: 15 / 16 },
  Erf: { f: tf.erf, absolute: true },
  Elu: { f: tf.elu },
  Selu: { f: tf.selu },
  Relu6: { f: tf.relu6, low: -8, high: 8, types: NUMBERS },
  LeakyRelu: { f: (x) => tf.leakyRelu(x, 0.1) },
  ClipByValue: { f: (x) => tf.clipByValue(x, -1, 2), types: NUMBERS },
  Sign: { f: tf.sign, types: NUMBERS },
  Ceil: { f: tf.ceil },
  Round: { f: tf.round },
  IsInf: { f: (x) => tf.isInf(tf.log(x)), gradient: false },
  IsFinite: { f: (x) => tf.isFinite(tf.log(x)), gradient: false },
  // Its gradient, 1 − y², cancels.
  Tanh: { f: tf.tanh, low: -12, high: 12, absolute: true },
  Floor: { f: tf.floor },
  Step: { f: (x) => tf.step(x) },
  IsNan: { f: (x) => tf.isNaN(tf.log(x)), gradient: false },
  LogicalNot: { f: tf.logicalNot, types: ['bool'] },
};

const BINARY: Readonly<Record<string, Binary>> = {
  Add: { f: tf.add, types: NUMBERS },
  Sub: { f: tf.sub, types: NUMBERS },
  Multiply: { f: tf.mul, types: NUMBERS },
  RealDiv: { f: tf.div, second: { low: 1 / 16, high: 4 } },
  Pow: { f: tf.pow, low: 1 / 16 },
  Maximum: { f: tf.maximum, types: ANY },
  Minimum: { f: tf.minimum, types: ANY },
  Mod: { f: tf.mod, types: NUMBERS, second: { low: 1, high: 3 } },
  FloorDiv: { f: tf.floorDiv, types: NUMBERS, gradient: false },
  SquaredDifference: { f: tf.squaredDifference, types: NUMBERS },
  Atan2: { f: tf.atan2, second: { low: 1 / 16, high: 4 } },
  Equal: { f: tf.equal, types: ANY, gradient: false },
  NotEqual: { f: tf.notEqual, types: ANY, gradient: false },
  Greater: { f: tf.greater, types: NUMBERS, gradient: false },
  GreaterEqual: { f: tf.greaterEqual, types: NUMBERS, gradient: false },
  Less: { f: tf.less, types: NUMBERS, gradient: false },
  LessEqual: { f: tf.lessEqual, types: NUMBERS, gradient: false },
  LogicalAnd: { f: tf.logicalAnd, types: ['bool'] },
  LogicalOr: { f: tf.logicalOr, types: ['bool'] },
};

const typeOf = ({ types = ['float32'] }: Options) => fc.constantFrom(...types);

function unaryCase(kernel: string, tested: Unary): fc.Arbitrary<Case> {
  return fc
    .tuple(shapes(), typeOf(tested))
    .chain(([shape, dtype]) => tensors(shape, dtype, tested))
    .map((x) => ({
      name: `${kernel} of ${x.dtype}[${x.shape}]`,
      f: (given) => tested.f(given),
      inputs: [x],
      gradient: tested.gradient ?? true,
      absolute: tested.absolute ?? false,
    }));
}

function binaryCase(kernel: string, tested: Binary): fc.Arbitrary<Case> {
  return fc
    .tuple(broadcastShapes(2), typeOf(tested))
    .chain(([[a = [], b = []], dtype]) =>
      fc.tuple(tensors(a, dtype, tested), tensors(b, dtype, tested.second ?? tested)),
    )
    .map(([a, b]) => ({
      name: `${kernel} of ${a.dtype}[${a.shape}] and [${b.shape}]`,
      f: (first, second) => tested.f(first, second),
      inputs: [a, b],
      gradient: tested.gradient ?? true,
      absolute: tested.absolute ?? false,
    }));
}

const selectCase: fc.Arbitrary<Case> = fc
  .tuple(broadcastShapes(3), fc.constantFrom(...ANY))
  .chain(([[condition = [], t = [], e = []], dtype]) =>
    fc.tuple(tensors(condition, 'bool'), tensors(t, dtype), tensors(e, dtype)),
  )
  .map((inputs) => ({
    name: `Select of ${inputs.map(({ dtype, shape }) => `${dtype}[${shape}]`)}`,
    f: (condition, t, e) => tf.where(condition, t, e),
    inputs,
  }));

const castCase: fc.Arbitrary<Case> = fc
  .tuple(shapes(), fc.constantFrom(...ANY), fc.constantFrom(...ANY))
  .filter(([, from, to]) => from !== to)
  .chain(([shape, from, to]) =>
    tensors(shape, from).map((x) => ({
      name: `Cast of ${from}[${shape}] to ${to}`,
      f: (given) => tf.cast(given, to),
      inputs: [x],
      // tfjs takes no gradient through an integer.
      gradient: false,
    })),
  );

/** The slope is broadcast to the input, never the other way round. */
const preluCase: fc.Arbitrary<Case> = broadcastShapes(2)
  .chain(([a = [], b = []]) => {
    const whole = tf.broadcast_util.assertAndGetBroadcastShape(a, b);
    return fc.tuple(tensors(whole), tensors(a));
  })
  .map((inputs) => ({
    name: `Prelu of ${inputs.map(({ shape }) => `[${shape}]`)}`,
    f: (x, alpha) => tf.prelu(x, alpha),
    inputs,
  }));

/** elu's gradient by its result, as tfjs calls it and on its own. */
const eluGradientCase: fc.Arbitrary<Case> = shapes()
  .chain((shape) => fc.tuple(tensors(shape), tensors(shape, 'float32', { low: -15 / 16 })))
  .map((inputs) => ({
    name: `EluGrad of [${inputs[0].shape}]`,
    f: (dy, y) => tf.engine().runKernel('EluGrad', { dy, y }) as tf.Tensor,
    inputs,
    gradient: false,
  }));

/** tfjs takes equal shapes only. */
const bitwiseCase: fc.Arbitrary<Case> = shapes()
  .chain((shape) => {
    const draw = () => tensors(shape, 'int32', { low: -1000, high: 1000 });
    return fc.tuple(draw(), draw());
  })
  .map((inputs) => ({
    name: `BitwiseAnd of [${inputs[0].shape}]`,
    f: (a, b) => tf.bitwiseAnd(a, b),
    inputs,
  }));

const addAllCase: fc.Arbitrary<Case> = fc
  .tuple(shapes(), fc.constantFrom(...NUMBERS), fc.integer({ min: 1, max: 5 }))
  .chain(([shape, dtype, count]) => fc.tuple(...Array.from({ length: count }, () => tensors(shape, dtype))))
  .map((inputs) => ({
    name: `AddN of ${inputs.length} ${inputs[0]?.dtype}[${inputs[0]?.shape}]`,
    f: (...given) => tf.addN(given),
    inputs,
  }));

const OTHERS: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  Select: selectCase,
  Cast: castCase,
  Prelu: preluCase,
  EluGrad: eluGradientCase,
  AddN: addAllCase,
  BitwiseAnd: bitwiseCase,
};

describe('elementwise kernels', () => {
  it.each(Object.entries(UNARY))('%s agrees with eager tfjs', (kernel, tested) =>
    agreeOn(kernel, unaryCase(kernel, tested)),
  );

  it.each(Object.entries(BINARY))('%s agrees with eager tfjs over broadcast shapes', (kernel, tested) =>
    agreeOn(kernel, binaryCase(kernel, tested)),
  );

  it.each(Object.entries(OTHERS))('%s agrees with eager tfjs', agreeOn);

  it('are all tested', () => {
    const tested = [...Object.keys(UNARY), ...Object.keys(BINARY), ...Object.keys(OTHERS)];
    expect(tested.sort()).toEqual(Object.keys(elementwise).sort());
  });
});

const { POSITIVE_INFINITY: INF } = Number;
const single = (name: string, f: (x: tf.Tensor) => tf.Tensor, data: number[], gradient = true): Case => ({
  name,
  f: (x) => f(x),
  inputs: [host(data)],
  gradient,
});

describe('elementwise kernels at the ends of their range', () => {
  const ends = [INF, -INF, Number.NaN, 0];

  const floats = <T extends Options>(table: Readonly<Record<string, T>>, ...without: string[]) =>
    Object.entries(table).filter(([kernel, { types }]) => types?.[0] !== 'bool' && !without.includes(kernel));

  it.each(floats(UNARY, 'Sign'))('%s gives tfjs’s infinities and NaN', (_, { f }) =>
    agree([single('ends', f, ends, false)]),
  );

  it('the sign of NaN is NaN, which tfjs’s CPU backend calls 0', () =>
    agree([single('sign', (x) => tf.sign(x), [INF, -INF, 0, 1e-30, -1e-30])]));

  it.each(floats(BINARY, 'Pow', 'FloorDiv'))('%s gives tfjs’s infinities and NaN', (kernel, { f }) => {
    // Remainders by an infinite divisor are left out: the divisor, where tfjs says NaN.
    const seconds = kernel === 'Mod' ? [2, -2, 0, Number.NaN] : [...ends, 2, -2];
    const inputs = [host([...ends, 2, -2], [6, 1]), host(seconds, [1, seconds.length])];
    return agree([{ name: kernel, f: (a, b) => f(a, b), inputs, gradient: false }]);
  });

  it('floor division takes the sign into account, and is 0 by 0', () => {
    const [low, high] = [-2147483648, 2147483647];
    return agree([
      {
        name: 'integers',
        f: (a, b) => [tf.floorDiv(a, b), tf.div(a, b), tf.mod(a, b)],
        inputs: [
          host([7, -7, 0, low, high, -1], [6, 1], 'int32'),
          host([2, -2, 0, 7, -1, high, low], [1, 7], 'int32'),
        ],
      },
      {
        name: 'floats',
        f: (a, b) => tf.floorDiv(a, b),
        inputs: [host([7, -7, 0.5, -0.5, 0, 1e9], [6, 1]), host([2, -2, 0, 0.75], [1, 4])],
        gradient: false,
      },
    ]);
  });

  it('the angle of atan2 counts the sign of zeros, and is exact at infinities', () =>
    agree([
      {
        name: 'atan2',
        f: (a, b) => tf.atan2(a, b),
        inputs: [
          host([0, -0, 1, -1, 1e-38, -1e38, INF, -INF, Number.NaN], [9, 1]),
          host([0, -0, 1, -1, 1e-38, 1e38, -1e38, INF, -INF, Number.NaN], [1, 10]),
        ],
        gradient: false,
      },
    ]));

  it('clipping keeps NaN and takes equal bounds', () =>
    agree([
      single('clip', (x) => tf.clipByValue(x, -1, 1), [Number.NaN, INF, -INF, 0.5], false),
      single('equal bounds', (x) => tf.clipByValue(x, 2, 2), [1, 2, 3], false),
    ]));

  it('softplus and elu keep the digits of tiny results', () =>
    agree(
      [-80, -30, -15, -14, -1e-3, 0, 1e-3, 14, 15, 80]
        .map((x) => single(`softplus(${x})`, tf.softplus, [x]))
        .concat(
          [-1e-8, -1e-20, -20, -100].flatMap((x) => [
            single(`elu(${x})`, tf.elu, [x]),
            single(`selu(${x})`, tf.selu, [x]),
          ]),
        ),
    ));

  it('sine and cosine of large angles', () =>
    agree([tf.sin, tf.cos].map((f) => single(f.name, f, [1e3, -1e4, 12345.678, 1e6, 1e-20]))));

  it('halves are rounded to the even integer', () =>
    agree([single('round', tf.round, [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 8388609.5, 0.49999997])]));

  it.each(floats(UNARY))('%s of tiny, small and large arguments', (_, { f, absolute = false }) =>
    agree(
      [1e-30, -1e-30, 1e-12, -1e-7, 1e-4, 30, -30, 60].map((x) => ({
        ...single(`of ${x}`, f, [x], false),
        absolute,
      })),
    ),
  );

  it('take nothing: tensors with an empty axis', () =>
    agree([
      ...Object.entries(UNARY).map(([name, { f, types = ['float32'] }]) => ({
        name,
        f: (x: tf.Tensor) => f(x),
        inputs: [host([], [2, 0, 3], (types[0] ?? 'float32') as DType)],
        gradient: false,
      })),
      ...Object.entries(BINARY).map(([name, { f, types = ['float32'] }]) => ({
        name,
        f: (a: tf.Tensor, b: tf.Tensor) => f(a, b),
        inputs: [
          host([], [2, 0], (types[0] ?? 'float32') as DType),
          host([1], [1], (types[0] ?? 'float32') as DType),
        ],
        gradient: false,
      })),
    ]));

  it('log1p and expm1 keep the digits of tiny arguments', () =>
    agree(
      [1e-9, -1e-9, 3e-7, -3e-7, 1e-20, 1e-38, 1e-3].flatMap((x) => [
        single(`log1p(${x})`, tf.log1p, [x]),
        single(`expm1(${x})`, tf.expm1, [x]),
      ]),
    ));

  it('log1p and expm1 reach their ends', () =>
    agree([
      single('log1p', tf.log1p, [-1, -0.99999994, 1e30, 3e38, -2], false),
      single('expm1', tf.expm1, [88.5, 89, -17, -87, -104, -1e30, 1e30], false),
    ]));

  it('large and small magnitudes pass through products and quotients', () =>
    agree([
      single('x·1e38', (x) => tf.mul(x, 1e38), [2, -2, 10, 1e-38], false),
      single('x/1e-38', (x) => tf.div(x, 1e-38), [1, -1, 1e3], false),
      single('1/x', (x) => tf.reciprocal(x), [1e38, -1e-38, 1e-37], false),
    ]));

  it('sigmoid keeps its relative precision where it is almost 0', () =>
    agree(
      [1e-3, -1, -17.5, -18.5, -25, -50, -87].map((x) =>
        single(`sigmoid(${x})`, (given) => tf.sigmoid(given), [x]),
      ),
      'Sigmoid',
    ));

  it('tanh is tfjs’s to an absolute 2e-7', () =>
    agree(
      [1e-3, -1, -17.5, -88].map((x) => ({
        ...single(`tanh(${x})`, tf.tanh, [x]),
        tolerance: 2e-7,
        absolute: true,
      })),
    ));

  it('powers of a negative base are those of tfjs', () =>
    agree([
      {
        name: 'pow',
        f: (a, b) => tf.pow(a, b),
        inputs: [host([-2, -8, -1.5, 0], [4, 1]), host([2, 3, -1, 0, 0.5, 1 / 3], [1, 6])],
        gradient: false,
      },
    ]));

  it('the remainder has the divisor’s sign and stays below it, however large the quotient', () =>
    agree([
      {
        name: 'floats',
        f: (a, b) => tf.mod(a, b),
        inputs: [
          host([1e8, -1e8, 16777215, 1e10, -7, 7, 5.9999995], [7, 1]),
          host([3, -3, 0.7, -0.1, 7], [1, 5]),
        ],
        gradient: false,
      },
      {
        name: 'integers',
        f: (a, b) => tf.mod(a, b),
        inputs: [host([2147483647, -7, 7, -1, 0], [5, 1], 'int32'), host([3, -3, 7, -7, 1], [1, 5], 'int32')],
      },
    ]));

  it('step takes the value that tfjs gives it for x ≤ 0', () =>
    agree([single('step', (x) => tf.step(x, 0.25), [-2, -0, 0, 1e-30, 2, INF, -INF])], 'Step'));

  it('a zero keeps its sign as a constant', () =>
    agree([
      single(
        'quotients',
        (x) => tf.concat([tf.div(x, tf.scalar(0)), tf.div(x, tf.scalar(-0))]),
        [1, -1],
        false,
      ),
    ]));

  it('a cast to int32 cuts off the fraction', () =>
    agree([single('cast', (x) => tf.cast(x, 'int32'), [1.9, -1.9, 0.999, -0.999, 2e9], false)]));
});

describe('elementwise kernels refuse in one line', () => {
  const refusal = (f: (x: tf.Tensor) => tf.Tensor, dtype: DType) => refusalOf(f, { dtype, shape: [2, 3] });

  it.each([
    ['Exp', tf.exp, 'int32'],
    ['Log1p', tf.log1p, 'int32'],
    ['Reciprocal', tf.reciprocal, 'bool'],
    ['Step', (x: tf.Tensor) => tf.step(x), 'int32'],
  ] as const)('%s of another type', (kernel, f, dtype) => {
    const message = refusal(f, dtype);
    expect(message).toContain(
      `the operation '${kernel}' on (${dtype}[2, 3]) cannot be compiled: it takes float32; cast its inputs first`,
    );
  });

  it('arithmetic on bools', () => {
    expect(refusal((x) => tf.add(x, x), 'bool')).toContain(
      "the operation 'Add' on (bool[2, 3], bool[2, 3]) cannot be compiled: it takes float32 or int32",
    );
  });

  it('a choice between types', () => {
    expect(refusal((x) => tf.where(tf.greater(x, 0), x, tf.zeros([2, 3], 'int32')), 'float32')).toContain(
      "'Select' on (bool[2, 3], float32[2, 3], int32[2, 3]) cannot be compiled: its results differ in type",
    );
  });
});
