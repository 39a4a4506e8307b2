import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CompileError,
  compilableKernels,
  compileFunction,
  type HostTensor,
  withBackend,
} from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { type InputSpec, trace } from '../../lib/compile/trace/trace';
import { messageOf } from '../support/one-line';

const VECTOR: InputSpec = { dtype: 'float32', shape: [3] };
const MATRIX: InputSpec = { dtype: 'float32', shape: [2, 3] };

const traced = (f: (...inputs: tf.Tensor[]) => tf.Tensor | readonly tf.Tensor[], ...specs: InputSpec[]) =>
  trace((inputs) => {
    const result = f(...inputs);
    return result instanceof tf.Tensor ? [result] : result;
  }, specs);
const refused = (f: (...inputs: tf.Tensor[]) => tf.Tensor, ...specs: InputSpec[]) =>
  messageOf(CompileError, () => traced(f, ...specs));

const run = async (f: (x: tf.Tensor) => tf.Tensor, x: HostTensor): Promise<HostTensor> => {
  const compiled = await compileFunction(onnxRuntimeNode, (inputs) => inputs.map(f), [x]);
  const [result] = await compiled.run([x]);
  await compiled.release();
  return result as HostTensor;
};

describe('compilableKernels', () => {
  it('names kernels of every kind in order, each once', () => {
    const names = compilableKernels();
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toEqual(
      expect.arrayContaining(['Add', 'BatchMatMul', 'Cumsum', 'GatherV2', 'Softmax', 'Transpose']),
    );
  });
});

describe('a trace', () => {
  it('holds the kernels that tfjs called, in order, with shapes and types', () => {
    const { inputs, nodes, outputs } = traced((x, y) => tf.argMax(tf.add(x, y), 0), MATRIX, VECTOR);
    expect(inputs).toEqual([MATRIX, VECTOR]);
    expect(nodes.map(({ op }) => op)).toEqual(['Add', 'ArgMax']);
    expect(nodes[0]?.inputs).toEqual(inputs);
    expect(outputs).toEqual([{ dtype: 'int32', shape: [3] }]);
  });

  it('computes nothing: constants alone have values', () => {
    const { outputs } = traced((x) => [x, tf.exp(x), tf.fill([2], 3), tf.tensor1d([1, 2])], VECTOR);
    expect(outputs.map(({ constant }) => constant)).toEqual([
      undefined,
      undefined,
      { fill: 3 },
      { data: Float32Array.of(1, 2) },
    ]);
  });

  it('keeps a tensor under another shape apart from the tensor itself', () => {
    const { nodes, outputs } = traced((x) => [tf.reshape(x, [6]), x], MATRIX);
    expect(nodes.map(({ op }) => op)).toEqual(['Reshape']);
    expect(outputs.map(({ shape }) => shape)).toEqual([[6], [2, 3]]);
  });

  it('runs tfjs’s gradients', () => {
    const { outputs, nodes } = traced(
      tf.grad((x) => tf.sum(tf.square(x)) as tf.Tensor),
      MATRIX,
    );
    expect(outputs).toEqual([MATRIX]);
    expect(nodes.length).toBeGreaterThan(1);
  });
});

describe('an operation that cannot be compiled', () => {
  it.each([
    [
      'fft',
      (x: tf.Tensor) => tf.real(tf.fft(tf.complex(x, x))),
      "'Complex' on (float32[2, 3], float32[2, 3])",
      'keep real and imaginary parts in two tensors',
    ],
    [
      'a draw',
      (x: tf.Tensor) => tf.multinomial(x as tf.Tensor2D, 2),
      "'Multinomial' on (float32[2, 3])",
      'use the random functions of this package',
    ],
    [
      'unique elements',
      (x: tf.Tensor) => tf.unique(tf.reshape(x, [6])).values,
      "'Unique' on (float32[6])",
      'use a mask of fixed shape',
    ],
  ])('%s is an error that names it, its inputs and what to do', (_, f, named, advice) => {
    const message = refused(f, MATRIX);
    expect(message).toContain(`the operation ${named} cannot be compiled`);
    expect(message).toContain(advice);
  });
});

describe('reading a traced value', () => {
  const READ =
    'the step reads the value of a traced tensor (float32[3]): inside a compiled step values are not known';

  it.each([
    ['dataSync', (x: tf.Tensor) => x.dataSync()],
    ['arraySync', (x: tf.Tensor) => x.arraySync()],
    ['print', (x: tf.Tensor) => x.print()],
    ['toString', (x: tf.Tensor) => x.toString()],
    ['bufferSync', (x: tf.Tensor) => x.bufferSync()],
  ])('by %s is refused', (_, read) => {
    const message = refused((x) => {
      read(x);
      return x;
    }, VECTOR);
    expect(message).toContain(READ);
    expect(message).toContain('use tensor operations, or return it as a metric');
  });

  it('by data() rejects', async () => {
    let read: Promise<unknown> | undefined;
    traced((x) => {
      read = x.data().catch((error: unknown) => error);
      return x;
    }, VECTOR);
    const error = await read;
    expect(error).toBeInstanceOf(CompileError);
    expect((error as Error).message).toContain(READ);
  });

  it('in an asynchronous function is refused as such', () => {
    const asynchronous = (async () => []) as unknown as () => tf.Tensor[];
    const message = messageOf(CompileError, () => trace(asynchronous, [VECTOR]));
    expect(message).toBe(
      'the traced function does not return a list of tensors; it must not be asynchronous',
    );
  });

  it.each([
    ['a tensor made in the step', () => tf.tensor1d([1, 2, 3])],
    ['ones', () => tf.ones([3])],
    ['a filled tensor', () => tf.fill([3], 7)],
    ['zeros like another', () => tf.zerosLike(tf.ones([3]))],
  ])('is possible where it is known: %s', (_, make) => {
    let read: number[] = [];
    traced((x) => {
      read = [...make().dataSync()];
      return x;
    }, VECTOR);
    expect(read).toEqual([...make().dataSync()]);
  });

  it('after the trace is refused', () => {
    let kept: tf.Tensor | undefined;
    traced((x) => {
      kept = tf.keep(tf.exp(x));
      return kept;
    }, VECTOR);
    messageOf(CompileError, () => kept?.dataSync());
    messageOf(CompileError, () => tf.neg(kept as tf.Tensor));
    kept?.dispose();
  });
});

describe('a tensor that the function closes over', () => {
  it('becomes a constant and stays usable on its own backend', async () => {
    const scale = withBackend('cpu', () => tf.tensor1d([1, 2, 3]));
    const x: HostTensor = { ...VECTOR, data: Float32Array.of(1, 10, 100) };
    const { nodes } = traced((y) => tf.mul(y, scale), VECTOR);
    expect(nodes[0]?.inputs[1]?.constant).toEqual({ data: Float32Array.of(1, 2, 3) });
    expect((await run((y) => tf.mul(y, scale), x)).data).toEqual(Float32Array.of(1, 20, 300));
    expect(withBackend('cpu', () => [...tf.add(scale, 1).dataSync()])).toEqual([2, 3, 4]);
    scale.dispose();
  });

  it('is taken as it was when the function was compiled', async () => {
    const weight = withBackend('cpu', () => tf.variable(tf.tensor1d([2, 2, 2])));
    const x: HostTensor = { ...VECTOR, data: Float32Array.of(1, 2, 3) };
    const compiled = await compileFunction(
      onnxRuntimeNode,
      (inputs) => inputs.map((y) => tf.mul(y, weight)),
      [x],
    );
    withBackend('cpu', () => tf.tidy(() => weight.assign(tf.tensor1d([5, 5, 5]))));
    expect((await compiled.run([x]))[0]?.data).toEqual(Float32Array.of(2, 4, 6));
    await compiled.release();
    weight.dispose();
  });
});

describe('types that cannot be compiled are refused in one line', () => {
  it('strings', () => {
    expect(refused(() => tf.tensor(['a', 'b']), VECTOR)).toBe(
      'tensors of type string cannot be compiled; use float32, int32 or bool',
    );
  });

  it('complex numbers closed over', () => {
    const complex = withBackend('cpu', () => tf.complex([1, 2, 3], [0, 1, 0]));
    expect(refused((x) => tf.mul(x, complex), VECTOR)).toContain('complex64');
    complex.dispose();
  });
});

describe('the surroundings of a trace', () => {
  let before: number;
  const fails = () => traced((x) => tf.unique(tf.exp(x)).values, VECTOR);
  const failsInGradient = () =>
    traced(
      tf.grad((x) => tf.sum(tf.unique(tf.exp(x)).values) as tf.Tensor),
      VECTOR,
    );
  const succeeds = () =>
    traced(
      tf.grad((x) => tf.sum(tf.exp(tf.mul(x, tf.ones([3])))) as tf.Tensor),
      VECTOR,
    );

  beforeEach(async () => {
    await tf.setBackend('cpu');
    before = tf.memory().numTensors;
  });
  afterEach(async () => {
    await tf.setBackend('cpu');
  });

  it('keep their backend after a trace and after an error', () => {
    succeeds();
    expect(tf.getBackend()).toBe('cpu');
    expect(fails).toThrow(CompileError);
    expect(tf.getBackend()).toBe('cpu');
    expect(failsInGradient).toThrow(CompileError);
    expect(tf.getBackend()).toBe('cpu');
  });

  it('keep any other backend too', async () => {
    const other = tf.findBackendFactory('cpu');
    tf.registerBackend('test:other', other, 0);
    await tf.setBackend('test:other');
    expect(fails).toThrow(CompileError);
    expect(tf.getBackend()).toBe('test:other');
    await tf.setBackend('cpu');
    tf.removeBackend('test:other');
  });

  it('hold no tensor more than before', () => {
    succeeds();
    expect(tf.memory().numTensors).toBe(before);
    // Of a gradient that throws, tfjs itself keeps what its tape has saved.
    expect(fails).toThrow();
    expect(tf.memory().numTensors).toBe(before);
    const constant = tf.tensor1d([1, 2, 3]);
    traced((x) => tf.mul(x, constant), VECTOR);
    expect(tf.memory().numTensors).toBe(before + 1);
    constant.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('hold no tensor more after constants were folded', async () => {
    const compiled = await compileFunction(
      onnxRuntimeNode,
      (inputs) => inputs.map((x) => tf.mul(x, tf.exp(tf.tensor1d([1, 2, 3])))),
      [VECTOR],
    );
    await compiled.release();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('can compute eagerly after an error', () => {
    expect(failsInGradient).toThrow();
    const result = tf.tidy(() => [
      ...tf
        .grad((x) => tf.sum(tf.square(x)) as tf.Tensor)(tf.tensor1d([1, 2]))
        .dataSync(),
    ]);
    expect(result).toEqual([2, 4]);
  });

  it('take no trace inside of a trace', () => {
    const message = refused((x) => {
      traced((y) => tf.exp(y), VECTOR);
      return x;
    }, VECTOR);
    expect(message).toBe('a step cannot be traced while another is being traced');
    succeeds();
    expect(tf.memory().numTensors).toBe(before);
  });
});
