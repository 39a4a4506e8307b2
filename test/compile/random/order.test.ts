import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  CompileError,
  compileFunction,
  minibatch,
  permutation,
  type RandomKey,
  withBackend,
} from '../../../lib/compile';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { eagerly } from '../../support/eager';
import { messageOf } from '../../support/one-line';
import { keyTensor } from './drawn';

const key = (step: number | tf.Tensor, seed = 5): RandomKey => ({ seed, purpose: 'order', step });
const numbersOf = (f: () => tf.Tensor) => eagerly(() => [f()]).flatMap(({ data }) => [...data]);
const rising = (n: number) => Array.from({ length: n }, (_, i) => i);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

describe('permutation', () => {
  it.each([1, 2, 7, 1000, 12_769])('of %i has every number once', (n) => {
    expect(sorted(numbersOf(() => permutation(n, key(0))))).toEqual(rising(n));
  });

  it('draws each of the 24 orders of four equally often', () => {
    const draws = 4800;
    const counts = new Map<string, number>();
    for (let step = 0; step < draws; step++) {
      const order = numbersOf(() => permutation(4, key(step))).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    // Chi-square with 23 degrees of freedom is beyond 75 with probability 2e-7.
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0);
    expect(chiSquare).toBeLessThan(75);
  });

  it('leaves one number in place on average', () => {
    const draws = 800;
    let fixed = 0;
    for (let step = 0; step < draws; step++) {
      fixed += numbersOf(() => permutation(50, key(step))).filter((place, i) => place === i).length;
    }
    // Mean and variance are 1.
    expect(Math.abs(fixed - draws) / Math.sqrt(draws)).toBeLessThan(5);
  });
});

/** The batches of the steps 0 to count − 1, compiled once with the step as an input. */
async function batches(
  n: number,
  batchSize: number,
  count: number,
  options?: Parameters<typeof minibatch>[3],
): Promise<number[][]> {
  const compiled = await compileFunction(
    onnxRuntimeNode,
    ([step]) => [minibatch(n, batchSize, key(step as tf.Tensor), options)],
    [keyTensor(0)],
    { threads: 1 },
  );
  const result: number[][] = [];
  for (let step = 0; step < count; step++) {
    const [rows] = await compiled.run([keyTensor(step)]);
    result.push([...(rows?.data ?? [])]);
  }
  await compiled.release();
  return result;
}

describe('minibatch', () => {
  it.each([
    [12, 4],
    [10, 10],
    [5, 1],
    [10, 4],
    [7, 5],
    [9, 7],
  ])('of %i rows by %i: every epoch has each row once, in an order of its own', async (n, batchSize) => {
    const epochs = 6;
    const drawn = (await batches(n, batchSize, Math.ceil((epochs * n) / batchSize))).flat();
    const orders = Array.from({ length: epochs }, (_, e) => drawn.slice(e * n, (e + 1) * n));
    orders.forEach((order, epoch) => {
      expect(order).toEqual(numbersOf(() => permutation(n, key(epoch))));
      expect(sorted(order)).toEqual(rising(n));
    });
    expect(new Set(orders.map(String)).size).toBeGreaterThan(1);
  });

  it('leaves the last rows of an epoch out where the remainder is dropped', async () => {
    const drawn = await batches(10, 4, 6, { remainder: 'drop' });
    for (const epoch of [0, 1, 2]) {
      const order = numbersOf(() => permutation(10, key(epoch)));
      expect([...(drawn[2 * epoch] ?? []), ...(drawn[2 * epoch + 1] ?? [])]).toEqual(order.slice(0, 8));
    }
  });

  it('is the same eagerly, at steps of any size', async () => {
    for (const step of [0, 3, 1_000_003, 2 ** 31 - 1]) {
      const rows = numbersOf(() => minibatch(10, 4, key(step)));
      // Row number 4·step of all epochs' rows in turn.
      const first = 4 * step;
      const expected = rising(4).map((i) => {
        const epoch = Math.floor((first + i) / 10);
        return epoch < 2 ** 31 ? numbersOf(() => permutation(10, key(epoch)))[(first + i) % 10] : rows[i];
      });
      expect(rows).toEqual(expected);
    }
  });

  it.each<[() => unknown, string]>([
    [
      () => permutation(0, key(0)),
      'the length of a permutation is 0, expected a whole number from 1 to 1073741824',
    ],
    [() => minibatch(10, 11, key(0)), 'batchSize is 11, expected a whole number from 1 to 10'],
    [() => minibatch(10, 2.5, key(0)), 'batchSize is 2.5, expected a whole number from 1 to 10'],
    [
      () => minibatch(2 ** 20, 2 ** 12, key(0)),
      'batches of 4096 out of 1048576 rows: their product is above 2^31 - 1; take smaller batches',
    ],
  ])('refuses in one line: %#', (draw, message) => {
    expect(messageOf(CompileError, () => withBackend('cpu', () => tf.tidy(() => void draw())))).toBe(message);
  });
});
