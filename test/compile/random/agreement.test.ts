import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  CompileError,
  compileFunction,
  Program,
  type RandomKey,
  randomNormal,
  randomUniform,
  randomWords,
  type Step,
  withBackend,
} from '../../../lib/compile';
import { keyLanes, purposeLanes, words } from '../../../lib/compile/random/generator';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { eagerly } from '../../support/eager';
import { messageOf } from '../../support/one-line';
import { drawn, EXACT_NAMES, KEYS, keyTensor, ROUNDED_NAMES } from './drawn';

function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] as number) - (b[i] as number)));
  return most;
}

/** What eager tfjs draws for a key. */
const drawnEagerly = (seed: number, step: number) =>
  eagerly(() => drawn([tf.scalar(seed, 'int32'), tf.scalar(step, 'int32')]));

describe('compiled random numbers', () => {
  const references = KEYS.map(([seed, step]) => drawnEagerly(seed, step));

  it.each([1, 2])('are the bits of the TypeScript form with %i threads, normals to 1e-6', async (threads) => {
    const compiled = await compileFunction(onnxRuntimeNode, drawn, [keyTensor(0), keyTensor(0)], { threads });
    for (const [k, [seed, step]] of KEYS.entries()) {
      const outputs = await compiled.run([keyTensor(seed), keyTensor(step)]);
      const reference = references[k] as (typeof references)[number];
      expect(outputs.map(({ dtype, shape }) => ({ dtype, shape }))).toEqual(
        reference.map(({ dtype, shape }) => ({ dtype, shape })),
      );
      outputs.forEach(({ data }, i) => {
        const { data: expected } = reference[i] as (typeof reference)[number];
        const name = [...EXACT_NAMES, ...ROUNDED_NAMES][i];
        if (i < EXACT_NAMES.length) expect(farthest(data, expected), name).toBe(0);
        else expect(farthest(data, expected), name).toBeLessThan(1e-6);
      });
    }
    await compiled.release();
  });

  it('in float64: the same bits, and normals as doubles', async () => {
    const compiled = await compileFunction(onnxRuntimeNode, drawn, [keyTensor(0), keyTensor(0)], {
      precision: 'float64',
      threads: 1,
    });
    const outputs = await compiled.run([keyTensor(7), keyTensor(100)]);
    await compiled.release();
    const reference = drawnEagerly(7, 100);
    EXACT_NAMES.forEach((name, i) => {
      const { data, dtype } = reference[i] as (typeof reference)[number];
      expect(farthest(outputs[i]?.data as Float64Array, data), name).toBe(0);
      expect(outputs[i]?.data instanceof Float64Array, name).toBe(dtype === 'float32');
    });
    const [normals, rounded] = [outputs.at(-1)?.data as Float64Array, reference.at(-1)?.data as Float32Array];
    expect(farthest(Float32Array.from(normals), rounded)).toBe(0);
  });

  it('do not depend on how the steps are cut into calls', async () => {
    const step = (({ seed, n }: Record<'seed' | 'n', tf.Tensor>) => ({
      state: { seed, n: tf.add(n, tf.scalar(1, 'int32')) },
      metrics: { words: randomWords([5], { seed, step: n, purpose: 'cut' }) },
    })) as Step;
    const start = { seed: keyTensor(5), n: keyTensor(0) };
    const program = await Program.compile(onnxRuntimeNode, step, start, { threads: 1 });
    const whole = await program.run(program.put(start), { steps: 6 });
    const first = await program.run(program.put(start), { steps: 2 });
    const rest = await program.run(first.state, { steps: 4 });
    const resumed = await program.run(program.put({ ...start, n: keyTensor(4) }), { steps: 2 });
    await program.release();
    const drawnIn = (run: typeof whole) => [...(run.metrics.words?.data ?? [])];
    const all = Array.from({ length: 6 }, (_, n) => [
      ...words(keyLanes(purposeLanes('cut'), 5, n), 5),
    ]).flat();
    expect(drawnIn(whole)).toEqual(all);
    expect([...drawnIn(first), ...drawnIn(rest)]).toEqual(all);
    expect(drawnIn(resumed)).toEqual(all.slice(20));
  });

  it('are functions of the index: a larger tensor begins with the smaller one', () =>
    withBackend('cpu', () => {
      const key: RandomKey = { seed: 1, step: 2, purpose: 'size' };
      for (const draw of [randomWords, randomUniform, randomNormal]) {
        const [small, large] = [draw([1000], key).dataSync(), draw([3, 1000], key).dataSync()];
        expect([...large.slice(0, 1000)]).toEqual([...small]);
      }
    }));
});

describe('random tensors refuse in one line', () => {
  const key: RandomKey = { seed: 0, step: 0, purpose: 'test' };
  it.each<[() => unknown, string]>([
    [
      () => randomWords([2], { ...key, seed: -1 }),
      'the seed of a random key is -1, expected a whole number from 0 to 9007199254740991 or an int32 scalar',
    ],
    [
      () => randomWords([2], { ...key, step: 2 ** 31 }),
      'the step of a random key is 2147483648, expected a whole number from 0 to 2147483647 or an int32 scalar',
    ],
    [
      () => randomWords([2], { ...key, step: tf.scalar(1) }),
      'the step of a random key is float32[], expected int32[]',
    ],
    [
      () => randomWords([2], { ...key, seed: tf.tensor1d([1, 2], 'int32') }),
      'the seed of a random key is int32[2], expected int32[]',
    ],
    [
      () => randomWords([2], { ...key, purpose: '' }),
      `the purpose of a random key is "", expected text such as 'dropout/0'`,
    ],
    [
      () => randomUniform([2, -1], key),
      'the shape of a random tensor is [2,-1], expected a list of whole numbers such as [2, 3]',
    ],
    [
      () => randomNormal([2 ** 16, 2 ** 16], key),
      'a random tensor of shape [65536, 65536] has more than 2^31 elements; draw it in parts, each with its own purpose',
    ],
  ])('%#', (draw, message) => {
    expect(messageOf(CompileError, () => withBackend('cpu', () => tf.tidy(() => void draw())))).toBe(message);
  });
});
