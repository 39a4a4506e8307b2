import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  CompileError,
  cond,
  every,
  logSpaced,
  logSpacedSteps,
  Program,
  type Step,
  withBackend,
} from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { messageOf } from '../support/one-line';
import { keyTensor } from './random/drawn';

/** Steps that are 10^(i/perDecade) to the nearest whole number, found in integers: (2s − 1)^k < 2^k·10^i ≤ (2s + 1)^k. */
function isLogSpaced(step: number, perDecade: number): boolean {
  if (step === 0) return true;
  const k = BigInt(perDecade);
  const [low, high] = [(2n * BigInt(step) - 1n) ** k, (2n * BigInt(step) + 1n) ** k];
  for (let power = 2n ** k; power <= high; power *= 10n) if (power >= low) return true;
  return false;
}

describe('logSpacedSteps', () => {
  it('are round numbers on a logarithmic axis', () => {
    expect([...logSpacedSteps(3, 1000)]).toEqual([0, 1, 2, 5, 10, 22, 46, 100, 215, 464, 1000]);
    expect([...logSpacedSteps(1, 2 ** 31 - 1)]).toEqual([
      0,
      ...Array.from({ length: 10 }, (_, i) => 10 ** i),
    ]);
    expect([...logSpacedSteps(10, 12)]).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 10]);
  });

  it.each([1, 2, 5, 10, 20])('%i per decade: those that integer arithmetic finds', (perDecade) => {
    const expected = Array.from({ length: 20_001 }, (_, step) => step).filter((step) =>
      isLogSpaced(step, perDecade),
    );
    expect([...logSpacedSteps(perDecade, 20_000)]).toEqual(expected);
  });
});

/** What a program finds due at the steps from `first` on. */
async function due(first: number, steps: number): Promise<Record<string, number[]>> {
  const step = (({ n, k }: Record<'n' | 'k', tf.Tensor>) => {
    const last = tf.scalar(-1, 'int32');
    const metrics = {
      seventh: every(n, 7),
      given: every(n, k),
      log: logSpaced(n, 20),
      // The condition decides what is computed.
      seen: cond(
        every(n, 1000),
        () => ({ n: tf.clone(n) }),
        () => ({ n: last }),
      ).n,
    };
    return { state: { n: tf.add(n, tf.scalar(1, 'int32')), k }, metrics };
  }) as Step;
  const start = { n: keyTensor(first), k: keyTensor(25) };
  const program = await Program.compile(onnxRuntimeNode, step, start, { threads: 1 });
  const { metrics } = await program.run(program.put(start), { steps });
  await program.release();
  return Object.fromEntries(
    Object.entries(metrics).map(([name, { data }]) => [
      name,
      [...data].flatMap((value, i) =>
        name === 'seen' ? (value >= 0 ? [value] : []) : value ? [first + i] : [],
      ),
    ]),
  );
}

describe('every and logSpaced', () => {
  it.each([
    [0, 30_000],
    [985_000, 20_000],
    [2 ** 31 - 5000, 5000],
  ])('from step %i on: the steps of a plain loop', async (first, steps) => {
    const log = new Set(logSpacedSteps(20, 2 ** 31 - 1));
    const loop = (isDue: (step: number) => boolean) =>
      Array.from({ length: steps }, (_, i) => first + i).filter(isDue);
    expect(await due(first, steps)).toEqual({
      seventh: loop((step) => step % 7 === 0),
      given: loop((step) => step % 25 === 0),
      log: loop((step) => log.has(step)),
      seen: loop((step) => step % 1000 === 0),
    });
  });

  it('are the same eagerly', () =>
    withBackend('cpu', () => {
      const find = (isDue: (step: tf.Tensor) => tf.Tensor) =>
        Array.from({ length: 120 }, (_, step) => step).filter(
          (step) => tf.tidy(() => isDue(tf.scalar(step, 'int32')).dataSync())[0],
        );
      expect(find((step) => every(step, 40))).toEqual([0, 40, 80]);
      expect(find((step) => logSpaced(step, 2))).toEqual([0, 1, 3, 10, 32, 100]);
    }));

  it.each<[() => unknown, string]>([
    [
      () => every(tf.scalar(0, 'int32'), 0),
      'k is 0, expected a whole number from 1 to 2147483647 (2^31 - 1)',
    ],
    [
      () => logSpaced(tf.scalar(0, 'int32'), 1.5),
      'perDecade is 1.5, expected a whole number from 1 to 2147483647 (2^31 - 1)',
    ],
    [() => logSpacedSteps(1001, 10), 'perDecade is 1001, expected at most 1000'],
  ])('refuse in one line: %#', (call, message) => {
    expect(messageOf(CompileError, () => withBackend('cpu', () => tf.tidy(() => void call())))).toBe(message);
  });
});
