import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFunction, type HostTensor } from '../../../lib/compile';
import { MATMUL_ADD, products } from '../../../lib/compile/kernels/matmul';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { agree, agreeOn, type Case, refusalOf } from './agreement';
import { filled, host, tensors } from './arbitraries';
import { differencesMatchOn } from './drawn-differences';

interface Product {
  readonly batchA: readonly number[];
  readonly batchB: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

const dimension = fc.integer({ min: 1, max: 5 });

/** Batches that are equal, or repeat one another. */
const batches = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }).map((batch) => [batch, batch] as const),
  fc.constantFrom(
    ...([
      [[2, 3], [3]],
      [[1], [3]],
      [[], [2]],
      [[1, 1], []],
      [[2, 1], [3]],
      [
        [1, 3],
        [2, 1],
      ],
    ] as const),
  ),
);

const productsDrawn: fc.Arbitrary<Product> = fc
  // An inner dimension of 40 against at most 5 takes the path for a transposed tall operand.
  .tuple(batches, dimension, fc.oneof(dimension, fc.constant(40)), dimension, fc.boolean(), fc.boolean())
  .map(([[batchA, batchB], m, k, n, transposeA, transposeB]) => ({
    batchA,
    batchB,
    m,
    k,
    n,
    transposeA,
    transposeB,
  }));

function shapesOf({ batchA, batchB, m, k, n, transposeA, transposeB }: Product): [number[], number[]] {
  return [
    [...batchA, ...(transposeA ? [k, m] : [m, k])],
    [...batchB, ...(transposeB ? [n, k] : [k, n])],
  ];
}

const label = ({ transposeA, transposeB }: Product, inputs: readonly HostTensor[]) =>
  `[${inputs.map(({ shape }) => shape).join('] · [')}], transposed ${transposeA}, ${transposeB}`;

/** A product with the batches of both repeated first: of batches that repeat each other tfjs's CPU backend computes a part. */
const repeatedFirst = ({ batchA, batchB, transposeA, transposeB }: Product) => {
  const batch = tf.broadcast_util.assertAndGetBroadcastShape([...batchA], [...batchB]);
  const repeated = (x: tf.Tensor) => tf.broadcastTo(x, [...batch, ...x.shape.slice(-2)] as [number]);
  return (x: tf.Tensor, y: tf.Tensor) => tf.matMul(repeated(x), repeated(y), transposeA, transposeB);
};

const productCase: fc.Arbitrary<Case> = productsDrawn.chain((product) => {
  const [a, b] = shapesOf(product);
  return fc.tuple(tensors(a), tensors(b)).map((inputs) => ({
    name: label(product, inputs),
    f: (x, y) => tf.matMul(x, y, product.transposeA, product.transposeB),
    eager: repeatedFirst(product),
    inputs,
  }));
});

/** A product of two matrices plus something that broadcasts to it, on either side. */
const sumCase: fc.Arbitrary<Case> = fc
  .tuple(productsDrawn, fc.constantFrom('matrix', 'row', 'column', 'vector', 'scalar'), fc.boolean())
  .chain(([product, form, first]) => {
    const { m, n } = product;
    const [a, b] = shapesOf({ ...product, batchA: [], batchB: [] });
    const addend = { matrix: [m, n], row: [1, n], column: [m, 1], vector: [n], scalar: [] }[form] as number[];
    return fc.tuple(tensors(a), tensors(b), tensors(addend)).map((inputs) => ({
      name: `${label(product, inputs)}, ${form} ${first ? 'first' : 'last'}`,
      f: (x, y, c) => {
        const result = tf.matMul(x, y, product.transposeA, product.transposeB);
        return first ? tf.add(c, result) : tf.add(result, c);
      },
      inputs,
    }));
  });

const CASES: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  BatchMatMul: productCase,
  [MATMUL_ADD]: sumCase,
};

describe('matrix products', () => {
  it.each(Object.entries(CASES))('%s agrees with eager tfjs, transposed or not, in batches or not', agreeOn);

  it('are all tested', () => expect(Object.keys(CASES).sort()).toEqual(Object.keys(products).sort()));

  it.each([
    [
      [0, 3],
      [3, 2],
    ],
    [
      [2, 0],
      [0, 3],
    ],
    [
      [2, 2, 0],
      [2, 0, 3],
    ],
    [
      [1, 2, 0],
      [1, 0, 3],
    ],
    [
      [2, 0, 3],
      [2, 3, 2],
    ],
  ])('of [%s] and [%s] are empty or zero', (a, b) =>
    agree([
      {
        name: 'empty',
        f: (x, y) => tf.matMul(x, y),
        inputs: [host([], a), host([], b)].map(withOnes),
        gradient: false,
      },
    ]),
  );

  it.each([
    [96, 200],
    [200, 96],
    [113, 128],
  ])('of a tall transposed operand, %i × %i: the same bits with one thread, two and three', async (m, n) => {
    const inputs = [filled([1600, m], 'float32', {}, 1), filled([1600, n], 'float32', {}, 2)];
    const f = (inputs: tf.Tensor[]) => [tf.matMul(...(inputs as [tf.Tensor, tf.Tensor]), true)];
    const results = await Promise.all(
      [1, 2, 3].map(async (threads) => {
        const compiled = await compileFunction(onnxRuntimeNode, f, inputs, { threads });
        const [result] = await compiled.run(inputs);
        await compiled.release();
        return result as HostTensor;
      }),
    );
    expect(results[1]?.data).toEqual(results[0]?.data);
    expect(results[2]?.data).toEqual(results[0]?.data);
  });

  it('have gradients that agree with finite differences, batches repeated or not', () =>
    differencesMatchOn(productCase, 8));

  it('agree in float64', () => agreeOn('BatchMatMul', productCase, { precision: 'float64', batches: 1 }));

  it('of constants whose batches repeat each other are right', () => {
    const [a, b] = [filled([2, 1, 3, 2], 'float32', {}, 1), filled([3, 2, 4], 'float32', {}, 2)];
    const constant = ({ data, shape }: HostTensor) => tf.tensor<tf.Rank>(data.slice(), [...shape]);
    const repeated = (x: HostTensor) =>
      tf.broadcastTo(constant(x), [2, 3, ...x.shape.slice(-2)] as [number, number, number, number]);
    return agree([
      {
        name: 'constants',
        f: (x) => tf.mul(x, tf.matMul(constant(a), constant(b))),
        eager: (x) => tf.mul(x, tf.matMul(repeated(a), repeated(b))),
        inputs: [host([2], [])],
      },
    ]);
  });

  it('of integers agree with eager tfjs', () => {
    const [a, b] = [filled([2, 3, 4], 'int32', {}, 1), filled([2, 3, 5], 'int32', {}, 2)];
    const [c, d] = [filled([4, 3], 'int32', {}, 3), filled([5, 3], 'int32', {}, 4)];
    return agree(
      [
        { name: 'batches', f: (x, y) => tf.matMul(x, y, true), inputs: [a, b] },
        {
          name: 'matrices, and a sum',
          f: (x, y) => tf.add(tf.matMul(x, y, false, true), tf.ones([5], 'int32')),
          inputs: [c, d],
        },
      ],
      'BatchMatMul',
    );
  });

  it('as dot and outer products agree with eager tfjs', () => {
    const [matrix, vector, other] = [
      filled([3, 4], 'float32', {}, 1),
      filled([4], 'float32', {}, 2),
      filled([4], 'float32', {}, 3),
    ];
    return agree([
      { name: 'vector · vector', f: (x, y) => tf.dot(x, y), inputs: [vector, other] },
      { name: 'matrix · vector', f: (x, y) => tf.dot(x, y), inputs: [matrix, vector] },
      {
        name: 'outer',
        f: (x, y) => tf.outerProduct(x as tf.Tensor1D, y as tf.Tensor1D),
        inputs: [vector, other],
      },
    ]);
  });

  it('of tiny and huge numbers agree with eager tfjs', () =>
    agree(
      [1e-30, 1e15].map((size) => ({
        name: `${size}`,
        f: (x, y) => tf.matMul(x, y),
        inputs: [host([size, 2 * size, -size, size], [2, 2]), host([size, 1, -1, size], [2, 2])],
      })),
    ));

  it('of bools are refused', () => {
    const form = { dtype: 'bool', shape: [2, 2] } as const;
    const message = refusalOf((a, b) => tf.matMul(a, b), form, form);
    expect(message).toContain(
      "'BatchMatMul' on (bool[2, 2], bool[2, 2]) cannot be compiled: it takes float32 or int32",
    );
  });
});

/** The same tensor with its elements, if it has any, set to 1. */
function withOnes({ shape }: HostTensor): HostTensor {
  return host(Array<number>(shape.reduce((size, d) => size * d, 1)).fill(1), [...shape]);
}
