import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  CompileError,
  compileFunction,
  type HostTensor,
  PASSES,
  Program,
  type Step,
  type WideTensor,
} from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { asGptParams, gptForward } from '../../lib/models/gpt';
import { treeOfNames } from '../../lib/models/initialize';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, valueAndGrads } from '../../lib/models/params';
import { tokenBatch } from '../../lib/models/rows';
import { adamw } from '../../lib/optim';
import { toHostTree } from '../../lib/train/state';
import { makeStep, scheduleOf } from '../../lib/train/step';
import { messageOf } from '../support/one-line';
import { ORACLE_GPT, openOracle, oracleWeights, parameterName } from '../support/oracle';
import type { BatchCase } from './batch/agreement';
import { CASES } from './batch/cases';
import { filled, host } from './kernels/arbitraries';

const FLOAT64 = { precision: 'float64', threads: 1 } as const;

const opened: { release(): Promise<void> }[] = [];
afterAll(() => Promise.all(opened.map((program) => program.release())));

const doubles = (...data: number[]): WideTensor => ({
  dtype: 'float32',
  shape: [data.length],
  data: Float64Array.from(data),
});

describe('a program of precision float64', () => {
  type State = { x: tf.Tensor; n: tf.Tensor };
  const step = (({ x, n }: State) => ({
    state: { x: tf.add(tf.mul(x, 2), tf.cast(n, 'float32')), n: tf.add(n, tf.scalar(1, 'int32')) },
    metrics: { sum: tf.sum(x), large: tf.greater(x, 1) },
  })) as Step;
  const compile = async () => {
    const program = await Program.compile(
      onnxRuntimeNode,
      step,
      { x: host([0, 0]), n: host([0], [], 'int32') },
      FLOAT64,
    );
    opened.push(program);
    return program;
  };

  it('takes doubles and returns doubles, other types as they are', async () => {
    const program = await compile();
    const { state, metrics } = await program.run(
      program.put({ x: doubles(0.1, 1 / 3), n: host([1], [], 'int32') }),
      { steps: 2 },
    );
    const [a, b] = [2 * (2 * 0.1 + 1) + 2, 2 * (2 / 3 + 1) + 2];
    expect(await program.get(state)).toEqual({ x: doubles(a, b), n: host([3], [], 'int32') });
    expect(metrics.sum).toEqual({ ...doubles(0.1 + 1 / 3, 2 * 0.1 + 1 + (2 / 3 + 1)) });
    expect(metrics.large).toEqual({ dtype: 'bool', shape: [2, 2], data: Uint8Array.of(0, 0, 1, 1) });
  });

  it('widens what is given in float32, and rounds nothing', async () => {
    const program = await compile();
    const put = program.put({ x: host([0.1, 2]), n: host([0], [], 'int32') });
    expect((await program.get(put)) as object).toEqual({
      x: doubles(Math.fround(0.1), 2),
      n: host([0], [], 'int32'),
    });
  });

  it('folds no constants in float32', async () => {
    const third = (x: tf.Tensor) => tf.add(x, tf.div(tf.scalar(1), tf.scalar(3)));
    const compiled = await compileFunction(
      onnxRuntimeNode,
      (inputs) => inputs.map(third),
      [host([0])],
      FLOAT64,
    );
    opened.push(compiled);
    expect((await compiled.run([host([0])]))[0]).toEqual(doubles(1 / 3));
    expect(PASSES.some(({ precision }) => precision === 'float32')).toBe(true);
  });
});

describe('precision is refused in one line', () => {
  const f = (inputs: tf.Tensor[]) => inputs;
  it('where the device has no doubles', () => {
    const webgpu = { ...onnxRuntimeNode, device: 'webgpu' } as const;
    return expect(compileFunction(webgpu, f, [host([1])], FLOAT64)).rejects.toThrow(
      "precision 'float64' runs on the CPU only; the device is 'webgpu'",
    );
  });

  it('where it is another', () =>
    expect(
      compileFunction(onnxRuntimeNode, f, [host([1])], { precision: 'float16' as 'float32' }),
    ).rejects.toThrow("precision is 'float16', expected 'float32' or 'float64'"));

  it('where doubles are given to a program of float32', async () => {
    const step = (({ x }: { x: tf.Tensor }) => ({ state: { x }, metrics: {} })) as Step;
    const program = await Program.compile(onnxRuntimeNode, step, { x: host([1]) });
    opened.push(program);
    expect(messageOf(CompileError, () => program.put({ x: doubles(1) }))).toBe(
      "'x' of the state is a Float64Array, expected a Float32Array; round it, or compile with precision: 'float64'",
    );
  });
});

/** How far inputs are moved to see whether the results follow: too little for float32. */
const NUDGE = 1e-10;

/** Kernels whose float results stay, or jump, where their inputs change a little. */
const STEPS = ['Ceil', 'Floor', 'OneHot', 'RandomNormal', 'RandomUniform', 'Round', 'Sign', 'Step'];

/** The inputs of cases in double precision, of numbers that no float32 holds. */
function inputsOf(cases: readonly BatchCase[], nudge = 0): WideTensor[] {
  return cases
    .flatMap(({ inputs }) => inputs)
    .map(({ shape, dtype = 'float32', ...range }, i): WideTensor => {
      const tensor = filled(shape, dtype, range, 7 + i);
      if (dtype !== 'float32') return tensor;
      // Each number is moved by another amount, so that differences move too.
      return {
        ...tensor,
        data: Float64Array.from(tensor.data, (x, j) => x + 1e-3 / (i + j + 3) + nudge * (i + 2 * j + 1)),
      };
    });
}

/** Calls all cases at once. */
const callAll = (cases: readonly BatchCase[]) => (given: tf.Tensor[]) => {
  const rest = [...given];
  return cases.flatMap(({ f, inputs }) => f(...rest.splice(0, inputs.length)));
};

const finite = (all: ArrayLike<number> = []) => Array.from(all, (x) => (Number.isFinite(x) ? x : 0));

describe('every kernel computes in double precision', () => {
  it.each(Object.entries(CASES))('%s', async (kernel, drawn) => {
    const cases = fc.sample(drawn().drawn, { seed: 1, numRuns: 5 });
    const inputs = inputsOf(cases);
    const rounded = inputs.map((tensor) => {
      const { dtype, data } = tensor;
      return (dtype === 'float32' ? { ...tensor, data: Float32Array.from(data) } : tensor) as HostTensor;
    });
    const single = await compileFunction(onnxRuntimeNode, callAll(cases), inputs, { threads: 1 });
    const double = await compileFunction(onnxRuntimeNode, callAll(cases), inputs, FLOAT64);
    const [reference, results] = [await single.run(rounded), await double.run(inputs)];
    const nudged = await double.run(inputsOf(cases, NUDGE));
    await single.release();
    await double.release();
    const floats = [...results.keys()].filter((i) => results[i]?.dtype === 'float32');
    for (const i of floats) {
      expect(results[i]?.data).toBeInstanceOf(Float64Array);
      expect([...finite(results[i]?.data), 1]).toMatchReference([...finite(reference[i]?.data), 1], 1e-5);
    }
    const follows = floats.some((i) => {
      const [before, after] = [finite(results[i]?.data), finite(nudged[i]?.data)];
      return before.some((x, j) => x !== after[j] && Math.abs(x - (after[j] as number)) < 1e3 * NUDGE);
    });
    expect(follows).toBe(floats.length > 0 && !STEPS.includes(kernel));
  });
});

describe('write-up 2’s GPT in float64, against float64 PyTorch', () => {
  const oracle = openOracle('c_gpt');
  const weights = oracleWeights();
  const batch = tokenBatch(oracle.integers('x'), 3, ORACLE_GPT.vocabulary);

  it('gives logits, loss and gradients to the last digits', async () => {
    const compiled = await compileFunction(
      onnxRuntimeNode,
      (inputs) => {
        const params = treeOfNames(weights.map(([name], i) => [name, inputs[i] as tf.Tensor] as const));
        const labels = tf.cast(
          tf.oneHot(tf.tensor1d(oracle.integers('y'), 'int32'), 13),
          'float32',
        ) as tf.Tensor2D;
        const { value, grads } = valueAndGrads(
          (p) => crossEntropy(gptForward(ORACLE_GPT, asGptParams(p), batch), labels),
          params,
        );
        const byName = new Map(namedTensors(grads));
        return [
          gptForward(ORACLE_GPT, asGptParams(params), batch),
          value,
          ...weights.map(([name]) => byName.get(name) as tf.Tensor),
        ];
      },
      weights.map(([, tensor]) => tensor),
      FLOAT64,
    );
    opened.push(compiled);
    const [logits, loss, ...grads] = await compiled.run(weights.map(([, tensor]) => tensor));
    expect(logits?.data).toMatchReference(oracle.numbers('f64.fixed.logits_last'), 1e-13);
    expect(loss?.data).toMatchReference(oracle.numbers('f64.fixed.loss'), 1e-13);
    for (const name of oracle.names('f64.fixed.grad.')) {
      const index = weights.findIndex(([own]) => own === parameterName(name));
      expect(grads[index]?.data, name).toMatchReference(oracle.numbers(`f64.fixed.grad.${name}`), 1e-13);
    }
  });

  it('trains ten steps of AdamW along PyTorch’s losses', async () => {
    const optimizer = adamw({ learningRate: 1e-3, weightDecay: 1, betas: [0.9, 0.98] });
    const rows = { tokens: batch, targets: oracle.integers('y') };
    const step = makeStep({
      forward: (params, tokens) => gptForward(ORACLE_GPT, asGptParams(params), tokens),
      classes: 13,
      train: rows,
      validation: rows,
      optimizer,
    });
    const params = treeOfNames(weights);
    const state = {
      params,
      optimizer: toHostTree((tensors) => optimizer.init(tensors), params),
      step: host([0], [], 'int32'),
      schedule: scheduleOf(100, -1),
    };
    const program = await Program.compile(onnxRuntimeNode, step, state, FLOAT64);
    opened.push(program);
    const { metrics } = await program.run(program.put(state), { steps: 11 });
    // tfjs rounds the optimiser's constants to float32: β₂ = 0.98 is off by 1e-8.
    const losses = openOracle('d_gpt_traj').numbers('f64.adamw.loss');
    expect(metrics.trainLoss?.data).toMatchReference(losses, 1e-8);
  });
});
