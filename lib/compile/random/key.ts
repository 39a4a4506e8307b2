/** @file What a random tensor is a function of. */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError, shown } from '../errors';
import { describe } from '../graph';
import { keyLanes, purposeLanes } from './generator';

/**
 * Names the random numbers of one use in one step: the same key gives the same numbers, on every device, whenever and in
 * whatever order it is asked; keys that differ in any part give unrelated ones. So give each use in a step a purpose of
 * its own, and the step from the state: a run resumed at step k then draws what it would have drawn without the stop.
 */
export interface RandomKey {
  /** The run's seed: a whole number from 0 to 2⁵³ − 1, or an int32 scalar, which seeds a run without compiling anew. */
  readonly seed: number | tf.Tensor;
  /** What the numbers are for, such as `'dropout/0'`: at least one character. */
  readonly purpose: string;
  /** The step: a whole number from 0 to 2³¹ − 1, or an int32 scalar. */
  readonly step: number | tf.Tensor;
}

/** A key whose form has been checked: the seed's lower 32 bits, the rest of it and the purpose as lanes, the step. */
export interface CheckedKey {
  readonly seed: tf.Scalar;
  readonly step: tf.Scalar;
  readonly lanes: Int32Array;
}

/** @throws CompileError where a part of the key is not as `RandomKey` says. */
export function checkedKey(key: RandomKey): CheckedKey {
  if (typeof key !== 'object' || key === null) {
    throw new CompileError(
      `the key of a random tensor is ${shown(key)}, expected a record such as { seed: 1, purpose: 'dropout/0', step }`,
    );
  }
  const { seed, purpose, step } = key;
  if (typeof purpose !== 'string' || purpose === '') {
    throw new CompileError(
      `the purpose of a random key is ${JSON.stringify(purpose)}, expected text such as 'dropout/0'`,
    );
  }
  const high = typeof seed === 'number' ? Math.floor(seed / 2 ** 32) : 0;
  return {
    seed: scalarOf('seed', seed, Number.MAX_SAFE_INTEGER),
    step: scalarOf('step', step, 2 ** 31 - 1),
    lanes: purposeLanes(purpose, high),
  };
}

/** A part of a key as an int32 scalar: of a number, its lower 32 bits. */
function scalarOf(name: string, part: number | tf.Tensor, largest: number): tf.Scalar {
  if (part instanceof tf.Tensor) {
    if (part.dtype === 'int32' && part.rank === 0) return part as tf.Scalar;
    throw new CompileError(`the ${name} of a random key is ${describe(part)}, expected int32[]`);
  }
  if (!Number.isSafeInteger(part) || part < 0 || part > largest) {
    throw new CompileError(
      `the ${name} of a random key is ${shown(part)}, expected a whole number from 0 to ${largest} or an int32 scalar`,
    );
  }
  return tf.scalar(part | 0, 'int32');
}

/** The lanes of a key whose tensors can be read. */
export function lanesOf({ seed, step, lanes }: CheckedKey): Int32Array {
  return keyLanes(lanes, seed.dataSync()[0] as number, step.dataSync()[0] as number);
}
