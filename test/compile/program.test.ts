import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import {
  CompileError,
  type HostTensor,
  type HostTree,
  mapTree,
  PASSES,
  Program,
  type StateTree,
  type Step,
  toHost,
} from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { messageOf, rejectionOf } from '../support/one-line';
import { host } from './kernels/arbitraries';
import { regression } from './regression';

const isHost = (node: HostTree): node is HostTensor => ArrayBuffer.isView((node as HostTensor).data);

const opened: Program[] = [];
afterAll(() => Promise.all(opened.map((program) => program.release())));

async function compile(step: Step, example: StateTree, options = {}): Promise<Program> {
  const program = await Program.compile(onnxRuntimeNode, step, example, { threads: 1, ...options });
  opened.push(program);
  return program;
}

/** The message with which a promise is rejected, which must be a CompileError of one line. */
const rejection = (promise: Promise<unknown>) => rejectionOf(CompileError, promise);

/** Runs calls of these lengths one after the other and returns the final state and all metrics, joined. */
async function runInCalls(program: Program, start: HostTree, calls: readonly number[]) {
  let state = program.put(start);
  const metrics: Record<string, number[]> = {};
  for (const steps of calls) {
    const result = await program.run(state, { steps });
    state = result.state;
    for (const [name, { data }] of Object.entries(result.metrics)) {
      metrics[name] = [...(metrics[name] ?? []), ...data];
    }
  }
  return { state: await program.get(state), metrics };
}

describe('a program with state and metrics', () => {
  const { step, state } = regression(20, 6, 4);

  it('gives the same bits however its steps are cut into calls', async () => {
    const program = await compile(step, state);
    const whole = await runInCalls(program, state, [30]);
    expect(await runInCalls(program, state, [15, 15])).toEqual(whole);
    expect(await runInCalls(program, state, Array(30).fill(1))).toEqual(whole);
    expect(whole.metrics.loss).toHaveLength(30);
    expect(whole.metrics.loss?.at(-1)).toBeLessThan(whole.metrics.loss?.[0] as number);
  });

  it('takes a state of eager tensors as well as one in host memory', async () => {
    const tensors = mapTree(state, isHost, ({ data, shape, dtype }) => tf.tensor(data, [...shape], dtype));
    const program = await compile(step, tensors);
    const fromHost = await program.run(program.put(state), { steps: 5 });
    const fromTensors = await program.run(program.put(tensors), { steps: 5 });
    expect(await program.get(fromTensors.state)).toEqual(await program.get(fromHost.state));
    tf.dispose(tensors as never);
  });

  it('gives the same bits with one thread and with two', async () => {
    // The gradient's product has more than four times as many rows as columns, so that it takes the transposed form.
    const large = regression(1600, 96, 200);
    const [one, two] = await Promise.all(
      [1, 2].map((threads) => compile(large.step, large.state, { threads })),
    );
    const expected = await runInCalls(one as Program, large.state, [6]);
    expect(await runInCalls(two as Program, large.state, [6])).toEqual(expected);
  });

  it('agrees with the same step run eagerly', async () => {
    const program = await compile(step, state);
    const { state: after, metrics } = await runInCalls(program, state, [3]);
    await tf.setBackend('cpu');
    const losses: number[] = [];
    let eager = host([]);
    tf.tidy(() => {
      const tensorOf = ({ data, shape, dtype }: HostTensor) => tf.tensor(data, [...shape], dtype);
      const {
        params,
        moments,
        step: count,
      } = state as unknown as {
        params: { w: HostTensor; b: HostTensor };
        moments: { w: HostTensor };
        step: HostTensor;
      };
      let current = {
        params: { w: tensorOf(params.w), b: tensorOf(params.b) },
        moments: { w: tensorOf(moments.w) },
        step: tensorOf(count),
      };
      for (let i = 0; i < 3; i++) {
        const result = step(current as never);
        losses.push(...(result.metrics.loss as tf.Tensor).dataSync());
        current = result.state as unknown as typeof current;
      }
      eager = toHost(current.params.w);
    });
    const { params } = after as { params: { w: HostTensor } };
    expect(metrics.loss).toMatchReference(losses, 1e-5);
    expect(params.w.data).toMatchReference(eager.data, 1e-5);
  });

  it('returns each metric for every step, whatever its shape and type', async () => {
    const program = await compile(step, state);
    const { metrics } = await program.run(program.put(state), { steps: 5 });
    const forms = Object.entries(metrics).map(([name, { dtype, shape }]) => [name, dtype, ...shape]);
    expect(forms).toEqual([
      ['loss', 'float32', 5],
      ['bias', 'float32', 5, 4],
      ['count', 'int32', 5],
    ]);
    expect([...(metrics.count as HostTensor).data]).toEqual([0, 1, 2, 3, 4]);
  });

  it('counts in int32 beyond what float32 can hold', async () => {
    const start = { n: host([2 ** 24], [], 'int32') };
    const counter = ({ n }: { n: tf.Tensor }) => ({
      state: { n: tf.add(n, tf.scalar(1, 'int32')) },
      metrics: { even: tf.equal(tf.mod(n, tf.scalar(2, 'int32')), tf.scalar(0, 'int32')) },
    });
    const result = await runInCalls(await compile(counter as Step, start), start, [4]);
    expect(result.state).toEqual({ n: host([2 ** 24 + 4], [], 'int32') });
    expect(result.metrics.even).toEqual([1, 0, 1, 0]);
  });

  it('passes through what a step returns unchanged, twice or as a constant', async () => {
    const start = { a: host([1, 2]), b: host([3, 4]), flag: host([1], [], 'bool') };
    const still = ({ a }: Record<'a' | 'b' | 'flag', tf.Tensor>) => ({
      state: { b: a, a, flag: tf.scalar(false, 'bool') },
      metrics: { seven: tf.scalar(7) },
    });
    const result = await runInCalls(await compile(still as Step, start), start, [2]);
    expect(result.state).toEqual({ a: host([1, 2]), b: host([1, 2]), flag: host([0], [], 'bool') });
    expect(result.metrics.seven).toEqual([7, 7]);
  });

  it('copies what it is given and what it returns', async () => {
    const start = { a: host([1, 2]) };
    const add = ({ a }: { a: tf.Tensor }) => ({ state: { a: tf.add(a, 1) }, metrics: {} });
    const program = await compile(add as Step, start);
    const given = { a: host([1, 2]) };
    const put = program.put(given);
    given.a.data.fill(100);
    const { state: after } = await program.run(put, { steps: 1 });
    const read = (await program.get(after)) as typeof start;
    expect(read).toEqual({ a: host([2, 3]) });
    read.a.data.fill(100);
    expect(await program.get(after)).toEqual({ a: host([2, 3]) });
    expect(await program.get(put)).toEqual({ a: host([1, 2]) });
  });

  it('shows its optimised graph, smaller than the traced one', async () => {
    const [all, none] = [await compile(step, state), await compile(step, state, { passes: [] })];
    expect(all.nodeCount).toBeLessThan(none.nodeCount);
    expect(all.graph.outputs.map(({ shape }) => shape)).toEqual([[6, 4], [4], [6, 4], [], [], [4], []]);
    const [plain, optimised] = [await runInCalls(none, state, [5]), await runInCalls(all, state, [5])];
    expect(optimised.metrics.loss).toMatchReference(plain.metrics.loss as number[], 1e-5);
    expect(PASSES.length).toBeGreaterThan(0);
  });
});

describe('a program refuses in one line', () => {
  const example = { params: { w: host([1, 2, 3]), b: host([1], []) } };
  type Params = { params: { w: tf.Tensor; b: tf.Tensor } };
  const identity = ((state: Params) => ({ state, metrics: {} })) as Step;
  const returning = (f: (state: Params) => unknown, metrics: unknown = {}) =>
    rejection(compile(((state: Params) => ({ state: f(state), metrics })) as Step, example));

  it.each<[string, HostTree, string]>([
    [
      'a missing tensor',
      { params: { w: host([1, 2, 3]) } },
      "'params.b' of the state is missing, expected float32[]",
    ],
    [
      'another shape',
      { params: { w: host([1, 2]), b: host([1], []) } },
      "'params.w' of the state is float32[2], expected float32[3]",
    ],
    [
      'another type',
      { params: { w: host([1, 2, 3], [3], 'int32'), b: host([1], []) } },
      "'params.w' of the state is int32[3], expected float32[3]",
    ],
    [
      'an extra tensor',
      { params: { ...example.params, c: host([1]) } },
      "the state has 'params.c', which the compiled step does not",
    ],
    [
      'another number of elements than its shape says',
      { params: { w: host([1, 2], [3]), b: host([1], []) } },
      "'params.w' of the state has 2 elements, expected 3 for float32[3]",
    ],
  ])('a state with %s', async (_, state, expected) => {
    const program = await compile(identity, example);
    expect(messageOf(CompileError, () => program.put(state))).toBe(expected);
  });

  it.each([0, -1, 1.5, Number.NaN])('%s steps', async (steps) => {
    const program = await compile(identity, example);
    expect(await rejection(program.run(program.put(example), { steps }))).toBe(
      `steps is ${steps}, expected a positive integer`,
    );
  });

  it.each<[string, (state: Params) => unknown, string]>([
    [
      'no tensor of a name',
      ({ params: { w } }) => ({ params: { w } }),
      "the step returns 'params.b' as nothing, expected float32[] as in the state it was given",
    ],
    [
      'another shape',
      ({ params: { w, b } }) => ({ params: { w: tf.sum(w), b } }),
      "the step returns 'params.w' as float32[], the result of 'Sum' on (float32[3]), expected float32[3] as in the state it was given; called at LINE",
    ],
    [
      'another type',
      ({ params: { w, b } }) => ({ params: { w: tf.greater(w, b), b } }),
      "the step returns 'params.w' as bool[3], the result of 'Greater' on (float32[3], float32[]), expected float32[3] as in the state it was given; called at LINE",
    ],
    [
      'a name too many',
      (state) => ({ ...state, more: state.params.w }),
      "the step returns 'more', which the state it was given does not have",
    ],
    [
      'a number for a tensor',
      ({ params: { w } }) => ({ params: { w, b: 1 } }),
      "'params.b' is 1, expected a tensor or a record of tensors; make it a tensor: tf.scalar(1)",
    ],
    [
      'two tensors of one path',
      (state) => ({ ...state, 'params.b': state.params.b }),
      "the step returns two tensors of the state that are both called 'params.b'; rename one of them",
    ],
  ])('a step that returns %s', async (_, f, expected) => {
    expect((await returning(f)).replace(/(?<=called at )[^;\n]*program\.test\.ts:\d+:\d+$/, 'LINE')).toBe(
      expected,
    );
  });

  it('a metric that is a number', async () => {
    expect(await returning((state) => state, { loss: 0.5 })).toBe(
      "'loss' is 0.5, expected a tensor or a record of tensors; make it a tensor: tf.scalar(0.5)",
    );
  });

  it('two metrics of one path', async () => {
    const metrics = { m: { x: tf.scalar(1) }, 'm.x': tf.scalar(2) };
    expect(await returning((state) => state, metrics)).toBe(
      "the step returns two tensors of the metrics that are both called 'm.x'; rename one of them",
    );
  });

  it('an asynchronous step', async () => {
    const step = (async (state: Params) => ({ state, metrics: {} })) as unknown as Step;
    expect(await rejection(compile(step, example))).toBe(
      'the step returns a promise, expected { state, metrics }; it must not be asynchronous',
    );
  });

  it('an operation without lowering, and leaves tfjs as it was', async () => {
    await tf.setBackend('cpu');
    const step = (({ params }: Params) => ({
      state: { params: { ...params, w: tf.unique(params.w).values } },
      metrics: {},
    })) as Step;
    expect(await rejection(compile(step, example))).toContain("the operation 'Unique' on (float32[3])");
    expect(tf.getBackend()).toBe('cpu');
  });

  it('to run after it was released', async () => {
    const program = await Program.compile(onnxRuntimeNode, identity, example);
    const state = program.put(example);
    await program.release();
    expect(await rejection(program.run(state, { steps: 1 }))).toContain(
      'the program was released and cannot run; compile or load it again',
    );
  });
});

describe('programs', () => {
  it('run side by side, each on its own state', async () => {
    const start = { a: host([1]) };
    const scaled = (by: number) =>
      (({ a }: { a: tf.Tensor }) => ({ state: { a: tf.mul(a, by) }, metrics: { a } })) as Step;
    const [twice, thrice] = [await compile(scaled(2), start), await compile(scaled(3), start)];
    const [first, second] = [twice.put(start), thrice.put(start)];
    const results = await Promise.all([twice.run(first, { steps: 4 }), thrice.run(second, { steps: 3 })]);
    expect(results.map(({ metrics }) => [...(metrics.a as HostTensor).data])).toEqual([
      [1, 2, 4, 8],
      [1, 3, 9],
    ]);
    // A state is a value: the same one can be run again, by another program of the same form too.
    const again = await thrice.run(first, { steps: 1 });
    expect(await thrice.get(again.state)).toEqual({ a: host([3]) });
  });

  it('are ONNX files that open by themselves', async () => {
    const start = { a: host([1, 2]), n: host([0], [], 'int32') };
    const step = (({ a, n }: Record<'a' | 'n', tf.Tensor>) => ({
      state: { a: tf.mul(a, 2), n: tf.add(n, tf.scalar(1, 'int32')) },
      metrics: { sum: tf.sum(a) },
    })) as Step;
    const program = await compile(step, start);
    const session = await ort.InferenceSession.create(program.model);
    expect(session.inputNames).toEqual(['steps', 'state.a', 'state.n']);
    expect(session.outputNames).toEqual(['next.a', 'next.n', 'metrics.sum']);
    const outputs = await session.run({
      steps: new ort.Tensor('int64', BigInt64Array.of(3n), []),
      'state.a': new ort.Tensor('float32', Float32Array.of(1, 2), [2]),
      'state.n': new ort.Tensor('int32', Int32Array.of(0), []),
    });
    expect(outputs['next.a']?.data).toEqual(Float32Array.of(8, 16));
    expect(outputs['next.n']?.data).toEqual(Int32Array.of(3));
    expect(outputs['metrics.sum']?.data).toEqual(Float32Array.of(3, 6, 12));
    await session.release();
  });
});
