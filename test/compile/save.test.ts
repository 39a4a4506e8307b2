import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import protobuf from 'protobufjs/light';
import { afterAll, describe, expect, it } from 'vitest';
import { CompileError, Program, type Step } from '../../lib/compile';
import { metadataOf } from '../../lib/compile/onnx/metadata';
import { encodeModel } from '../../lib/compile/onnx/proto';
import { loadProgram, saveProgram } from '../../lib/compile/program-store.node';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { temporaryFolder } from '../support/temporary';
import { host } from './kernels/arbitraries';
import { regression } from './regression';

const root = temporaryFolder();
const newFolder = () => mkdtempSync(join(root, 'test-'));

const opened: { release(): Promise<void> }[] = [];
afterAll(() => Promise.all(opened.map((program) => program.release())));
const keep = async <T extends { release(): Promise<void> }>(program: Promise<T>) => {
  opened.push(await program);
  return program;
};

const { step, state } = regression(12, 3, 2);
const compile = () => keep(Program.compile(onnxRuntimeNode, step, state, { threads: 1 }));
const load = (bytes: Uint8Array, options = {}) =>
  keep(Program.load(onnxRuntimeNode, bytes, { threads: 1, ...options }));

describe('a saved program', () => {
  it('runs, loaded, to the same bits, from and to the same form of state', async () => {
    const program = await compile();
    const loaded = await load(program.save());
    const [a, b] = [
      await program.run(program.put(state), { steps: 7 }),
      await loaded.run(loaded.put(state), { steps: 7 }),
    ];
    expect(b.metrics).toEqual(a.metrics);
    expect(await loaded.get(b.state)).toEqual(await program.get(a.state));
    expect(loaded.save()).toEqual(program.save());
  });

  it('keeps records without leaves, scalars, names of any script and every type', async () => {
    const start = {
      optimizer: { 0: {}, 1: { μ: host([0.5]) } },
      n: host([3], [], 'int32'),
      flags: host([1, 0], [2], 'bool'),
      empty: host([], [0, 2]),
    };
    const still = ((s: never) => ({ state: s, metrics: {} })) as Step;
    const loaded = await load((await keep(Program.compile(onnxRuntimeNode, still, start))).save());
    const { state: after } = await loaded.run(loaded.put(start), { steps: 2 });
    expect(await loaded.get(after)).toEqual(start);
  });

  it('says its precision, which must be the one asked for', async () => {
    const program = await keep(
      Program.compile(onnxRuntimeNode, step, state, { precision: 'float64', threads: 1 }),
    );
    const bytes = program.save();
    await expect(load(bytes)).rejects.toThrow(
      "the saved program computes in float64, expected float32; load it with precision: 'float64'",
    );
    const loaded = await load(bytes, { precision: 'float64' });
    const { metrics } = await loaded.run(loaded.put(state), { steps: 2 });
    expect(metrics.loss?.data).toBeInstanceOf(Float64Array);
    expect(metrics).toEqual((await program.run(program.put(state), { steps: 2 })).metrics);
  });

  it('says its device, which must be the one of the runtime', async () => {
    const bytes = (await compile()).save();
    const elsewhere = { ...onnxRuntimeNode, device: 'webgpu' as const };
    await expect(Program.load(elsewhere, bytes)).rejects.toThrow(
      "the saved program was compiled for the device 'cpu', the runtime's is 'webgpu'; open it there, or compile the step for 'webgpu'",
    );
  });

  it('is an ONNX file with readable names, which any runtime opens', async () => {
    const session = await ort.InferenceSession.create((await compile()).save());
    expect(session.inputNames).toEqual([
      'steps',
      'state.params.w',
      'state.params.b',
      'state.moments.w',
      'state.step',
    ]);
    expect(session.outputNames).toEqual([
      'next.params.w',
      'next.params.b',
      'next.moments.w',
      'next.step',
      'metrics.loss',
      'metrics.bias',
      'metrics.count',
    ]);
    await session.release();
  });

  it('has no graph to look at, and says so', async () => {
    const loaded = await load((await compile()).save());
    expect(() => loaded.graph).toThrow(CompileError);
    expect(() => loaded.nodeCount).toThrow('a program loaded from a file has no graph');
    await expect(loaded.findNonFinite(loaded.put(state))).rejects.toThrow('compile the step to look at it');
  });

  it('refuses a state of another form, as the compiled one does', async () => {
    const loaded = await load((await compile()).save());
    expect(() => loaded.put({ ...state, step: host([0]) } as never)).toThrow(
      "'step' of the state is float32[1], expected int32[]",
    );
  });
});

describe('bytes that are no saved program are refused in one line', () => {
  const PREFIX = 'the file is not a program saved by this package: ';
  const empty = { name: '', nodes: [], initializers: [], inputs: [], outputs: [] };
  const form = {
    state: { x: { dtype: 'float32' as const, shape: [2] } },
    metrics: [],
  };
  const target = { precision: 'float32', device: 'cpu' } as const;
  const described = (entry: unknown) => encodeModel(empty, { 'optimal-grokking': JSON.stringify(entry) });
  const entry = JSON.parse(metadataOf(form, target)['optimal-grokking'] as string) as object;

  it.each<[string, () => Uint8Array | Promise<Uint8Array>, string]>([
    ['nothing', () => new Uint8Array(0), 'it does not describe a state'],
    [
      'text',
      () => new TextEncoder().encode('{"a": [1, 2, 3], "b": "ccc"}'),
      'it is not an ONNX file, or is cut short',
    ],
    [
      'a file that is cut short',
      async () => (await compile()).save().subarray(0, 500),
      'it is not an ONNX file, or is cut short',
    ],
    ['another ONNX file', () => encodeModel(empty), 'it does not describe a state'],
    [
      'a description that is not JSON',
      () => encodeModel(empty, { 'optimal-grokking': '{' }),
      'its description is not JSON',
    ],
    ['no description', () => described(null), 'its format is undefined, expected 2'],
    ['a later format', () => described({ ...entry, format: 3 }), 'its format is 3, expected 2'],
    ['another precision', () => described({ ...entry, precision: 'float16' }), 'its precision is "float16"'],
    ['another device', () => described({ ...entry, device: 'tpu' }), 'its device is "tpu"'],
    [
      'metrics that are no names',
      () => described({ ...entry, metrics: [1] }),
      'the metrics of the description are not a list of names',
    ],
    ['a state that is no record', () => described({ ...entry, state: [1] }), 'state is not a record'],
    ['a leaf that is no record', () => described({ ...entry, state: { x: 3 } }), 'state.x is not a record'],
    [
      'an unknown type',
      () => described({ ...entry, state: { x: { dtype: 'float16', shape: [] } } }),
      'state.x of the description is not the form of a tensor',
    ],
    [
      'a negative dimension',
      () => described({ ...entry, state: { x: { dtype: 'int32', shape: [-1] } } }),
      'state.x of the description is not the form of a tensor',
    ],
  ])('%s', async (_, bytes, reason) => {
    const error = await load(await bytes()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CompileError);
    expect((error as Error).message).toBe(PREFIX + reason);
  });

  it('a description without a program', async () => {
    const error = await load(described(entry)).catch((caught: unknown) => caught);
    expect((error as Error).message).toMatch(/^ONNX Runtime cannot open the compiled step: [^\n]*$/);
  });

  it('what metadataOf writes is what the reader wants', () => {
    expect(entry).toEqual({ format: 2, ...form, ...target });
    // Field 14 of ModelProto, by ONNX's own numbering.
    const reader = protobuf.Reader.create(encodeModel(empty, { k: 'v' }));
    const fields: number[] = [];
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      fields.push(tag >>> 3);
      reader.skipType(tag & 7);
    }
    expect(fields).toContain(14);
  });
});

describe('a program in a file', () => {
  it('is written atomically and opened again', async () => {
    const folder = newFolder();
    const path = join(folder, 'program.onnx');
    writeFileSync(path, 'old');
    const program = await compile();
    await saveProgram(path, program);
    expect(readdirSync(folder)).toEqual(['program.onnx']);
    expect(new Uint8Array(readFileSync(path))).toEqual(program.save());
    const loaded = await keep(loadProgram<typeof state>(onnxRuntimeNode, path, { threads: 1 }));
    const { metrics } = await loaded.run(loaded.put(state), { steps: 3 });
    expect(metrics).toEqual((await program.run(program.put(state), { steps: 3 })).metrics);
  });

  it('that cannot be written or read is an error of one line, and leaves nothing behind', async () => {
    const folder = newFolder();
    const program = await compile();
    await expect(saveProgram(join(folder, 'no', 'p.onnx'), program)).rejects.toThrow(
      /^cannot write .*p\.onnx: ENOENT; check the path$/,
    );
    mkdirSync(join(folder, 'taken'));
    await expect(saveProgram(join(folder, 'taken'), program)).rejects.toThrow(
      /^cannot write .*taken: E[A-Z]+; check the path$/,
    );
    expect(readdirSync(folder)).toEqual(['taken']);
    await expect(loadProgram(onnxRuntimeNode, join(folder, 'none.onnx'))).rejects.toThrow(
      /^cannot read .*none\.onnx: ENOENT; check the path$/,
    );
  });
});

it('two tensors of one name are refused', async () => {
  const step = ((s: Record<string, tf.Tensor>) => ({ state: s, metrics: {} })) as unknown as Step;
  await expect(
    Program.compile(onnxRuntimeNode, step, { 'a.b': host([1]), a: { b: host([1]) } }),
  ).rejects.toThrow("two tensors of the state are both called 'a.b'; rename one of them");
});
