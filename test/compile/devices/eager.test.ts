import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CompileError, type HostTensor, type HostTree, type Step } from '../../../lib/compile';
import type { EagerDevice, OpenedDevice, StepProgram } from '../../../lib/compile/devices';
import { openDevice } from '../../../lib/compile/devices.node';
import { messageOf, rejectionOf } from '../../support/one-line';
import { host } from '../kernels/arbitraries';
import { regression } from '../regression';

/** Runs calls of these lengths one after the other and returns the final state and all metrics, joined. */
async function runInCalls(program: StepProgram, start: HostTree, calls: readonly number[]) {
  let state = program.put(start);
  const metrics: Record<string, number[]> = {};
  for (const steps of calls) {
    const result = await program.run(state, { steps });
    state = result.state;
    for (const [name, { data }] of Object.entries(result.metrics)) {
      metrics[name] = [...(metrics[name] ?? []), ...data];
    }
  }
  return { state: await program.get<Record<string, HostTensor>>(state), metrics };
}

const rejection = (promise: Promise<unknown>) => rejectionOf(CompileError, promise);

describe.each<EagerDevice>(['tfjs:cpu', 'tfjs:wasm'])('a program on %s', (name) => {
  let device: OpenedDevice;
  let tensors = 0;
  const { step, state } = regression(20, 6, 4);

  beforeAll(async () => {
    device = await openDevice(name);
    await tf.setBackend('cpu');
    tensors = tf.memory().numTensors;
  });

  afterAll(() => {
    expect(tf.memory().numTensors).toBe(tensors);
    expect(tf.getBackend()).toBe('cpu');
  });

  it('agrees with the compiled program in every metric and the final state', async () => {
    const compiled = await (await openDevice('cpu')).compile(step, state, { threads: 1 });
    const expected = await runInCalls(compiled, state, [5]);
    const actual = await runInCalls(await device.compile(step, state), state, [5]);
    expect(actual.metrics.count).toEqual(expected.metrics.count);
    for (const name of ['loss', 'bias']) {
      expect(actual.metrics[name]).toMatchReference(expected.metrics[name] as number[], 1e-5);
    }
    const weights = (run: typeof actual) => (run.state.params as unknown as { w: HostTensor }).w.data;
    expect(weights(actual)).toMatchReference(weights(expected), 1e-5);
    await compiled.release();
  });

  it('gives the same bits however its steps are cut into calls', async () => {
    const program = await device.compile(step, state);
    const whole = await runInCalls(program, state, [6]);
    expect(await runInCalls(program, state, [1, 3, 2])).toEqual(whole);
  });

  it('returns metrics with an axis of steps, and what a step passes through', async () => {
    const start = { a: host([1, 2]), b: host([3, 4]), flag: host([1], [], 'bool') };
    const swap = (({ a, b, flag }: Record<'a' | 'b' | 'flag', tf.Tensor>) => ({
      state: { a: b, b: a, flag },
      metrics: { a, flag, seven: tf.scalar(7, 'int32') },
    })) as Step;
    const program = await device.compile(swap, start);
    const { state: after, metrics } = await program.run(program.put(start), { steps: 3 });
    expect(await program.get(after)).toEqual({ ...start, a: start.b, b: start.a });
    expect(metrics).toEqual({
      a: host([1, 2, 3, 4, 1, 2], [3, 2]),
      flag: host([1, 1, 1], [3], 'bool'),
      seven: host([7, 7, 7], [3], 'int32'),
    });
  });

  it('copies what it is given and what it returns', async () => {
    const start = { a: host([1, 2]) };
    const add = (({ a }: { a: tf.Tensor }) => ({ state: { a: tf.add(a, 1) }, metrics: {} })) as Step;
    const program = await device.compile(add, start);
    const given = { a: host([1, 2]) };
    const put = program.put(given);
    given.a.data.fill(100);
    const { state: after } = await program.run(put, { steps: 1 });
    (await program.get<typeof start>(after)).a.data.fill(100);
    expect(await program.get(after)).toEqual({ a: host([2, 3]) });
    expect(await program.get(put)).toEqual({ a: host([1, 2]) });
  });

  it('refuses states and numbers of steps in the words of a compiled program', async () => {
    const start = { a: host([1, 2]) };
    const still = ((given: { a: tf.Tensor }) => ({ state: given, metrics: {} })) as Step;
    const program = await device.compile(still, start);
    expect(messageOf(CompileError, () => program.put({ a: host([1]) }))).toBe(
      "'a' of the state is float32[1], expected float32[2]",
    );
    expect(messageOf(CompileError, () => program.put({ ...start, b: host([1]) }))).toBe(
      "the state has 'b', which the step does not",
    );
    expect(await rejection(program.run(program.put(start), { steps: 0 }))).toBe(
      'steps is 0, expected a positive integer',
    );
    const shrinking = await device.compile(
      (({ a }: { a: tf.Tensor }) => ({ state: { a: tf.sum(a) }, metrics: {} })) as Step,
      start,
    );
    expect(await rejection(shrinking.run(shrinking.put(start), { steps: 1 }))).toBe(
      "the step returns 'a' as float32[], expected float32[2] as in the state it was given",
    );
  });

  it('tells what a step returns that is not finite', async () => {
    const start = { a: host([1, 1e30]) };
    const square = (({ a }: { a: tf.Tensor }) => ({
      state: { a: tf.square(a) },
      metrics: { never: tf.div(tf.scalar(0), tf.scalar(0)) },
    })) as Step;
    const program = await device.compile(square, start);
    const first = program.put(start);
    expect(await program.findNonFinite(first, { steps: 3 })).toMatchObject({
      step: 0,
      kind: 'Infinity',
      output: 'float32[2]',
    });
    const tame = program.put({ a: host([1, 2]) });
    expect(await program.findNonFinite(tame, { steps: 3 })).toBeUndefined();
    const { message } = (await program.findNonFinite(tame, { steps: 3, metrics: ['never'] })) ?? {};
    expect(message).toBe(
      "step 0 returns 'never', float32[], with NaN; the device 'cpu' tells which operation made it",
    );
  });

  it('does not do what only a compiled program can', async () => {
    const start = { a: host([1, 2]) };
    const still = ((given: { a: tf.Tensor }) => ({ state: given, metrics: {} })) as Step;
    expect(await rejection(device.compile(still, start, { precision: 'float64' }))).toContain(
      `precision 'float64' runs compiled on the CPU only; the device is '${name}'`,
    );
    expect(await rejection(device.compile(still, start, { batch: 3 }))).toBe(
      `batch is 3, which needs a compiled device; the device is '${name}'`,
    );
  });
});

describe('an operation that tfjs:wasm lacks', () => {
  it('is named, and tfjs left as it was', async () => {
    const start = { table: host([1, 2, 3]) };
    const ids = Int32Array.of(0, 1, 0);
    const segments = (({ table }: { table: tf.Tensor1D }) => ({
      state: { table: tf.unsortedSegmentSum(table, tf.tensor1d(ids, 'int32'), 3) },
      metrics: {},
    })) as Step;
    await tf.setBackend('cpu');
    const before = tf.memory().numTensors;
    const program = await (await openDevice('tfjs:wasm')).compile(segments, start);
    expect(await rejection(program.run(program.put(start), { steps: 1 }))).toBe(
      "the operation 'UnsortedSegmentSum' does not exist on the device 'tfjs:wasm'; use 'cpu', which compiles the step, or 'tfjs:cpu'",
    );
    expect(tf.getBackend()).toBe('cpu');
    expect(tf.memory().numTensors).toBe(before);
  });
});
