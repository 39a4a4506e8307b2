import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { CompileError, Program, type Step } from '../../lib/compile';
import type { StepProgram } from '../../lib/compile/devices';
import { openDevice } from '../../lib/compile/devices.node';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { messageOf } from '../support/one-line';
import { host } from './kernels/arbitraries';

const start = { a: host([1, 2]), n: host([0], [], 'int32'), flag: host([1], [1], 'bool') };
const step = ((state: { a: tf.Tensor }) => ({ state, metrics: { loss: tf.sum(state.a) } })) as Step;

async function rejection(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  return messageOf(CompileError, () => {
    throw error;
  });
}

describe.each(['cpu', 'tfjs:cpu'] as const)('a program on %s says in one line', (name) => {
  const open = async (): Promise<StepProgram> => (await openDevice(name)).compile(step, start as never);

  it('that a state is not on the device, or another program’s', async () => {
    const program = await open();
    const states = [
      [start as never, 'is not on the device; give it program.put(state)'],
      [{ tensors: [] }, 'has 0 tensors, expected 3; give it a state of this program'],
    ] as const;
    for (const [state, reason] of states) {
      const refused = (method: string) => `the state given to ${method} ${reason}`;
      expect(await rejection(program.run(state, { steps: 1 }))).toBe(refused('run'));
      expect(await rejection(program.findNonFinite(state))).toBe(refused('findNonFinite'));
      expect(await rejection(program.get(state))).toBe(refused('get'));
      expect(messageOf(CompileError, () => program.free(state))).toBe(refused('free'));
    }
    await program.release();
  });

  it('that a number of steps is none', async () => {
    const program = await open();
    const state = program.put(start);
    for (const steps of [0, -1, 1.5, Number.NaN]) {
      const expected = `steps is ${steps}, expected a positive integer`;
      expect(await rejection(program.run(state, { steps }))).toBe(expected);
      expect(await rejection(program.findNonFinite(state, { steps }))).toBe(expected);
    }
    await program.release();
  });

  it('that the step has no such metric', async () => {
    const program = await open();
    const search = program.findNonFinite(program.put(start), { metrics: ['nope'] });
    expect(await rejection(search)).toBe("the step has no metric 'nope'; it has 'loss'");
    await program.release();
  });

  it('that elements are in an array of another type', async () => {
    const program = await open();
    const put = (leaf: object) => messageOf(CompileError, () => program.put({ ...start, ...leaf } as never));
    expect(put({ a: { ...start.a, data: Int32Array.of(1, 2) } })).toBe(
      "'a' of the state is float32[2] with its elements in Int32Array, expected Float32Array or Float64Array; convert the elements",
    );
    expect(put({ n: { ...start.n, data: Float32Array.of(0) } })).toContain('expected Int32Array;');
    expect(put({ flag: { ...start.flag, data: Int8Array.of(1) } })).toContain('expected Uint8Array;');
    await program.release();
  });

  it('nothing where a state is freed, which on the processor stays as it is', async () => {
    const program = await open();
    const { state } = await program.run(program.put(start), { steps: 1 });
    program.free(state);
    program.free(state);
    expect(await program.get(state)).toEqual(start);
    await program.release();
  });
});

it('free gives every tensor of a state back to the runtime', async () => {
  const freed: unknown[] = [];
  const runtime = { ...onnxRuntimeNode, free: (tensor: unknown) => void freed.push(tensor) };
  const program = await Program.compile(runtime, step, start as never);
  const state = program.put(start);
  program.free(state);
  expect(freed).toEqual(state.tensors);
  await program.release();
});
