import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { memoryCache, PASSES, type Pass, Program, type ProgramCache, type Step } from '../../lib/compile';
import { fileCache } from '../../lib/compile/program-store.node';
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
    let runs = 0;
    const spy: Pass = {
      name: 'spy',
      changesRounding: false,
      run(graph) {
        runs++;
        return graph;
      },
    };
    const [first, second] = [regression(10, 3, 2), regression(10, 3, 2)];
    const passes = [...PASSES, spy];
    const program = await compile(first.step, first.state, { cache, passes });
    const again = await compile(second.step, second.state, { cache, passes });
    expect(events).toEqual(['miss', 'set', 'hit']);
    expect(runs).toBe(1);
    expect(again.model).toEqual(program.model);
    expect(await lossesOf(again, second.state)).toEqual(await lossesOf(program, first.state));
    // The graph is there when it is asked for.
    expect(again.nodeCount).toBe(program.nodeCount);
    expect(runs).toBe(2);
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
    [
      'a pass of the same name',
      double,
      x,
      { passes: PASSES.map((pass) => ({ ...pass, run: (g: never) => pass.run(g) })) },
    ],
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
