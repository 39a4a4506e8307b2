import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { cond, type HostTree, Program, type Step } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { host } from './kernels/arbitraries';

const opened: Program[] = [];
afterAll(() => Promise.all(opened.map((program) => program.release())));

type Vector = { x: tf.Tensor };
type Body = (x: tf.Tensor) => tf.Tensor;

async function search(step: Step, start: HostTree, options = {}) {
  const program = await Program.compile(onnxRuntimeNode, step, start, { threads: 1 });
  opened.push(program);
  return program.findNonFinite(program.put(start), options);
}
const stepOf = (f: Body): Step => (({ x }: Vector) => ({ state: { x: f(x) }, metrics: {} })) as Step;
const first = (f: Body, x: number[], options = {}) => search(stepOf(f), { x: host(x) }, options);

/** The file and line of the call of this function. */
const line = () => /[^\s(/]+\.ts:\d+/.exec((new Error().stack ?? '').split('\n')[2] ?? '')?.[0];

describe('the first operation that makes a number not finite', () => {
  it('is named with its shapes, its line and what it makes', async () => {
    let at: string | undefined;
    const found = await first(
      (x) => {
        const y = tf.sub(x, 2);
        const [z, place] = [tf.log(y), line()]; // NaN for x < 2
        at = place;
        return tf.mul(tf.sum(z), x);
      },
      [3, 1, 0],
    );
    expect(found).toMatchObject({
      step: 0,
      kind: 'NaN',
      operation: 'Log',
      inputs: ['float32[3]'],
      output: 'float32[3]',
    });
    expect(found?.source).toContain(at);
    expect(found?.message).toBe(
      `the operation 'Log' on (float32[3]) makes NaN in 2 elements of its result float32[3]; called at ${found?.source}`,
    );
    expect(found?.message).not.toContain('\n');
  });

  it.each<[string, Body, number[], string, string]>([
    ['overflow', (x) => tf.exp(tf.mul(x, 100)), [1], 'Exp', 'Infinity'],
    ['division by zero', (x) => tf.div(1, tf.sub(x, x)), [1, 2], 'RealDiv', 'Infinity'],
    ['zero by zero', (x) => tf.div(tf.sub(x, x), tf.sub(x, x)), [1, 2], 'RealDiv', 'NaN'],
    [
      'infinity that becomes NaN: the infinity',
      (x) => tf.sub(tf.square(x), tf.square(x)),
      [1e30],
      'Square',
      'Infinity',
    ],
    [
      'a product',
      (x) => tf.reshape(tf.matMul(tf.reshape(x, [1, 2]), tf.reshape(x, [2, 1])), [1]).tile([2]),
      [1e30, 1],
      'BatchMatMul',
      'Infinity',
    ],
    ['a gradient', tf.grad((x) => tf.sum(tf.sqrt(x)) as tf.Tensor), [0, 1], 'RealDiv', 'Infinity'],
  ])('%s', async (_, f, x, operation, kind) => {
    expect(await first(f, x)).toMatchObject({ operation, kind });
  });

  it('is not one whose infinities are thrown away or meant', async () => {
    const chosen: Body = (x) => tf.where(tf.greater(x, 0), tf.log(x), tf.zerosLike(x));
    expect(await first((x) => tf.sqrt(tf.sub(chosen(x), 5)), [0, 1])).toMatchObject({ operation: 'Sqrt' });
    // A mask of −∞ is no fault, but a row that is masked as a whole is.
    const masked: Body = (x) =>
      tf.softmax(tf.where(tf.greater(x, 0), x, tf.fill([2], Number.NEGATIVE_INFINITY)));
    expect(await first(masked, [0, 1])).toBeUndefined();
    expect(await first(masked, [0, 0])).toMatchObject({
      kind: 'NaN',
      source: expect.stringContaining('diagnose'),
    });
  });

  it('is found in the branch that is taken, and there alone', async () => {
    const branches: Body = (x) =>
      cond(
        tf.greater(tf.sum(x), 0),
        () => ({ y: tf.log(tf.neg(x)) }),
        () => ({
          y: cond(
            tf.less(tf.sum(x), -5),
            () => ({ z: tf.sqrt(x) }),
            () => ({ z: x }),
          ).z,
        }),
      ).y;
    expect(await first(branches, [1, 2])).toMatchObject({ operation: 'Log', source: expect.any(String) });
    expect(await first(branches, [-1, -9])).toMatchObject({ operation: 'Sqrt' });
    expect(await first(branches, [-1, -2])).toBeUndefined();
  });

  it('is found in the step it happens in', async () => {
    const shrinking = (x: tf.Tensor) => tf.sub(x, tf.sign(tf.sqrt(x)));
    expect(await first(shrinking, [2.5], { steps: 3 })).toBeUndefined();
    expect(await first(shrinking, [2.5], { steps: 9 })).toMatchObject({ step: 3, operation: 'Sqrt' });
  });

  it('is the state itself where that is not finite', async () => {
    expect(await first((x) => tf.mul(x, 2), [1, Number.NaN])).toEqual({
      step: 0,
      kind: 'NaN',
      inputs: [],
      output: 'float32[2]',
      message: "'x' of the state (float32[2]) already has NaN in 1 element",
    });
  });

  it('is a constant with NaN, such as a row of the training data', async () => {
    let at: string | undefined;
    const data = tf.tensor1d([1, Number.NaN]);
    const found = await first(
      (x) => {
        const [y, place] = [tf.mul(x, data), line()];
        at = place;
        return tf.add(y, x);
      },
      [1, 2],
      { steps: 2 },
    );
    expect(found).toMatchObject({ step: 0, kind: 'NaN', inputs: [], output: 'float32[2]' });
    expect(found?.operation).toBeUndefined();
    expect(found?.source).toContain(at);
    expect(found?.message).toBe(
      `a constant the step closes over, float32[2], used by 'Multiply' at ${found?.source}, has NaN in 1 element`,
    );
  });

  it('is a constant that is a metric, where that metric should be finite', async () => {
    const step = (({ x }: Vector) => ({ state: { x }, metrics: { never: tf.scalar(Number.NaN) } })) as Step;
    expect(await search(step, { x: host([1]) })).toBeUndefined();
    expect((await search(step, { x: host([1]) }, { metrics: ['never'] }))?.message).toBe(
      'a constant the step closes over, float32[], returned as it is, has NaN in 1 element',
    );
  });

  it('is not the constant of a branch that is not taken', async () => {
    const step = (({ x }: Vector) => {
      const evaluation = cond(
        tf.greater(tf.sum(x), 0),
        () => ({ loss: tf.log(tf.sub(tf.sum(x), 3)) }),
        () => ({ loss: tf.scalar(Number.NaN) }),
      );
      return { state: { x }, metrics: evaluation };
    }) as Step;
    const metrics = ['loss'];
    expect(await search(step, { x: host([1]) }, { metrics })).toMatchObject({ operation: 'Log' });
    expect(await search(step, { x: host([-1]) }, { metrics })).toMatchObject({
      message: expect.stringMatching(/^a constant the step closes over, float32\[\], used by 'Cond' at /),
    });
    expect(await search(step, { x: host([-1]) })).toBeUndefined();
  });

  it('is looked for in a positive number of steps', async () => {
    await expect(first((x) => x, [1], { steps: 0 })).rejects.toThrow(
      'steps is 0, expected a positive integer',
    );
  });

  it('is looked for in the metrics named alone', async () => {
    const step = (({ x }: Vector) => ({ state: { x }, metrics: { a: tf.log(x), b: tf.sqrt(x) } })) as Step;
    const start = { x: host([-1]) };
    expect(await search(step, start, { metrics: [] })).toBeUndefined();
    expect(await search(step, start, { metrics: ['b'] })).toMatchObject({ operation: 'Sqrt' });
    const program = await Program.compile(onnxRuntimeNode, step, start);
    await expect(program.findNonFinite(program.put(start), { metrics: ['c'] })).rejects.toThrow(
      "the step has no metric 'c'; it has 'a', 'b'",
    );
    await program.release();
  });

  it('is looked for in all metrics, except where one is a constant that is meant', async () => {
    const stepWith = (metric: (x: tf.Tensor) => tf.Tensor) =>
      (({ x }: Vector) => ({
        state: { x },
        metrics: {
          spared: tf.scalar(Number.NaN),
          ...cond(
            tf.greater(tf.sum(x), 0),
            () => ({ y: metric(x) }),
            () => ({ y: tf.scalar(Number.NaN) }),
          ),
        },
      })) as Step;
    const log = stepWith((x) => tf.log(tf.sub(tf.sum(x), 2)));
    expect(await search(log, { x: host([1]) })).toMatchObject({ operation: 'Log', kind: 'NaN' });
    expect(await search(log, { x: host([-1]) })).toBeUndefined();
    expect(await search(log, { x: host([-1]) }, { metrics: ['y'] })).toMatchObject({ kind: 'NaN' });
  });
});
