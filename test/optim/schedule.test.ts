import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compileFunction, type HostTensor, Program, type Step, withBackend } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { ArgumentError } from '../../lib/errors';
import {
  applyUpdates,
  chain,
  constantSchedule,
  cosineSchedule,
  exponentialSchedule,
  inverseSqrtSchedule,
  joinSchedules,
  linearSchedule,
  piecewiseSchedule,
  type Schedule,
  scale,
  scaleBySchedule,
  warmup,
} from '../../lib/optim';
import { messageOf } from '../support/one-line';
import '../support/matchers';

/** Each schedule with its closed form. */
const SCHEDULES: Readonly<Record<string, readonly [Schedule, (step: number) => number]>> = {
  constant: [constantSchedule(3e-4), () => 3e-4],
  linear: [linearSchedule({ from: 1, to: 0.25, steps: 40 }), (step) => 1 - (0.75 * Math.min(step, 40)) / 40],
  'warm-up to a constant': [warmup(10, constantSchedule(1e-3)), (step) => 1e-3 * Math.min(step / 10, 1)],
  cosine: [
    cosineSchedule({ peak: 1e-2, floor: 1e-3, steps: 50 }),
    (step) => 1e-3 + (9e-3 * (1 + Math.cos((Math.PI * Math.min(step, 50)) / 50))) / 2,
  ],
  'warm-up to a cosine': [
    warmup(7, cosineSchedule({ peak: 1e-2, steps: 50 })),
    (step) => (step < 7 ? (1e-2 * step) / 7 : 5e-3 * (1 + Math.cos((Math.PI * Math.min(step - 7, 50)) / 50))),
  ],
  'inverse square root': [
    inverseSqrtSchedule({ peak: 2, timescale: 16 }),
    (step) => 2 * Math.sqrt(16 / (16 + step)),
  ],
  'warm-up to an inverse square root': [
    warmup(16, inverseSqrtSchedule({ peak: 2, timescale: 16 })),
    (step) => 2 * Math.min(step / 16, Math.sqrt(16 / step)),
  ],
  piecewise: [
    piecewiseSchedule({ values: [1, 0.1, 0.01], boundaries: [20, 30] }),
    (step) => (step < 20 ? 1 : step < 30 ? 0.1 : 0.01),
  ],
  exponential: [
    exponentialSchedule({ start: 0.5, factor: 0.9, steps: 10 }),
    (step) => 0.5 * 0.9 ** (step / 10),
  ],
  staircase: [
    exponentialSchedule({ start: 0.5, factor: 0.1, steps: 10, staircase: true }),
    (step) => 0.5 * 0.1 ** Math.floor(step / 10),
  ],
  'a join, whose parts begin at their own step 0': [
    joinSchedules(
      [constantSchedule(1), linearSchedule({ from: 1, to: 0, steps: 10 }), constantSchedule(0.5)],
      [5, 40],
    ),
    (step) => (step < 5 ? 1 : step < 40 ? 1 - Math.min(step - 5, 10) / 10 : 0.5),
  ],
};

const STEPS = [...Array.from({ length: 80 }, (_, step) => step), 1_000, 999_999];

const valuesAt = (step: tf.Tensor) =>
  Object.values(SCHEDULES).map(([schedule]) => schedule(step as tf.Scalar));

function expectClosedForms(atStep: readonly (readonly number[])[]): void {
  Object.entries(SCHEDULES).forEach(([name, [, closed]], i) => {
    const actual = atStep.map((values) => values[i] as number);
    expect(actual, name).toMatchReference(STEPS.map(closed), 1e-6);
  });
}

describe('schedules equal their closed forms at every step', () => {
  it('eagerly', () => {
    const atStep = withBackend('cpu', () =>
      STEPS.map((step) =>
        tf.tidy(() => valuesAt(tf.scalar(step, 'int32')).map((value) => value.dataSync()[0] as number)),
      ),
    );
    expectClosedForms(atStep);
  });

  it('compiled', async () => {
    const stepOf = (step: number) => ({ dtype: 'int32' as const, shape: [], data: Int32Array.of(step) });
    const compiled = await compileFunction(
      onnxRuntimeNode,
      (inputs) => inputs.flatMap(valuesAt),
      [stepOf(0)],
      { threads: 1 },
    );
    const atStep: number[][] = [];
    for (const step of STEPS) {
      const values = await compiled.run([stepOf(step)]);
      atStep.push(values.map(({ data }) => data[0] as number));
    }
    await compiled.release();
    expectClosedForms(atStep);
  });
});

describe('scaleBySchedule', () => {
  it('multiplies updates by the value at the step, in calls of any length', async () => {
    const optimizer = chain(scaleBySchedule(warmup(4, constantSchedule(0.5))), scale(-1));
    const step = (({ w, n }: Record<'w' | 'n', tf.Tensor>) => {
      const { updates } = optimizer.update(
        { w: tf.onesLike(w) },
        { 0: {}, 1: {} },
        { params: { w }, step: n as tf.Scalar },
      );
      const next = applyUpdates({ w }, updates) as { w: tf.Tensor };
      return { state: { ...next, n: tf.add(n, tf.scalar(1, 'int32')) }, metrics: { w } };
    }) as Step;
    const start = {
      w: { dtype: 'float32' as const, shape: [1], data: Float32Array.of(0) },
      n: { dtype: 'int32' as const, shape: [], data: Int32Array.of(0) },
    };
    const program = await Program.compile(onnxRuntimeNode, step, start, { threads: 1 });
    const first = await program.run(program.put(start), { steps: 3 });
    const second = await program.run(first.state, { steps: 4 });
    await program.release();
    const weights = [first, second].flatMap(({ metrics }) => [...(metrics.w as HostTensor).data]);
    expect(weights).toEqual([0, 0, -0.125, -0.375, -0.75, -1.25, -1.75]);
  });
});

describe('schedules refuse in one line', () => {
  it.each([
    [
      () => warmup(0, constantSchedule(1)),
      'steps is 0, expected a whole number from 1 to 2147483647 (2^31 - 1)',
    ],
    [
      () => linearSchedule({ from: 1, to: 0, steps: 2 ** 31 }),
      'steps is 2147483648, expected a whole number from 1 to 2147483647 (2^31 - 1)',
    ],
    [
      () => warmup(2.5, constantSchedule(1)),
      'steps is 2.5, expected a whole number from 1 to 2147483647 (2^31 - 1)',
    ],
    [() => constantSchedule(Number.NaN), 'value is NaN, expected a finite number'],
    [() => exponentialSchedule({ start: 1, factor: 0, steps: 1 }), 'factor is 0, expected a positive number'],
    [
      () => piecewiseSchedule({ values: [1, 2], boundaries: [3, 4] }),
      'a schedule of 2 parts has 2 boundaries, expected one boundary fewer than parts',
    ],
    [
      () => piecewiseSchedule({ values: [1, 2, 3], boundaries: [4, 4] }),
      'the boundaries are 4, 4, expected rising numbers',
    ],
  ])('%#', (make, message) => {
    expect(messageOf(ArgumentError, make)).toBe(message);
  });
});
