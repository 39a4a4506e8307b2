/**
 * @file What a forward pass tells about its parameters, so that the squared gradients of single examples can be formed: at
 * every use of a parameter, what went in and what came out. The models stay plain tfjs; each use is one more line.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { Rows } from '../rows';

/**
 * Marks the uses of parameters in a forward pass. Every method gives back its result `y`, unchanged, and that is what the
 * pass has to go on with: the gradient that arrives there is what the squares are made of. The first axis of `y` counts
 * examples. A parameter may be used any number of times; uses of one name are places of the same examples.
 */
export interface Uses {
  /**
   * y = x·W, or y = x·Wᵀ with `transposed`.
   * @param x [examples, inputs], or rows that several examples share
   * @param y [examples, outputs]
   */
  linear(
    name: string,
    x: tf.Tensor2D | Rows,
    y: tf.Tensor2D,
    options?: { readonly transposed?: boolean },
  ): tf.Tensor2D;
  /** y = … + b. @param y [examples, …, features] */
  bias<T extends tf.Tensor>(name: string, y: T): T;
  /** y = x·g, element by element. @param x [examples, …, features] @param y [examples, …, features] */
  gain<T extends tf.Tensor>(name: string, x: T, y: T): T;
  /** y = row `index` of a table. @param index [examples], int32 @param y [examples, features] */
  embedding(name: string, index: tf.Tensor1D, y: tf.Tensor2D): tf.Tensor2D;
  /** y = … + the same row of a table for all examples. @param y [examples, features] */
  position(name: string, row: number, y: tf.Tensor2D): tf.Tensor2D;
  /** y = conv2d(x, W) in NHWC. @param x [examples, height, width, inChannels] @param y [examples, height, width, outChannels] */
  conv2d(
    name: string,
    x: tf.Tensor4D,
    y: tf.Tensor4D,
    options: { readonly strides: number; readonly pad: 'valid' | 'same' },
  ): tf.Tensor4D;
}
