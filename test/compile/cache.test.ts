import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { memoryCache, PASSES, type Pass, Program, type ProgramCache, type Step } from '../../lib/compile';
import { makeValue } from '../../lib/compile/graph';
import { compilerDigest, fileCache } from '../../lib/compile/program-store.node';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { temporaryFolder } from '../support/temporary';
import { host } from './kernels/arbitraries';
import { regression } from './regression';

const root = temporaryFolder();
const newFolder = () => mkdtempSync(join(root, 'test-'));

const opened: { release(): Promise<void> }[] = [];
afterAll(() => Promise.all(opened.map((program) => program.release())));

/** A cache that counts, and passes that count how often they run. */
function counting(cache: ProgramCache = memoryCache()) {
  const events: string[] = [];
  const counted: ProgramCache = {
    async get(key) {
      const model = await cache.get(key);
      events.push(model === undefined ? 'miss' : 'hit');
      return model;
    },
    async set(key, model) {
      expect(key).toMatch(/^[0-9a-f]{64}$/);
      events.push('set');
      await cache.set(key, model);
    },
  };
  return { cache: counted, events };
}

async function compile(step: Step, state: object, options: object) {
  const program = await Program.compile(onnxRuntimeNode, step, state as never, { threads: 1, ...options });
  opened.push(program);
  return program;
}

const lossesOf = async (program: Program, state: object) =>
  (await program.run(program.put(state as never), { steps: 5 })).metrics.loss;

describe('a cache', () => {
  it('gives the same step its model again, without passes or lowering', async () => {
    const { cache, events } = counting();
    const passes = vi.spyOn(PASSES[0] as Pass, 'run');
    const [first, second] = [regression(10, 3, 2), regression(10, 3, 2)];
    const program = await compile(first.step, first.state, { cache });
    const runs = passes.mock.calls.length;
    const again = await compile(second.step, second.state, { cache });
    expect(events).toEqual(['miss', 'set', 'hit']);
    expect(runs).toBeGreaterThan(0);
    expect(passes).toHaveBeenCalledTimes(runs);
    expect(again.model).toEqual(new Uint8Array(program.model));
    expect(await lossesOf(again, second.state)).toEqual(await lossesOf(program, first.state));
    // The graph is there when it is asked for.
    expect(again.nodeCount).toBe(program.nodeCount);
    expect(passes).toHaveBeenCalledTimes(2 * runs);
    passes.mockRestore();
  });

  it('is left alone where a pass is not one of the package, whose code no key can tell', async () => {
    const { cache, events } = counting();
    const scaled = (factor: number): Pass => ({
      name: 'scaled',
      changesRounding: false,
      run: ({ nodes, ...graph }) => ({
        ...graph,
        nodes: nodes.map((node) =>
          node.op === 'Multiply'
            ? { ...node, inputs: [node.inputs[0] as never, makeValue('float32', [], { fill: factor })] }
            : node,
        ),
      }),
    });
    for (const factor of [5, 7]) {
      const program = await compile(double, x, { cache, passes: [scaled(factor)] });
      const { state } = await program.run(program.put(x), { steps: 1 });
      expect(await program.get(state)).toEqual({ x: host([factor, 2 * factor]) });
    }
    expect(events).toEqual([]);
  });

  const x = { x: host([1, 2]) };
  const stepOf = (f: (x: tf.Tensor) => tf.Tensor, metric = 'loss') =>
    (({ x: given }: { x: tf.Tensor }) => ({
      state: { x: f(given) },
      metrics: { [metric]: tf.sum(given) },
    })) as Step;
  const double = stepOf((a) => tf.mul(a, 2));

  it.each<[string, Step, object, object]>([
    ['another operation', stepOf((a) => tf.add(a, 2)), x, {}],
    ['another constant', stepOf((a) => tf.mul(a, 3)), x, {}],
    ['another sign of zero', stepOf((a) => tf.mul(a, tf.scalar(-0))), x, {}],
    ['an array that differs in one element', stepOf((a) => tf.mul(a, tf.tensor1d([2, 2.5]))), x, {}],
    ['another order of operands', stepOf((a) => tf.sub(tf.exp(a), a)), x, {}],
    ['another attribute', stepOf((a) => tf.leakyRelu(a, 0.3)), x, {}],
    ['another shape', double, { x: host([1, 2, 3]) }, {}],
    [
      'another name',
      (({ y }: { y: tf.Tensor }) => ({ state: { y: tf.mul(y, 2) }, metrics: { loss: tf.sum(y) } })) as Step,
      { y: host([1, 2]) },
      {},
    ],
    ['another metric', stepOf((a) => tf.mul(a, 2), 'sum'), x, {}],
    ['other passes', double, x, { passes: [] }],
    ['another precision', double, x, { precision: 'float64' }],
  ])('tells apart %s', async (_, step, state, options) => {
    const { cache, events } = counting();
    for (const [s, start] of [
      [double, x],
      [stepOf((a) => tf.mul(a, tf.scalar(0))), x],
      [stepOf((a) => tf.mul(a, tf.tensor1d([2, 2.25]))), x],
      [stepOf((a) => tf.sub(a, tf.exp(a))), x],
      [stepOf((a) => tf.leakyRelu(a, 0.2)), x],
    ] as const)
      await compile(s, start, { cache });
    expect(events).toEqual(Array(5).fill(['miss', 'set']).flat());
    await compile(step, state, { cache, ...options });
    expect(events.slice(10)).toEqual(['miss', 'set']);
    await compile(step, state, { cache, ...options });
    expect(events.slice(12)).toEqual(['hit']);
  });

  it('makes anew what another key was kept under', async () => {
    const kept = new Map<string, Uint8Array>();
    const swapped = { get: async () => [...kept.values()][0], set: async () => {} };
    const keeping = {
      get: async () => undefined,
      set: async (k: string, m: Uint8Array) => void kept.set(k, m),
    };
    await compile(
      stepOf((a) => tf.mul(a, 3)),
      x,
      { cache: keeping },
    );
    const program = await compile(double, x, { cache: swapped });
    const { state } = await program.run(program.put(x), { steps: 1 });
    expect(await program.get(state)).toEqual({ x: host([2, 4]) });
  });

  it('makes anew what is damaged in the middle', async () => {
    const { cache, events } = counting();
    const program = await compile(double, x, { cache });
    const damaged: ProgramCache = {
      get: async (key) => (await cache.get(key))?.map((byte, i) => (i > 20 && i < 200 ? 255 : byte)),
      set: cache.set,
    };
    expect((await compile(double, x, { cache: damaged })).model).toEqual(program.model);
    expect(events).toEqual(['miss', 'set', 'hit', 'set']);
  });

  it('passes on what goes wrong in opening a good entry', async () => {
    const { cache, events } = counting();
    await compile(double, x, { cache });
    const open = () => Promise.reject(new Error('no memory'));
    const failing = Program.compile({ ...onnxRuntimeNode, open }, double, x as never, { cache });
    await expect(failing).rejects.toThrow('no memory');
    expect(events).toEqual(['miss', 'set', 'hit']);
  });

  it('that cannot keep a program does not cost the program, and warns in one line', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const full: ProgramCache = {
      get: async () => undefined,
      set: () => Promise.reject(new Error('the disk\nis full')),
    };
    const program = await compile(double, x, { cache: full });
    expect(warn.mock.calls).toEqual([['the compiled step was not kept in the cache: the disk is full']]);
    warn.mockRestore();
    expect((await lossesOf(program, x))?.data[0]).toBe(3);
  });

  it('makes anew what does not open', async () => {
    const { cache, events } = counting();
    const damaged: ProgramCache = { get: async () => Uint8Array.of(1, 2, 3), set: cache.set };
    const program = await compile(double, x, { cache: damaged });
    expect((await lossesOf(program, x))?.data[0]).toBe(3);
    expect(events).toEqual(['set']);
  });
});

describe('a cache of files', () => {
  const { step, state } = regression(10, 3, 2);

  it('lasts from one cache object to the next', async () => {
    const folder = join(newFolder(), 'a', 'cache');
    const [first, second] = [counting(fileCache(folder)), counting(fileCache(folder))];
    const program = await compile(step, state, { cache: first.cache });
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.onnx$/)]);
    const again = await compile(step, state, { cache: second.cache });
    expect([first.events, second.events]).toEqual([['miss', 'set'], ['hit']]);
    expect(await lossesOf(again, state)).toEqual(await lossesOf(program, state));
  });

  it('has other files for another compiler', () => {
    const package_ = newFolder();
    const code = join(package_, 'compile');
    mkdirSync(join(code, 'kernels'), { recursive: true });
    const digests = [
      ['package.json', '{"version": "1.0.0"}'],
      ['compile/index.js', 'a'],
      ['compile/index.js', 'b'],
      ['compile/kernels/sum.js', ''],
      ['package.json', '{"version": "1.0.1"}'],
    ].map(([path, content]) => {
      writeFileSync(join(package_, path as string), content as string);
      return compilerDigest(code);
    });
    expect(new Set(digests).size).toBe(5);
    expect(compilerDigest(code)).toBe(digests[4]);
    expect(compilerDigest()).toBe(compilerDigest());
  });

  it('mends a file that was cut short', async () => {
    const folder = newFolder();
    await compile(step, state, { cache: fileCache(folder) });
    const path = join(folder, readdirSync(folder)[0] as string);
    const whole = readFileSync(path);
    writeFileSync(path, whole.subarray(0, 100));
    await compile(step, state, { cache: fileCache(folder) });
    expect(readFileSync(path)).toEqual(whole);
  });

  it('says in one line where its folder cannot be used', async () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'good'));
    await expect(compile(step, state, { cache: fileCache(join(folder, 'file')) })).rejects.toThrow(
      /^cannot (read|make the folder) .*file.*: E[A-Z]+; check the path$/,
    );
  });
});
