import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Emitter } from '../../lib/compile/onnx/emitter';
import { loopModel } from '../../lib/compile/onnx/programs';
import {
  encodeModel,
  type OnnxGraph,
  type OnnxNode,
  type OnnxType,
  type ValueInfo,
} from '../../lib/compile/onnx/proto';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { DEFAULT_TARGET } from '../../lib/compile/target';
import { trace } from '../../lib/compile/trace/trace';

const float = (name: string, ...shape: (number | string)[]): ValueInfo => ({ name, type: 'float32', shape });
const node = (
  opType: string,
  inputs: string[],
  output: string,
  attributes: OnnxNode['attributes'] = {},
): OnnxNode => ({
  opType,
  inputs,
  outputs: [output],
  attributes,
});
const graph = (parts: Partial<OnnxGraph>): OnnxGraph => ({
  name: 'test',
  nodes: [],
  initializers: [],
  inputs: [],
  outputs: [],
  ...parts,
});

/** Encodes a graph and runs it. */
async function run(
  whole: OnnxGraph,
  inputs: Record<string, ort.Tensor> = {},
): Promise<ort.InferenceSession.ReturnType> {
  const session = await ort.InferenceSession.create(encodeModel(whole), { logSeverityLevel: 4 });
  const outputs = await session.run(inputs);
  await session.release();
  return outputs;
}
const vector = (...data: number[]) => new ort.Tensor('float32', Float32Array.from(data), [data.length]);

describe('encodeModel', () => {
  it('writes a graph that ONNX Runtime opens, with its names, types and shapes', async () => {
    const model = encodeModel(
      graph({
        nodes: [node('Add', ['a', 'b'], 'sum')],
        inputs: [float('a', 2, 'n'), float('b', 1)],
        outputs: [float('sum', 2, 'n')],
      }),
    );
    const session = await ort.InferenceSession.create(model);
    expect(session.inputMetadata).toMatchObject([
      { name: 'a', isTensor: true, type: 'float32', shape: [2, 'n'] },
      { name: 'b', isTensor: true, type: 'float32', shape: [1] },
    ]);
    expect(session.outputMetadata).toMatchObject([
      { name: 'sum', isTensor: true, type: 'float32', shape: [2, 'n'] },
    ]);
    await session.release();
  });

  it('writes constants of every type, scalars and empty ones included', async () => {
    const constants: [OnnxType, number[], Float32Array | Int32Array | Uint8Array | BigInt64Array][] = [
      ['float32', [2, 2], Float32Array.of(1.5, -0, Number.NaN, Number.NEGATIVE_INFINITY)],
      ['int32', [], Int32Array.of(-7)],
      ['int64', [2], BigInt64Array.of(2n ** 40n, -1n)],
      ['bool', [3], Uint8Array.of(1, 0, 1)],
      ['float32', [0, 3], new Float32Array(0)],
    ];
    const outputs = await run(
      graph({
        initializers: constants.map(([type, dims, data], i) => ({ name: `c${i}`, type, dims, data })),
        nodes: constants.map((_, i) => node('Identity', [`c${i}`], `o${i}`)),
        outputs: constants.map(([type, shape], i) => ({ name: `o${i}`, type, shape })),
      }),
    );
    constants.forEach(([type, dims, data], i) => {
      expect(outputs[`o${i}`]).toMatchObject({ type, dims });
      expect(outputs[`o${i}`]?.data).toEqual(data);
    });
  });

  it('writes only the part of a buffer that a constant views', async () => {
    const data = Float32Array.of(9, 9, 1, 2, 9).subarray(2, 4);
    const outputs = await run(
      graph({
        initializers: [{ name: 'c', type: 'float32', dims: [2], data }],
        nodes: [node('Identity', ['c'], 'o')],
        outputs: [float('o', 2)],
      }),
    );
    expect(outputs.o?.data).toEqual(Float32Array.of(1, 2));
  });

  it('writes an integer, a list of integers, a float and a text as attributes', async () => {
    const x = new ort.Tensor('float32', Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
    const outputs = await run(
      graph({
        inputs: [float('x', 2, 3)],
        initializers: [{ name: 'one', type: 'int64', dims: [1], data: BigInt64Array.of(1n) }],
        nodes: [
          node('Concat', ['x', 'x'], 'joined', { axis: 1 }),
          node('Transpose', ['x'], 'turned', { perm: [1, 0] }),
          node('LeakyRelu', ['x'], 'same', { alpha: { float: 0.25 } }),
          node('Neg', ['x'], 'negative'),
          node('LeakyRelu', ['negative'], 'leaked', { alpha: { float: 0.25 } }),
          node('Cast', ['one'], 'unsigned', { to: 13 }),
          node('BitShift', ['unsigned', 'unsigned'], 'bits', { direction: 'LEFT' }),
          node('Cast', ['bits'], 'two', { to: 6 }),
        ],
        outputs: [
          float('joined', 2, 6),
          float('turned', 3, 2),
          float('leaked', 2, 3),
          { name: 'two', type: 'int32', shape: [1] },
        ],
      }),
      { x },
    );
    expect(outputs.joined?.data).toEqual(Float32Array.of(1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6));
    expect(outputs.turned?.data).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
    expect(outputs.leaked?.data).toEqual(Float32Array.from([1, 2, 3, 4, 5, 6], (value) => -value / 4));
    expect(outputs.two?.data).toEqual(Int32Array.of(2));
  });

  it('writes graphs as attributes, which see the names around them', async () => {
    const branch = (opType: string): OnnxGraph =>
      graph({
        name: opType,
        nodes: [node(opType, ['x'], `${opType}-out`)],
        outputs: [float(`${opType}-out`, 2)],
      });
    const whole = graph({
      inputs: [float('x', 2), { name: 'yes', type: 'bool', shape: [] }],
      nodes: [node('If', ['yes'], 'y', { then_branch: branch('Neg'), else_branch: branch('Abs') })],
      outputs: [float('y', 2)],
    });
    const x = vector(-1, 2);
    const choose = (yes: boolean) => run(whole, { x, yes: new ort.Tensor('bool', [yes], []) });
    expect((await choose(true)).y?.data).toEqual(Float32Array.of(1, -2));
    expect((await choose(false)).y?.data).toEqual(Float32Array.of(1, 2));
  });
});

describe('Emitter', () => {
  it('writes equal small constants once, also from nested graphs', () => {
    const emit = Emitter.root();
    const names = [
      emit.scalar('float32', 2),
      emit.nested().scalar('float32', 2),
      emit.nested().nested().scalar('float32', 2),
    ];
    expect(new Set(names).size).toBe(1);
    expect(emit.initializers).toHaveLength(1);
    expect(emit.integers([1, 2])).toBe(emit.integers([1, 2]));
  });

  it('keeps apart constants that differ in type, shape, or the sign of a zero', () => {
    const emit = Emitter.root();
    const names = [
      emit.scalar('float32', 0),
      emit.scalar('float32', -0),
      emit.scalar('int32', 0),
      emit.scalar('bool', 0),
      emit.constant('float32', [1], Float32Array.of(0)),
      emit.constant('float32', [1], Float32Array.of(Number.NaN)),
      emit.integers([0]),
      emit.integers([]),
    ];
    expect(new Set(names).size).toBe(names.length);
    expect(emit.initializers.map(({ name }) => name)).toEqual(names);
  });

  it('gives every result a name of its own across nested graphs', () => {
    const emit = Emitter.root();
    const inner = emit.nested();
    const names = [
      emit.node('Neg', ['x']),
      inner.node('Neg', ['x']),
      ...inner.multi('Split', ['x'], 2),
      emit.fresh('v'),
    ];
    expect(new Set(names).size).toBe(5);
    expect([emit.nodes.length, inner.nodes.length]).toEqual([1, 2]);
  });
});

describe('loopModel', () => {
  it('holds each constant once, outside of the repeated step', async () => {
    const table = Float32Array.from({ length: 64 }, (_, i) => i);
    const repeated = trace(
      ([x]) => {
        const constant = tf.tensor1d(table);
        return [x as tf.Tensor, tf.add(tf.mul(x as tf.Tensor, constant), constant)];
      },
      [{ dtype: 'float32', shape: [64] }],
    );
    const form = { state: { x: { dtype: 'float32', shape: [64] } }, metrics: ['sum'] } as const;
    const once = loopModel(repeated, DEFAULT_TARGET, form).length;
    expect(once).toBeLessThan(2 * table.byteLength + 1500);
    const session = await onnxRuntimeNode.open(loopModel(repeated, DEFAULT_TARGET, form), { threads: 1 });
    const outputs = await session.run({
      steps: onnxRuntimeNode.putCount(2),
      'state.x': onnxRuntimeNode.put({ dtype: 'float32', shape: [64], data: table }),
    });
    const { shape, data } = await onnxRuntimeNode.get(outputs['metrics.sum']);
    expect([shape, data[2], data[66]]).toEqual([[2, 64], 6, 6]);
    await session.release();
  });
});
