/** @file Programs over short sequences, drawn at random, for tests of passes. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { stopGradient } from '../../../lib/compile';

/** One operation of a drawn program: which, on which values so far, and a number that it takes its choices from. */
export type Line = readonly [operation: number, first: number, second: number, choice: number];

export const ROWS = 4;
export const POSITIONS = 3;
export const WIDTH = 2;
const VOCABULARY = 5;

/** Rows of tokens; the last position holds the same one in all rows, as "=" does. */
const TOKENS = [0, 3, 4, 1, 1, 4, 0, 2, 4, 1, 3, 4];

/** Weights that a program may use: two embeddings, a matrix, a row, and the rows of positions. */
export const WEIGHTS: readonly (readonly number[])[] = [
  [VOCABULARY, WIDTH],
  [POSITIONS, WIDTH],
  [WIDTH, WIDTH],
  [WIDTH],
  [2, WIDTH],
];

/** Keeps values of moderate size, whatever was done to them. */
type Bound = (x: tf.Tensor) => tf.Tensor;

interface Choice {
  /** The operands. */
  readonly a: tf.Tensor;
  readonly b: tf.Tensor;
  readonly weights: readonly tf.Tensor[];
  /** A number from 0 to n − 1. */
  choose(n: number): number;
  readonly bound: Bound;
}

const axisOf = (x: tf.Tensor, choice: number) => (choice % (2 * x.rank)) - x.rank;

/** Shapes that hold what x does: axes merged, of length one, split. */
function reshapesOf({ shape, size }: tf.Tensor): number[][] {
  const split = shape.flatMap((d, i) =>
    d % 2 === 0 && d > 2 ? [[...shape.slice(0, i), 2, d / 2, ...shape.slice(i + 1)]] : [],
  );
  const merged = shape
    .slice(1)
    .map((d, i) => [...shape.slice(0, i), (shape[i] as number) * d, ...shape.slice(i + 2)]);
  const ones = shape.map((_, i) => [...shape.slice(0, i), 1, ...shape.slice(i)]);
  return [[size], ...merged, ...split, ...ones, [...shape, 1], [1, ...shape]].filter((s) => s.length <= 5);
}

const size = (shape: readonly number[]) => shape.reduce((product, d) => product * d, 1);

/** This many of a tensor's elements, again from the first where it has fewer. */
const elementsOf = (x: tf.Tensor, count: number) =>
  tf.slice(tf.tile(tf.reshape(x, [x.size]), [Math.ceil(count / x.size)]), [0], [count]);

/** b in a shape that broadcasts with a: a row, a column or a slice of a, filled with b's elements. */
function likeBroadcast({ a, b, choose }: Choice): tf.Tensor {
  const kept = a.shape.map((d) => (choose(2) === 0 ? 1 : d));
  const shape = kept.slice(choose(2) === 0 ? 0 : choose(Math.max(1, a.rank)));
  return tf.reshape(elementsOf(b, size(shape)), shape);
}

/** Programs' operations. None jumps where its operands move a little, but relu and maxima, whose operands seldom tie. */
export const OPERATIONS: Readonly<Record<string, (choice: Choice) => tf.Tensor>> = {
  embed: ({ weights }) => tf.gather(weights[0] as tf.Tensor, tf.tensor2d(TOKENS, [ROWS, POSITIONS], 'int32')),
  embedHeads: ({ weights, choose }) =>
    tf.gather(
      weights[choose(2) === 0 ? 4 : 0] as tf.Tensor,
      tf.tensor3d(
        TOKENS.map((token) => token % 2),
        [2, 2, POSITIONS],
        'int32',
      ),
    ),
  addPositions: ({ a, weights }) =>
    a.rank === 3 && a.shape[1] === POSITIONS && a.shape[2] === WIDTH ? tf.add(a, weights[1] as tf.Tensor) : a,
  lookUp: ({ a, choose }) =>
    a.rank === 0
      ? a
      : tf.gather(
          a,
          tf.tensor1d(
            Array.from({ length: 6 }, () => choose(a.shape[0] as number)),
            'int32',
          ),
        ),
  lookUpAxis: ({ a, choose }) => {
    if (a.rank === 0) return a;
    const axis = choose(a.rank);
    return tf.gather(a, tf.tensor1d([0, choose(a.shape[axis] as number)], 'int32'), axis);
  },
  slice: ({ a, choose }) => {
    if (a.rank === 0) return a;
    const begin = a.shape.map((d) => choose(d));
    return tf.slice(
      a,
      begin,
      a.shape.map((d, i) => 1 + choose(d - (begin[i] as number))),
    );
  },
  last: ({ a, choose }) => {
    if (a.rank === 0) return a;
    const axis = choose(a.rank);
    return tf.slice(
      a,
      a.shape.map((d, i) => (i === axis ? d - 1 : 0)),
      a.shape.map((d, i) => (i === axis ? 1 : d)),
    );
  },
  sliceFirst: ({ a, choose }) => (a.rank === 0 ? a : tf.slice(a, choose(a.shape[0] as number))),
  pad: ({ a, choose }) =>
    a.rank === 0
      ? a
      : tf.pad(
          tf.slice(a, 0, 1),
          a.shape.map((_, i): [number, number] => (i === 0 ? [choose(3), choose(2)] : [0, 0])),
          choose(4) === 0 ? 1 : 0,
        ),
  reshape: ({ a, choose }) => {
    const shapes = reshapesOf(a);
    return tf.reshape(a, shapes[choose(shapes.length)] as number[]);
  },
  transpose: ({ a, choose }) => {
    const left = a.shape.map((_, i) => i);
    return tf.transpose(
      a,
      a.shape.map(() => left.splice(choose(left.length), 1)[0] as number),
    );
  },
  matMul: ({ a, b, choose, bound }) => {
    if (a.rank < 2) return a;
    const [transposeA, transposeB] = [choose(2) === 0, choose(2) === 0];
    const inner = a.shape[transposeA ? a.rank - 2 : a.rank - 1] as number;
    // What b has, brought into a form that fits: a matrix, or one for each of a's batch.
    const columns = 1 + choose(3);
    const batch = choose(2) === 0 ? [] : a.shape.slice(0, -2).map((d) => (choose(3) === 0 ? 1 : d));
    const shape = [...batch, ...(transposeB ? [columns, inner] : [inner, columns])];
    return bound(tf.matMul(a, tf.reshape(elementsOf(b, size(shape)), shape), transposeA, transposeB));
  },
  products: ({ a, weights, choose, bound }) => {
    if (a.shape.at(-1) !== WIDTH) return a;
    const rows = tf.reshape(a, [-1, WIDTH]) as tf.Tensor2D;
    const product = tf.matMul(rows, weights[2] as tf.Tensor2D, false, choose(2) === 0);
    return bound(tf.reshape(product, a.shape));
  },
  gram: ({ a, bound }) => (a.rank < 2 ? a : bound(tf.matMul(a, a, false, true))),
  residual: ({ a, b, bound }) => (sameShape(a, b) ? bound(tf.add(a, b)) : a),
  softmax: ({ a, choose }) => {
    if (a.rank === 0) return a;
    const perm = a.shape.map((_, i) => i);
    // tfjs computes it along the last axis only.
    perm.push(...perm.splice(choose(a.rank), 1));
    return tf.softmax(tf.transpose(a, perm));
  },
  sum: ({ a, choose, bound }) =>
    a.rank === 0 ? a : bound(tf.sum(a, axisOf(a, choose(2 * a.rank)), choose(2) === 0)),
  sumAll: ({ a, bound }) => bound(tf.sum(a)),
  sumTwo: ({ a, choose, bound }) =>
    a.rank < 2 ? a : bound(tf.sum(a, [0, choose(a.rank - 1) - a.rank + 1], choose(2) === 0)),
  max: ({ a, choose }) => (a.rank === 0 ? a : tf.max(a, axisOf(a, choose(2 * a.rank)), choose(2) === 0)),
  min: ({ a, choose }) => (a.rank === 0 ? a : tf.min(a, axisOf(a, choose(2 * a.rank)), choose(2) === 0)),
  add: (choice) => choice.bound(tf.add(choice.a, likeBroadcast(choice))),
  sub: (choice) => choice.bound(tf.sub(likeBroadcast(choice), choice.a)),
  mul: (choice) => choice.bound(tf.mul(choice.a, likeBroadcast(choice))),
  div: (choice) => tf.div(likeBroadcast(choice), tf.add(1, tf.square(choice.a))),
  maximum: (choice) => tf.maximum(likeBroadcast(choice), choice.a),
  where: (choice) =>
    tf.where(
      tf.greater(stopGradient(likeBroadcast(choice)), stopGradient(choice.a)),
      choice.a,
      likeBroadcast(choice),
    ),
  whereRow: (choice) =>
    tf.where(
      tf.greater(stopGradient(likeBroadcast(choice)), 0),
      choice.a,
      tf.mul(likeBroadcast(choice), 0.5),
    ),
  bias: ({ a, weights }) => (a.shape.at(-1) === WIDTH ? tf.add(a, weights[3] as tf.Tensor) : tf.add(a, 0.25)),
  relu: ({ a }) => tf.relu(a),
  leaky: ({ a }) => tf.mul(a, tf.step(a, 0.25)),
  exp: ({ a, bound }) => bound(tf.exp(bound(a))),
  cos: ({ a }) => tf.cos(a),
  square: ({ a, bound }) => bound(tf.square(a)),
  differences: (choice) => choice.bound(tf.squaredDifference(choice.a, likeBroadcast(choice))),
  segments: ({ a, choose, bound }) =>
    a.rank === 0
      ? a
      : bound(
          tf.unsortedSegmentSum(
            a,
            // Some outside, which count for nothing.
            tf.tensor1d(
              Array.from({ length: a.shape[0] as number }, () => choose(5) - 1),
              'int32',
            ),
            1 + choose(3),
          ),
        ),
  sumOfProducts: (choice) =>
    choice.a.rank === 0 ? choice.a : choice.bound(tf.sum(tf.mul(choice.a, likeBroadcast(choice)), 0)),
  concat: ({ a, choose }) => (a.rank === 0 ? a : tf.concat([a, tf.neg(a)], choose(a.rank))),
  mean: ({ a, choose }) => (a.rank === 0 ? a : tf.mean(a, choose(a.rank), true)),
  integers: (choice) =>
    tf.cast(
      tf.cast(tf.greater(stopGradient(choice.a), stopGradient(likeBroadcast(choice))), 'int32'),
      'float32',
    ),
};

const sameShape = (a: tf.Tensor, b: tf.Tensor) => a.shape.join() === b.shape.join();

/** Drawn programs, the first line an embedding. */
export const lines = fc.array(
  fc.tuple(
    fc.nat(Object.keys(OPERATIONS).length - 1),
    fc.nat(20),
    fc.nat(20),
    fc.nat(2 ** 30),
  ) as fc.Arbitrary<Line>,
  { minLength: 4, maxLength: 12, size: 'max' },
);

const LARGEST = 600;

/** All values of a program, in order. Operands are taken from late values rather than early ones. */
export function interpret(
  program: readonly Line[],
  weights: readonly tf.Tensor[],
  bound: Bound,
): tf.Tensor[] {
  const operations = Object.entries(OPERATIONS);
  const values: tf.Tensor[] = [
    ...weights,
    (OPERATIONS.embed as (typeof OPERATIONS)[string])({ weights } as never),
  ];
  const pick = (back: number) => values[Math.max(0, values.length - 1 - (back % 8))] as tf.Tensor;
  for (const [operation, first, second, seed] of program) {
    let state = seed;
    const choose = (n: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state >>> 16) % n;
    };
    const [, apply] = operations[operation] as (typeof operations)[number];
    const result = apply({ a: pick(first % 3), b: pick(second), weights, choose, bound });
    if (result.size <= LARGEST && result.rank <= 5) values.push(result);
  }
  return values;
}
