/** @file Orders of rows inside a step: permutations, and the minibatches of epochs. */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError, shown } from '../errors';
import { TRACE_BACKEND } from '../trace/backend';
import { randomWords } from './functions';
import { checkedKey, type RandomKey } from './key';

/** Rows whose places int32 arithmetic can number, twice over. */
const MOST_ROWS = 2 ** 30;

/**
 * The numbers 0 to n − 1 in random order: the places of n random words in falling order, the lower place first among
 * equal words. All n! orders are equally likely but for such ties, of which there are about n²/2³³.
 * @param n A positive integer.
 * @returns int32 [n].
 */
export function permutation(n: number, key: RandomKey): tf.Tensor1D {
  checkCount('the length of a permutation', n, MOST_ROWS);
  return tf.tidy(() => {
    const words = randomWords([n], key);
    if (tf.getBackend() === TRACE_BACKEND) return tf.topk(words, n).indices as tf.Tensor1D;
    const data = words.dataSync();
    const places = Int32Array.from({ length: n }, (_, i) => i);
    places.sort((a, b) => (data[b] as number) - (data[a] as number) || a - b);
    return tf.tensor1d(places, 'int32');
  });
}

export interface MinibatchOptions {
  /**
   * What becomes of the n mod batchSize rows that do not fill a batch. `'wrap'`, the default: the batch they begin is
   * filled up with the first rows of the next epoch, so that each row comes exactly once in every epoch's n rows.
   * `'drop'`: an epoch has ⌊n/batchSize⌋ batches, and the last rows of its permutation are left out.
   */
  readonly remainder?: 'wrap' | 'drop';
}

/**
 * The rows of the minibatch at a step. Every epoch goes through the rows in an order of its own, `permutation` with the
 * epoch in the place of the step. The order is found anew in every step, which takes as long as sorting n words (twice
 * that where n is no multiple of the batch size and `remainder` is `'wrap'`).
 * @param n Rows there are, a positive integer.
 * @param batchSize From 1 to n; n·batchSize at most 2³¹ − 1.
 * @param key Its step is the training step, counted from 0.
 * @returns int32 [batchSize].
 */
export function minibatch(
  n: number,
  batchSize: number,
  key: RandomKey,
  { remainder = 'wrap' }: MinibatchOptions = {},
): tf.Tensor1D {
  checkCount('the number of rows', n, MOST_ROWS);
  checkCount('batchSize', batchSize, n);
  if (n * batchSize > 2 ** 31 - 1) {
    throw new CompileError(
      `batches of ${batchSize} out of ${n} rows: their product is above 2^31 - 1; take smaller batches`,
    );
  }
  return tf.tidy(() => {
    const now = checkedKey(key).step;
    const batches = Math.floor(n / batchSize);
    const whole = n % batchSize === 0;
    const { epoch, start } =
      whole || remainder === 'drop' ? batchOf(now, batches, batchSize) : wrappedBatchOf(now, n, batchSize);
    const order = permutation(n, { ...key, step: epoch });
    const places = tf.add(tf.range(0, batchSize, 1, 'int32'), start) as tf.Tensor1D;
    if (whole || remainder === 'drop') return tf.gather(order, places);
    const next = permutation(n, { ...key, step: tf.add(epoch, integer(1)) });
    return tf.gather(tf.concat([order, next]), places);
  });
}

/** Where a batch lies: its epoch, and the place of its first row in that epoch's order; int32 scalars. */
interface Place {
  readonly epoch: tf.Tensor;
  readonly start: tf.Tensor;
}

const integer = (value: number) => tf.scalar(value, 'int32');

/** Where every epoch has the same number of batches. */
function batchOf(step: tf.Scalar, batches: number, batchSize: number): Place {
  return {
    epoch: tf.floorDiv(step, integer(batches)),
    start: tf.mul(tf.mod(step, integer(batches)), integer(batchSize)),
  };
}

/** Where batches follow one another without regard to epochs; n steps make batchSize epochs, so nothing overflows. */
function wrappedBatchOf(step: tf.Scalar, n: number, batchSize: number): Place {
  const rows = tf.mul(tf.mod(step, integer(n)), integer(batchSize));
  const rounds = tf.mul(tf.floorDiv(step, integer(n)), integer(batchSize));
  return {
    epoch: tf.add(rounds, tf.floorDiv(rows, integer(n))),
    start: tf.mod(rows, integer(n)),
  };
}

function checkCount(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new CompileError(`${name} is ${shown(value)}, expected a whole number from 1 to ${most}`);
  }
}
