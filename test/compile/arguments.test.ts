import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { CompileError, compileFunction, dropout, Program, type Step } from '../../lib/compile';
import type { StepProgram } from '../../lib/compile/devices';
import { compile, openDevice } from '../../lib/compile/devices.node';
import { loadProgram, saveProgram } from '../../lib/compile/program-store.node';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { messageOf, rejectionOf } from '../support/one-line';
import { host } from './kernels/arbitraries';

const start = { a: host([1, 2]), n: host([0], [], 'int32'), flag: host([1], [1], 'bool') };
const step = ((state: { a: tf.Tensor }) => ({ state, metrics: { loss: tf.sum(state.a) } })) as Step;

const rejection = (promise: Promise<unknown>) => rejectionOf(CompileError, promise);

describe.each(['cpu', 'tfjs:cpu'] as const)('a program on %s says in one line', (name) => {
  const open = async (): Promise<StepProgram> => (await openDevice(name)).compile(step, start as never);

  it('that a state is not on the device, or another program’s', async () => {
    const program = await open();
    const states = [
      [start as never, 'is not on the device; give it program.put(state)'],
      [{ tensors: [], form: [] }, 'has 0 tensors, expected 3; give it a state of this program'],
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

  it('that a state has another program’s names or shapes', async () => {
    const program = await open();
    const device = await openDevice(name);
    for (const [other, found] of [
      [{ ...start, a: host([1, 2, 3]) }, "'a' float32[3]"],
      [{ b: start.a, n: start.n, flag: start.flag }, "'b' float32[2]"],
    ] as const) {
      const stranger = await device.compile((state) => ({ state, metrics: {} }), other as never);
      const run = program.run(stranger.put(other), { steps: 1 });
      expect(await rejection(run)).toBe(
        `the state given to run has ${found}, expected 'a' float32[2]; give it a state of this program`,
      );
      await stranger.release();
    }
    const twin = await open();
    expect((await program.run(twin.put(start), { steps: 1 })).metrics.loss?.data).toEqual(Float32Array.of(3));
    await Promise.all([twin.release(), program.release()]);
  });

  it('that run is not told how many steps', async () => {
    const program = await open();
    const run = program.run as (state: unknown, options?: unknown) => Promise<unknown>;
    for (const options of [undefined, null, 5]) {
      expect(await rejection(run.call(program, program.put(start), options))).toBe(
        `the options of run are ${options}, expected the number of steps, such as run(state, { steps: 100 })`,
      );
    }
    const text = run.call(program, program.put(start), { steps: '3' });
    expect(await rejection(text)).toBe("steps is '3', expected a positive integer");
    await program.release();
  });

  it('that it was released', async () => {
    const program = await open();
    const state = program.put(start);
    await program.release();
    await program.release();
    expect(await rejection(program.run(state, { steps: 1 }))).toBe(
      'the program was released and cannot run; compile or load it again',
    );
  });

  it('that it has no such option', async () => {
    const device = await openDevice(name);
    const known = 'passes, precision, threads, spinning, batch, shared, cache';
    const misspelt = device.compile(step, start as never, { presicion: 'float64' } as never);
    expect(await rejection(misspelt)).toBe(`compile has no option 'presicion'; it has ${known}`);
    const byName = compile(step, start as never, { device: name, thread: 2 } as never);
    expect(await rejection(byName)).toBe(`compile has no option 'thread'; it has device, ${known}`);
    expect(await rejection(compile(step, start as never, name as never))).toBe(
      `the options of compile are '${name}', expected a record of device, ${known}`,
    );
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

it('a function and a loaded program refuse unknown options, a function its use after release', async () => {
  const identity = (inputs: tf.Tensor[]) => inputs;
  const known = 'passes, precision, threads, spinning';
  const options = { batch: 2 } as never;
  expect(await rejection(compileFunction(onnxRuntimeNode, identity, [start.a], options))).toBe(
    `compileFunction has no option 'batch'; it has ${known}`,
  );
  expect(await rejection(Program.load(onnxRuntimeNode, new Uint8Array(), options))).toBe(
    "load has no option 'batch'; it has precision, threads, spinning",
  );
  const compiled = await compileFunction(onnxRuntimeNode, identity, [start.a]);
  await compiled.release();
  await compiled.release();
  expect(await rejection(compiled.run([start.a]))).toBe(
    'the function was released and cannot run; compile or load it again',
  );
});

it('a number of instances and a rate in quotes are text, and a random tensor needs a key', async () => {
  const batch = { batch: '3' } as never;
  expect(await rejection(Program.compile(onnxRuntimeNode, step, start as never, batch))).toContain(
    "batch is '3', expected a positive integer",
  );
  const draw = dropout as (x: tf.Tensor, rate: unknown, key?: unknown) => tf.Tensor;
  const x = tf.tensor1d([1, 2]);
  expect(messageOf(CompileError, () => draw(x, '.5', {}))).toContain("a dropout rate is '.5', expected");
  for (const key of [undefined, null, 7]) {
    expect(messageOf(CompileError, () => draw(x, 0.5, key))).toBe(
      `the key of a random tensor is ${key}, expected a record such as { seed: 1, purpose: 'dropout/0', step }`,
    );
  }
});

it('a program’s file says in which order it is named', async () => {
  const program = await Program.compile(onnxRuntimeNode, step, start as never);
  const save = saveProgram as (...given: unknown[]) => Promise<void>;
  expect(await rejection(save(program, 'p.onnx'))).toContain(
    "saveProgram is given an object and 'p.onnx', expected saveProgram(path, program)",
  );
  const load = loadProgram as unknown as (...given: unknown[]) => Promise<unknown>;
  expect(await rejection(load('p.onnx', onnxRuntimeNode))).toContain(
    "loadProgram is given 'p.onnx' and an object, expected loadProgram(runtime, path)",
  );
  expect(await rejection(load('p.onnx'))).toContain("loadProgram is given 'p.onnx' and undefined");
  await program.release();
});
