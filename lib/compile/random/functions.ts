/**
 * @file Random tensors inside a step. In a compiled step each is one kernel of this package; eagerly, on any tfjs
 * backend, its numbers come from the TypeScript form of the same generator. Words, uniform numbers and events are the
 * same bits everywhere, normal numbers the same to 1e-6. No gradient flows into them.
 */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError, shown } from '../errors';
import { type DType, sizeOf } from '../host';
import { TRACE_BACKEND } from '../trace/backend';
import { traceBackend } from '../trace/register';
import {
  events,
  eventValues,
  halfEvents,
  normals,
  tableForHalves,
  uniforms,
  wordsForNormals,
} from './distributions';
import { words } from './generator';
import type { RandomAttributes } from './kernels';
import { type CheckedKey, checkedKey, lanesOf, type RandomKey } from './key';

/** Most elements of one random tensor. */
const MOST_ELEMENTS = 2 ** 31;

/** One kind of random tensor. */
interface Kind {
  readonly kernel: string;
  readonly dtype: DType;
  /** Its elements from the lanes of a key, where they can be known. */
  readonly eager: (lanes: Int32Array, count: number) => Int32Array | Float32Array | Uint8Array;
  readonly attrs?: Pick<RandomAttributes, 'limit'>;
}

function randomTensor(
  { kernel, dtype, eager, attrs }: Kind,
  shape: readonly number[],
  key: RandomKey,
): tf.Tensor {
  checkShape(shape);
  return tf.tidy(() => {
    const checked = checkedKey(key);
    if (sizeOf(shape) === 0) return tf.zeros([...shape], dtype);
    if (tf.getBackend() === TRACE_BACKEND) return traced(kernel, checked, { ...attrs, shape });
    return tf.tensor(eager(lanesOf(checked), sizeOf(shape)), [...shape], dtype);
  });
}

function traced(
  kernel: string,
  { seed, step, lanes }: CheckedKey,
  attrs: Omit<RandomAttributes, 'lanes'>,
): tf.Tensor {
  const backend = traceBackend();
  const inputs = { seed: backend.value(seed), step: backend.value(step) };
  const [value] = backend.active().call(kernel, inputs, { ...attrs, lanes: [...lanes] });
  return backend.tensor(value as NonNullable<typeof value>);
}

function checkShape(shape: readonly number[]): void {
  if (!Array.isArray(shape) || !shape.every((d) => Number.isSafeInteger(d) && d >= 0)) {
    throw new CompileError(
      `the shape of a random tensor is ${JSON.stringify(shape)}, expected a list of whole numbers such as [2, 3]`,
    );
  }
  if (sizeOf(shape) > MOST_ELEMENTS) {
    throw new CompileError(
      `a random tensor of shape [${shape.join(', ')}] has more than 2^31 elements; draw it in parts, each with its own purpose`,
    );
  }
}

function checkProbability(name: string, value: number, isAllowed: boolean, range: string): void {
  if (typeof value !== 'number' || !isAllowed) {
    throw new CompileError(`${name} is ${shown(value)}, expected a number in ${range}`);
  }
}

/**
 * 32 random bits an element.
 * @param shape At most 2³¹ elements.
 * @returns int32.
 */
export function randomWords(shape: readonly number[], key: RandomKey): tf.Tensor {
  return randomTensor({ kernel: 'RandomWords', dtype: 'int32', eager: words }, shape, key);
}

/**
 * Numbers uniform on [0, 1): multiples of 2⁻²⁴, all equally likely.
 * @param shape At most 2³¹ elements.
 * @returns float32.
 */
export function randomUniform(shape: readonly number[], key: RandomKey): tf.Tensor {
  const eager: Kind['eager'] = (lanes, count) => uniforms(words(lanes, count));
  return randomTensor({ kernel: 'RandomUniform', dtype: 'float32', eager }, shape, key);
}

/**
 * Standard normal numbers; none is farther from 0 than 5.77.
 * @param shape At most 2³¹ elements.
 * @returns float32; in a program of precision float64, doubles of the same random bits.
 */
export function randomNormal(shape: readonly number[], key: RandomKey): tf.Tensor {
  const eager: Kind['eager'] = (lanes, count) =>
    Float32Array.from(normals(words(lanes, wordsForNormals(count))).subarray(0, count));
  return randomTensor({ kernel: 'RandomNormal', dtype: 'float32', eager }, shape, key);
}

/**
 * Independent events: true with the given probability, to the nearest multiple of 2⁻³².
 * @param probability In [0, 1].
 * @param shape At most 2³¹ elements.
 * @returns bool.
 */
export function bernoulli(probability: number, shape: readonly number[], key: RandomKey): tf.Tensor {
  checkProbability('a probability', probability, probability >= 0 && probability <= 1, '[0, 1]');
  const limit = eventValues(probability, 32);
  if (limit === 0 || limit === 2 ** 32) {
    checkShape(shape);
    return tf.fill([...shape], limit === 0 ? 0 : 1, 'bool');
  }
  const eager: Kind['eager'] = (lanes, count) => events(words(lanes, count), limit);
  return randomTensor({ kernel: 'RandomEvents', dtype: 'bool', eager, attrs: { limit } }, shape, key);
}

/** How many of the 2¹⁶ halves of words a dropout rate keeps: at least one. */
function keptHalves(rate: number): number {
  checkProbability('a dropout rate', rate, rate >= 0 && rate < 1, '[0, 1)');
  return Math.max(1, eventValues(1 - rate, DROPOUT_BITS));
}

/** Bits that decide over an element. */
const DROPOUT_BITS = 16;

/**
 * What `dropout` keeps: true with probability 1 − rate, to the nearest multiple of 2⁻¹⁶ (and at least 2⁻¹⁶). Two elements
 * share a word, one half each, so that a mask takes half the time of `bernoulli`.
 * @param rate In [0, 1).
 * @param shape At most 2³¹ elements.
 * @returns bool.
 */
export function dropoutMask(rate: number, shape: readonly number[], key: RandomKey): tf.Tensor {
  const limit = keptHalves(rate);
  if (limit === 2 ** DROPOUT_BITS) {
    checkShape(shape);
    return tf.fill([...shape], 1, 'bool');
  }
  const eager: Kind['eager'] = (lanes, count) => {
    const { rows, columns } = tableForHalves(count);
    return halfEvents(words(lanes, rows * columns), limit).subarray(0, count);
  };
  return randomTensor({ kernel: 'RandomHalfEvents', dtype: 'bool', eager, attrs: { limit } }, shape, key);
}

/**
 * Sets each element to 0 with probability `rate`, rounded as `dropoutMask` says, and divides the others by the probability
 * to be kept, so that the mean stays. The gradient passes where the value did, by the same factor. In a compiled step the
 * mask is drawn once for both.
 * @param x Any shape, float32.
 * @param rate In [0, 1); at 0 the result is x itself.
 * @see Srivastava et al., Dropout, JMLR 15 (2014), section 10, for the division ("inverted dropout")
 */
export function dropout<T extends tf.Tensor>(x: T, rate: number, key: RandomKey): T {
  const mask = dropoutMask(rate, x.shape, key);
  const factor = 2 ** DROPOUT_BITS / keptHalves(rate);
  if (factor === 1) return tf.clone(x) as T;
  return tf.mul(x, tf.mul(tf.cast(mask, 'float32'), factor)) as T;
}
