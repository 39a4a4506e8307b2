import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compileFunction } from '../../../lib/compile';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { host } from './arbitraries';
import { expectGradientsOfDifferences } from './differences';

interface Known {
  readonly f: (x: tf.Tensor) => tf.Tensor;
  readonly plain: (x: number) => number;
  /** Arguments, within the domain and off kinks. */
  readonly at: readonly number[];
  /** Arguments at which values alone are compared. */
  readonly ends?: readonly number[];
}

const ANYWHERE = [-7.5, -2.25, -1.1, -0.6, -0.3, 1e-3, 0.4, 0.7, 1.6, 3.2, 6.1];
const INSIDE = [-0.99, -0.7, -0.3, -1e-3, 0.02, 0.4, 0.9];
const ABOVE = [0.1, 0.7, 1.5, 9];
const TINY = [1e-300, -1e-300, 1e-20, -1e-12, 1e-9, 0];
const { POSITIVE_INFINITY: INF } = Number;

/** erf by its Taylor series, which loses no digit below 2. */
function erf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** Each in plain double precision; JavaScript's own mathematics is the judge. */
const KNOWN: Readonly<Record<string, Known>> = {
  exp: { f: tf.exp, plain: Math.exp, at: ANYWHERE, ends: [700, -700, -INF] },
  expm1: { f: tf.expm1, plain: Math.expm1, at: ANYWHERE, ends: [...TINY, -50, 709, INF, -INF] },
  log: { f: tf.log, plain: Math.log, at: ABOVE, ends: [1e300, 1e-300, 0, INF] },
  log1p: { f: tf.log1p, plain: Math.log1p, at: [...ABOVE, -0.9, -0.1], ends: [...TINY, 1e300, -1, INF] },
  sqrt: { f: tf.sqrt, plain: Math.sqrt, at: ABOVE, ends: [0, 1e-300, 1e300] },
  sin: { f: tf.sin, plain: Math.sin, at: ANYWHERE, ends: TINY },
  cos: { f: tf.cos, plain: Math.cos, at: ANYWHERE },
  tan: { f: tf.tan, plain: Math.tan, at: INSIDE, ends: TINY },
  asin: { f: tf.asin, plain: Math.asin, at: INSIDE, ends: [...TINY, 1, -1] },
  acos: { f: tf.acos, plain: Math.acos, at: INSIDE, ends: [0, 1, -1] },
  atan: { f: tf.atan, plain: Math.atan, at: ANYWHERE, ends: [...TINY, 1, 2.5, 1e300, INF, -INF] },
  sinh: { f: tf.sinh, plain: Math.sinh, at: ANYWHERE, ends: [...TINY, 700, INF, -INF] },
  cosh: { f: tf.cosh, plain: Math.cosh, at: ANYWHERE, ends: [0, 700, -INF] },
  tanh: { f: tf.tanh, plain: Math.tanh, at: ANYWHERE, ends: [...TINY, 50] },
  asinh: { f: tf.asinh, plain: Math.asinh, at: ANYWHERE, ends: [...TINY, 1e200, -1e200, INF, -INF] },
  acosh: { f: tf.acosh, plain: Math.acosh, at: [1.1, 1.5, 3, 20], ends: [1, 1.001, 1e200, INF] },
  atanh: { f: tf.atanh, plain: Math.atanh, at: INSIDE, ends: [...TINY, 1, -1] },
  erf: { f: tf.erf, plain: erf, at: INSIDE.concat([1.2, -1.9]), ends: TINY },
  sigmoid: { f: tf.sigmoid, plain: (x) => 1 / (1 + Math.exp(-x)), at: ANYWHERE, ends: [-700, 40] },
  softplus: {
    f: tf.softplus,
    plain: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    at: ANYWHERE,
    ends: [-700, 700, 0],
  },
  elu: { f: tf.elu, plain: (x) => (x > 0 ? x : Math.expm1(x)), at: ANYWHERE, ends: [-1e-12, -50] },
  relu6: { f: tf.relu6, plain: (x) => Math.min(Math.max(x, 0), 6), at: ANYWHERE },
  leakyRelu: { f: (x) => tf.leakyRelu(x, 0.25), plain: (x) => (x < 0 ? x / 4 : x), at: ANYWHERE },
  step: { f: (x) => tf.step(x), plain: (x) => (x > 0 ? 1 : 0), at: ANYWHERE, ends: [1e-300, 0] },
};

describe.each(Object.entries(KNOWN))('%s in double precision', (_, { f, plain, at, ends = [] }) => {
  it('is exact to a few units in the last place', async () => {
    const x = { ...host([...at, ...ends]), data: Float64Array.from([...at, ...ends]) };
    const compiled = await compileFunction(onnxRuntimeNode, ([given]) => [f(given as tf.Tensor)], [x], {
      precision: 'float64',
    });
    const [value] = await compiled.run([x]);
    await compiled.release();
    for (const [i, argument] of x.data.entries()) {
      const [actual, expected] = [value?.data[i] as number, plain(argument)];
      if (Number.isFinite(expected) && expected !== 0)
        expect(Math.abs(actual / expected - 1), `at ${argument}`).toBeLessThan(4e-15);
      else expect(actual + 0, `at ${argument}`).toBe(expected + 0);
    }
  });

  it('has the gradient of finite differences', () => expectGradientsOfDifferences((x) => f(x), [host(at)]));
});

describe('erf in double precision', () => {
  it('reaches 1: values of the standard tables', async () => {
    // NIST Digital Library of Mathematical Functions, 7.23; and 1 to the last place from 6 on.
    const known = [
      [3, 0.9999779095030014],
      [4, 0.9999999845827421],
      [5, 0.9999999999984626],
      [6, 1],
      [30, 1],
      [INF, 1],
      [-4, -0.9999999845827421],
    ];
    const data = Float64Array.from(known.map(([x]) => x as number));
    const x = { ...host([...data]), data };
    const options = { precision: 'float64' } as const;
    const compiled = await compileFunction(
      onnxRuntimeNode,
      ([given]) => [tf.erf(given as tf.Tensor)],
      [x],
      options,
    );
    const [value] = await compiled.run([x]);
    await compiled.release();
    known.forEach(([, expected], i) => {
      expect(value?.data[i]).toBeCloseTo(expected as number, 15);
    });
  });
});
