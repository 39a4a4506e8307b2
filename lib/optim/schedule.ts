/**
 * @file Learning rates that change with the step: functions of the step tensor, so that they are part of the compiled
 * step and a resumed run goes on where it stood. After optax (DeepMind), `optax/schedules`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { shown } from '../compile/errors';
import { ArgumentError } from '../errors';
import { mapParams } from '../models/params';
import { stateless, type Transform } from './transform';

/**
 * A number for each step. The step is the count of updates done before, int32: 0 at the first. The value is a float32
 * scalar; steps above 2²⁴ count as the nearest that float32 holds.
 */
export type Schedule = (step: tf.Tensor) => tf.Tensor;

/** Multiplies updates by the schedule's value; after it, `scale(-1)` makes the step go downhill. */
export function scaleBySchedule(schedule: Schedule): Transform {
  return stateless((updates, { step }) => {
    const factor = schedule(step);
    return mapParams(updates, [], (u) => tf.mul(u, factor));
  });
}

/** The same value at every step. */
export function constantSchedule(value: number): Schedule {
  requireFinite('value', value);
  return () => tf.scalar(value);
}

export interface LinearOptions {
  /** Value at step 0. */
  readonly from: number;
  /** Value from step `steps` on. */
  readonly to: number;
  /** A whole number from 1 to 2³¹ − 1. */
  readonly steps: number;
}

/** A straight line from one value to another, then the other. */
export function linearSchedule({ from, to, steps }: LinearOptions): Schedule {
  requireFinite('from', from);
  requireFinite('to', to);
  requirePositiveInteger('steps', steps);
  return (step) => {
    const t = portion(step, steps);
    return tf.add(tf.mul(tf.sub(1, t), from), tf.mul(t, to));
  };
}

/**
 * Another schedule after a linear warm-up: its first value times step/steps for the first `steps` steps, so that the
 * first update is 0, then the schedule from its step 0 on.
 * @param steps A whole number from 1 to 2³¹ − 1.
 */
export function warmup(steps: number, schedule: Schedule): Schedule {
  requirePositiveInteger('steps', steps);
  return (step) => tf.mul(portion(step, steps), schedule(since(step, steps)));
}

export interface CosineOptions {
  /** Value at step 0. */
  readonly peak: number;
  /** Value from step `steps` on. Default 0. */
  readonly floor?: number;
  /** A whole number from 1 to 2³¹ − 1. */
  readonly steps: number;
}

/**
 * Half a period of a cosine from `peak` to `floor`, then `floor`.
 * @see Loshchilov & Hutter, SGDR, 2017, equation 5 (without restarts)
 */
export function cosineSchedule({ peak, floor = 0, steps }: CosineOptions): Schedule {
  requireFinite('peak', peak);
  requireFinite('floor', floor);
  requirePositiveInteger('steps', steps);
  return (step) => {
    const wave = tf.add(tf.mul(tf.cos(tf.mul(portion(step, steps), Math.PI)), 0.5), 0.5);
    return tf.add(tf.mul(wave, peak - floor), floor);
  };
}

export interface InverseSqrtOptions {
  /** Value at step 0. */
  readonly peak: number;
  /** Steps after which the value is peak/√2; the length of the warm-up before it, if any. A whole number from 1 to 2³¹ − 1. */
  readonly timescale: number;
}

/**
 * peak·√(timescale/(timescale + step)). After `warmup(timescale, …)` this is peak·√(timescale/step) of the whole run's
 * step.
 * @see Vaswani et al., Attention is all you need, 2017, equation 3
 */
export function inverseSqrtSchedule({ peak, timescale }: InverseSqrtOptions): Schedule {
  requireFinite('peak', peak);
  requirePositiveInteger('timescale', timescale);
  return (step) => {
    const passed = tf.add(tf.div(tf.cast(step, 'float32'), timescale), 1);
    return tf.mul(tf.rsqrt(passed), peak);
  };
}

export interface PiecewiseOptions {
  /** One more than the boundaries. */
  readonly values: readonly number[];
  /** Steps at which the next value begins, rising; positive integers. */
  readonly boundaries: readonly number[];
}

/** values[i] from step boundaries[i − 1] on. */
export function piecewiseSchedule({ values, boundaries }: PiecewiseOptions): Schedule {
  for (const value of values) requireFinite('a value of the schedule', value);
  return joinSchedules(values.map(constantSchedule), boundaries);
}

export interface ExponentialOptions {
  /** Value at step 0. */
  readonly start: number;
  /** What the value is multiplied by in every `steps` steps: positive. */
  readonly factor: number;
  /** A whole number from 1 to 2³¹ − 1. */
  readonly steps: number;
  /** Whether it changes every `steps` steps only, by the whole factor. Default false. */
  readonly staircase?: boolean;
}

/** start·factor^(step/steps), the exponent rounded down where `staircase`. */
export function exponentialSchedule({
  start,
  factor,
  steps,
  staircase = false,
}: ExponentialOptions): Schedule {
  requireFinite('start', start);
  requirePositiveInteger('steps', steps);
  if (!(Number.isFinite(factor) && factor > 0))
    throw new ArgumentError(`factor is ${shown(factor)}, expected a positive number`);
  return (step) => {
    const exponent = staircase
      ? tf.cast(tf.floorDiv(step, tf.scalar(steps, 'int32')), 'float32')
      : tf.div(tf.cast(step, 'float32'), steps);
    return tf.mul(tf.pow(tf.scalar(factor), exponent), start);
  };
}

/**
 * One schedule after the other: schedules[i] from step boundaries[i − 1] on, which is step 0 to it.
 * @param boundaries Rising positive integers, one fewer than the schedules.
 */
export function joinSchedules(schedules: readonly Schedule[], boundaries: readonly number[]): Schedule {
  if (schedules.length !== boundaries.length + 1) {
    throw new ArgumentError(
      `a schedule of ${schedules.length} parts has ${boundaries.length} boundaries, expected one boundary fewer than parts`,
    );
  }
  boundaries.forEach((boundary, i) => {
    requirePositiveInteger('a boundary', boundary);
    if (i > 0 && boundary <= (boundaries[i - 1] as number)) {
      throw new ArgumentError(`the boundaries are ${boundaries.join(', ')}, expected rising numbers`);
    }
  });
  const [first, ...rest] = schedules as readonly [Schedule, ...Schedule[]];
  return (step) =>
    rest.reduce((before, schedule, i) => {
      const boundary = boundaries[i] as number;
      const begun = tf.greaterEqual(step, tf.scalar(boundary, 'int32'));
      return tf.where(begun, schedule(since(step, boundary)), before);
    }, first(step));
}

/** Steps since another one, 0 before it. */
function since(step: tf.Tensor, beginning: number): tf.Tensor {
  return tf.maximum(tf.sub(step, tf.scalar(beginning, 'int32')), tf.scalar(0, 'int32'));
}

/** step/steps, at most 1. */
function portion(step: tf.Tensor, steps: number): tf.Tensor {
  return tf.minimum(tf.div(tf.cast(step, 'float32'), steps), 1);
}

function requireFinite(name: string, value: number): void {
  if (!Number.isFinite(value))
    throw new ArgumentError(`${name} is ${shown(value)}, expected a finite number`);
}

/** Steps are counted in int32. */
const LARGEST = 2 ** 31 - 1;

function requirePositiveInteger(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1 || value > LARGEST) {
    throw new ArgumentError(
      `${name} is ${shown(value)}, expected a whole number from 1 to ${LARGEST} (2^31 - 1)`,
    );
  }
}
