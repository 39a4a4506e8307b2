import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  bernoulli,
  CompileError,
  compileFunction,
  dropout,
  dropoutMask,
  type RandomKey,
  randomNormal,
  withBackend,
} from '../../../lib/compile';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { eagerly } from '../../support/eager';
import { messageOf } from '../../support/one-line';
import { agree } from '../kernels/agreement';
import { host } from '../kernels/arbitraries';
import { keyTensor } from './drawn';

const key = (purpose: string, step: number | tf.Tensor = 3): RandomKey => ({ seed: 11, purpose, step });

/** Values and gradients, eagerly or compiled, of dropout of x at a step, each with its gradient for a given dy. */
const withGradient = (x: tf.Tensor, step: tf.Tensor, dy: tf.Tensor) => {
  const drop = (given: tf.Tensor) => dropout(given, 0.4, key('drop', step));
  const mask = dropoutMask(0.4, x.shape, key('drop', step));
  return [drop(x), tf.grad(drop)(x, dy), tf.cast(mask, 'float32')];
};

const SHAPE = [40, 50];
const x = host(
  Array.from({ length: 2000 }, (_, i) => (i % 17) - 8.5),
  SHAPE,
);
const dy = host(
  Array.from({ length: 2000 }, (_, i) => (i % 13) + 1),
  SHAPE,
);

/** Kept elements divided by the probability to be kept, which is 0.6 to the nearest 2⁻¹⁶; the others 0. */
function expectDropped(actual: ArrayLike<number>, given: ArrayLike<number>, mask: ArrayLike<number>): void {
  const factor = Math.fround(2 ** 16 / Math.round(0.6 * 2 ** 16));
  expect(Array.from(actual, (y) => y + 0)).toEqual(
    Array.from(given, (value, i) => (mask[i] ? Math.fround(value * factor) : 0)),
  );
}

describe('dropout', () => {
  it('divides what it keeps by 1 − rate, and lets the gradient through there alone', async () => {
    const compiled = await compileFunction(
      onnxRuntimeNode,
      ([given, step, gradient]) => withGradient(given as tf.Tensor, step as tf.Tensor, gradient as tf.Tensor),
      [x, keyTensor(0), dy],
      { threads: 2 },
    );
    const masks = new Set<string>();
    for (const step of [0, 1, 77]) {
      const [y, gradient, mask] = (await compiled.run([x, keyTensor(step), dy])).map(({ data }) => data) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      expectDropped(y, x.data, mask);
      expectDropped(gradient, dy.data, mask);
      masks.add(mask.join());
      const eager = eagerly(() =>
        withGradient(tf.tensor(x.data, SHAPE), tf.scalar(step, 'int32'), tf.tensor(dy.data, SHAPE)),
      );
      expectDropped(eager[0]?.data as Float32Array, x.data, mask);
      expectDropped(eager[1]?.data as Float32Array, dy.data, mask);
    }
    expect(masks.size).toBe(3);
    // One mask for the value, the gradient and the mask itself.
    expect(compiled.graph.nodes.filter(({ op }) => op === 'RandomHalfEvents')).toHaveLength(1);
    await compiled.release();
  });

  it('draws for each purpose anew', () =>
    withBackend('cpu', () => {
      const [a, b] = ['a', 'b'].map((purpose) => dropoutMask(0.5, [1000], key(purpose)).dataSync());
      const differing = a?.filter((keep, i) => keep !== b?.[i]).length;
      expect(differing).toBeGreaterThan(400);
      expect(differing).toBeLessThan(600);
    }));

  it('keeps the mean', () =>
    withBackend('cpu', () => {
      const n = 200_000;
      const mean = tf.mean(dropout(tf.ones([n]), 0.25, key('mean'))).dataSync()[0] as number;
      // The variance of an element is rate/(1 − rate).
      expect(Math.abs(mean - 1) / Math.sqrt(1 / 3 / n)).toBeLessThan(5);
    }));

  it('keeps with the probability that was asked, wherever the element stands', () =>
    withBackend('cpu', () => {
      for (const rate of [0.1, 0.5, 0.999]) {
        const mask = Array.from(dropoutMask(rate, [100, 2048], key('rate')).dataSync());
        const [upper, lower] = [0, 1024].map((first) =>
          mask.reduce((sum, keep, i) => sum + (i % 2048 >= first && i % 2048 < first + 1024 ? keep : 0), 0),
        ) as [number, number];
        const [n, kept] = [100 * 1024, Math.round((1 - rate) * 2 ** 16) / 2 ** 16];
        for (const count of [upper, lower]) {
          expect(Math.abs(count - n * kept) / Math.sqrt(n * kept * (1 - kept))).toBeLessThan(5);
        }
        // The halves of a word are independent.
        const both = mask.reduce(
          (sum, keep, i) => sum + (i % 2048 < 1024 ? keep * (mask[i + 1024] as number) : 0),
          0,
        );
        const p = kept * kept;
        expect(Math.abs(both - n * p) / Math.sqrt(n * p * (1 - p))).toBeLessThan(5);
      }
    }));

  it('never drops for a rate below 2⁻¹⁷, and keeps one in 2¹⁶ for one near 1', () =>
    withBackend('cpu', () => {
      expect(
        dropout(tf.ones([3000]), 1e-6, key('little'))
          .dataSync()
          .every((y) => y === 1),
      ).toBe(true);
      const kept = dropout(tf.ones([600_000]), 1 - 1e-9, key('much')).dataSync();
      expect(new Set(kept)).toEqual(new Set([0, 2 ** 16]));
    }));

  it('of rate 0 changes nothing, gradient included', () =>
    agree([
      {
        name: 'rate 0',
        f: (given) => dropout(given, 0, key('none')),
        inputs: [host([1, -2, 3])],
      },
    ]));

  it('through a layer: the gradient agrees eagerly and compiled', () =>
    agree(
      [
        {
          name: 'layer',
          f: (given, weight) =>
            tf.matMul(
              dropout(tf.relu(tf.matMul(given as tf.Tensor2D, weight as tf.Tensor2D)), 0.5, key('layer')),
              tf.transpose(weight as tf.Tensor2D),
            ),
          inputs: [
            host([1, 2, -1, 0.5, 3, -2], [3, 2]),
            host(
              Array.from({ length: 8 }, (_, i) => ((i * 5) % 7) / 4 - 0.5),
              [2, 4],
            ),
          ],
        },
      ],
      'RandomHalfEvents',
    ));
});

describe('noise', () => {
  it('added to a tensor leaves its gradient alone', () =>
    agree(
      [
        {
          name: 'noise',
          f: (given) => tf.square(tf.add(given, tf.mul(randomNormal([4], key('noise')), 0.1))),
          inputs: [host([1, -2, 3, 0])],
        },
      ],
      'RandomNormal',
    ));
});

describe('dropout and events refuse in one line', () => {
  it.each<[() => unknown, string]>([
    [() => dropout(tf.ones([2]), 1, key('x')), 'a dropout rate is 1, expected a number in [0, 1)'],
    [() => dropoutMask(Number.NaN, [2], key('x')), 'a dropout rate is NaN, expected a number in [0, 1)'],
    [() => bernoulli(1.5, [2], key('x')), 'a probability is 1.5, expected a number in [0, 1]'],
  ])('%#', (draw, message) => {
    expect(messageOf(CompileError, () => withBackend('cpu', () => tf.tidy(() => void draw())))).toBe(message);
  });
});
