import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { applyHouseholder, householderMatrix, orthonormalRows, unitRows } from '../../lib/models/householder';
import { valueAndGrads } from '../../lib/models/params';
import { svdLinear, svdMatrix } from '../../lib/models/svd-matrix';
import { DEVICES } from '../support/devices';
import { messageOf } from '../support/one-line';
import { openOracle } from '../support/oracle';

const TOLERANCE = 1e-5;
const oracle = openOracle('f_svd_householder');

/** A matrix of the reference in float32. */
function matrix(key: string): tf.Tensor2D {
  return tf.tensor2d(Float32Array.from(oracle.numbers(key)), oracle.shape(key) as [number, number]);
}

const vector = (key: string): tf.Tensor1D => tf.tensor1d(Float32Array.from(oracle.numbers(key)));

/** Reflections one after the other, in double precision: H(v₁)⋯H(v_k), row-major [d, d]. */
function plainProduct(vectors: ArrayLike<number>, d: number): Float64Array {
  const q = Float64Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0));
  for (let row = vectors.length / d - 1; row >= 0; row--) {
    const v = Array.from({ length: d }, (_, i) => vectors[row * d + i] as number);
    const norm = v.reduce((sum, x) => sum + x * x, 0);
    for (let column = 0; column < d; column++) {
      const dot = v.reduce((sum, x, i) => sum + x * (q[i * d + column] as number), 0);
      for (let i = 0; i < d; i++) (q[i * d + column] as number) -= (2 * (v[i] as number) * dot) / norm;
    }
  }
  return q;
}

describe.each(DEVICES)('matrices of Householder reflections on $name, against float64 PyTorch', (device) => {
  describe.each(['square8', 'rect10x6', 'few12'])('%s', (name) => {
    const of = (key: string) => `hh.${name}.${key}`;
    const inputs = () => [matrix(of('u_vectors')), matrix(of('v_vectors')), vector(of('s')), matrix(of('x'))];

    it('gives U, V and W', async () => {
      const [u, v, w] = await device.run((tensors) => {
        const [uVectors, vVectors, sigma] = tensors as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
        return [
          householderMatrix(uVectors),
          householderMatrix(vVectors, { blockSize: 2 }),
          svdMatrix({ uVectors, vVectors, sigma }),
        ];
      }, inputs());
      expect(u).toMatchReference(oracle.numbers(of('U')), TOLERANCE);
      expect(v).toMatchReference(oracle.numbers(of('V')), TOLERANCE);
      expect(w).toMatchReference(oracle.numbers(of('W')), TOLERANCE);
    });

    const layers = [
      ['by the matrix', 3],
      ['by the matrix', 128],
      ['part by part', 1],
      ['part by part', 128],
    ] as const;
    it.each(layers)(
      'gives output, loss and gradients of a layer %s, blocks of %i',
      async (way, blockSize) => {
        const [y, loss, u, v, s] = await device.run((tensors) => {
          const [uVectors, vVectors, sigma, x] = tensors as [
            tf.Tensor2D,
            tf.Tensor2D,
            tf.Tensor1D,
            tf.Tensor2D,
          ];
          const layer = (factors: Parameters<typeof svdMatrix>[0]): tf.Tensor2D =>
            way === 'part by part'
              ? svdLinear(factors, x, { blockSize })
              : tf.matMul(x, svdMatrix(factors, { blockSize }), false, true);
          const c = matrix(of('c'));
          const { value, grads } = valueAndGrads(
            (factors) => {
              const y = layer(factors);
              return tf.add(tf.sum(tf.mul(y, c)), tf.mul(tf.sum(tf.square(y)), 0.5));
            },
            { uVectors, vVectors, sigma },
          );
          return [layer({ uVectors, vVectors, sigma }), value, grads.uVectors, grads.vVectors, grads.sigma];
        }, inputs());
        expect(y).toMatchReference(oracle.numbers(of('y')), TOLERANCE);
        expect(loss).toMatchReference(oracle.numbers(of('loss')), TOLERANCE);
        expect(u).toMatchReference(oracle.numbers(of('grad_u_vectors')), TOLERANCE);
        expect(v).toMatchReference(oracle.numbers(of('grad_v_vectors')), TOLERANCE);
        expect(s).toMatchReference(oracle.numbers(of('grad_s')), TOLERANCE);
      },
    );
  });

  it('gives values and gradients of FastH’s own layer, Q(V)·(D∘Q(U)·X) on samples in columns', async () => {
    const names = ['U', 'V', 'D', 'X', 'C'];
    const [y, ...grads] = await device.run(
      (tensors) => {
        const [u, v, d, x, c] = tensors as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
        const layer = ({ u, v, d }: { u: tf.Tensor2D; v: tf.Tensor2D; d: tf.Tensor2D }): tf.Tensor2D => {
          const inner = applyHouseholder(u, tf.transpose(x), { blockSize: 4 });
          return tf.transpose(applyHouseholder(v, tf.mul(inner, tf.transpose(d)), { blockSize: 4 }));
        };
        const { grads } = valueAndGrads((params) => tf.sum(tf.mul(layer(params), c)), { u, v, d });
        return [layer({ u, v, d }), grads.u, grads.v, grads.d];
      },
      names.map((name) => matrix(`fasth.${name}`)),
    );
    expect(y).toMatchReference(oracle.numbers('fasth.y'), TOLERANCE);
    for (const [i, name] of ['U', 'V', 'D'].entries()) {
      expect(grads[i], name).toMatchReference(oracle.numbers(`fasth.grad_${name}`), TOLERANCE);
    }
  });
});

describe('a product of reflections', () => {
  const random = (k: number, d: number, seed = 1): tf.Tensor2D =>
    tf.randomNormal([k, d], 0, 1, 'float32', seed);

  it.each([1, 2, 3, 7, 16, 20, 64])('is the same in blocks of %i', (blockSize) => {
    const vectors = random(20, 24);
    const q = householderMatrix(vectors, { blockSize });
    expect(q.dataSync()).toMatchReference(plainProduct(vectors.dataSync(), 24), 2e-6);
  });

  it('is orthogonal, and its first columns are those of the whole', () => {
    const vectors = random(96, 96);
    const q = householderMatrix(vectors);
    const error = tf.max(tf.abs(tf.sub(tf.matMul(q, q, true), tf.eye(96)))).dataSync()[0];
    expect(error).toBeLessThan(5e-6);
    const few = householderMatrix(vectors, { columns: 5, blockSize: 32 });
    expect(few.dataSync()).toMatchReference(tf.slice(q, [0, 0], [96, 5]).dataSync(), 5e-6);
  });

  it('keeps its precision where vectors are alike', () => {
    const alike = tf.add(random(64, 64), 30) as tf.Tensor2D;
    const q = householderMatrix(alike);
    expect(q.dataSync()).toMatchReference(plainProduct(alike.dataSync(), 64), 1e-4);
    const error = tf.max(tf.abs(tf.sub(tf.matMul(q, q, true), tf.eye(64)))).dataSync()[0];
    expect(error).toBeLessThan(1e-5);
  });

  it('does not depend on the vectors’ lengths, from 1e-15 to 1e17', () => {
    const vectors = random(8, 8);
    const expected = householderMatrix(vectors).dataSync();
    for (const length of [1e-15, 1e17]) {
      expect(householderMatrix(tf.mul(vectors, length)).dataSync()).toMatchReference(expected, 1e-5);
    }
  });

  it('reflects nothing at the vector 0 and below 1e-15, with the gradient 0', () => {
    const one = random(1, 6);
    const zeros = tf.zeros([1, 6]) as tf.Tensor2D;
    const tiny: tf.Tensor2D = tf.fill([1, 6], 1e-16);
    const vectors = tf.concat([zeros, one, tiny]);
    const expected = householderMatrix(one).dataSync();
    expect(householderMatrix(vectors).dataSync()).toMatchReference(expected, 1e-6);
    const weights = random(6, 6, 2);
    const grads = tf.grad((v) => tf.sum(tf.mul(householderMatrix(v as tf.Tensor2D), weights)))(vectors);
    const [first, own, last] = tf.split(grads, 3) as [tf.Tensor, tf.Tensor, tf.Tensor];
    expect([...first.dataSync(), ...last.dataSync()]).toEqual(Array(12).fill(0));
    expect(tf.max(tf.abs(own)).dataSync()[0]).toBeGreaterThan(0.1);
  });

  it('leaves no tensor behind, with its gradient', () => {
    const vectors = random(6, 5);
    const before = tf.memory().numTensors;
    const loss = (v: tf.Tensor) =>
      tf.sum(tf.square(tf.matMul(householderMatrix(v as tf.Tensor2D, { blockSize: 4 }), tf.ones([5, 2]))));
    tf.grad(loss)(vectors).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('has many made in one call as one by one', () => {
    const products = [
      { vectors: random(3, 7), columns: 7 },
      { vectors: random(8, 12, 2), columns: 8 },
      { vectors: random(5, 7, 3), columns: 2 },
    ];
    const together = orthonormalRows(products, { blockSize: 4 });
    for (const [i, product] of products.entries()) {
      const [alone] = orthonormalRows([product]) as [tf.Tensor2D];
      expect(together[i]?.shape).toEqual(alone.shape);
      expect(together[i]?.dataSync()).toMatchReference(alone.dataSync(), 2e-6);
    }
  });
});

describe('unitRows', () => {
  it('gives rows of norm 1', () => {
    const norms = tf
      .norm(
        unitRows(
          tf.tensor2d([
            [3, 4],
            [1e-12, 0],
            [0, 0],
          ]),
        ),
        2,
        1,
      )
      .dataSync();
    expect([...norms]).toEqual([1, 1, 0].map((norm) => expect.closeTo(norm, 6)));
  });
});

describe('bad input is told in one line', () => {
  const vectors: tf.Tensor2D = tf.ones([3, 4]);
  it.each([
    ['a block size of 0', () => householderMatrix(vectors, { blockSize: 0 }), /blockSize is 0/],
    [
      'too many columns',
      () => householderMatrix(vectors, { columns: 5 }),
      /columns is 5, expected .* from 1 to 4/,
    ],
    [
      'rows of another width',
      () => applyHouseholder(vectors, tf.ones([2, 3])),
      /x has shape \[2, 3\], expected \[rows, 4\]/,
    ],
    [
      'no vectors',
      () => householderMatrix(tf.zeros([0, 4])),
      /shape \[0, 4\], expected \[reflections, dimension\]/,
    ],
    [
      'σ of another length',
      () => svdMatrix({ uVectors: vectors, vVectors: tf.ones([2, 6]), sigma: tf.ones([6]) }),
      /sigma has shape \[6\], expected \[4\]/,
    ],
  ])('%s', (_, f, expected) => {
    expect(messageOf(ArgumentError, f)).toMatch(expected);
  });
});
