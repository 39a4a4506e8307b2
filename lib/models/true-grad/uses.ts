/**
 * @file What a forward pass tells about its parameters, so that the squared gradients of single examples can be formed: at
 * every use of a parameter, what went in and what came out. The models stay plain tfjs; each use is one more line.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { Rows } from '../rows';

/** Which part of a parameter a use is of. */
export interface PartUseOptions {
  /**
   * First row and number of rows, along the first axis of the parameter, such as a third of a packed projection; default
   * all. Parts of one parameter are equal or apart; rows that no use is of have squares of 0.
   */
  readonly part?: readonly [start: number, count: number];
}

/** What else there is to say of a linear use. */
export interface LinearUseOptions extends PartUseOptions {
  /** y = x·Wᵀ rather than x·W. */
  readonly transposed?: boolean;
  /**
   * A row of one number an output. With it y is not x·W but (x·W)∘factor summed over equal groups of neighbouring outputs,
   * [examples, groups], as attention scores are for one query. The gradient with respect to x·W then has one number an example and group.
   */
  readonly factor?: tf.Tensor2D;
}

/**
 * Marks the uses of parameters in a forward pass. Every method but `unused` gives back its result `y`, unchanged, and that is
 * what the pass has to go on with: the gradient that arrives there is what the squares are made of. The first axis of `y`
 * counts examples. A parameter may be used any number of times; uses of one name are places of the same examples.
 */
export interface Uses {
  /**
   * y = x·W.
   * @param x [examples, inputs], or rows that several examples share
   * @param y [examples, outputs]
   */
  linear(name: string, x: tf.Tensor2D | Rows, y: tf.Tensor2D, options?: LinearUseOptions): tf.Tensor2D;
  /** y = … + b. @param y [examples, …, features] */
  bias<T extends tf.Tensor>(name: string, y: T, options?: PartUseOptions): T;
  /** y = x·g, element by element. @param x [examples, …, features] @param y [examples, …, features] */
  gain<T extends tf.Tensor>(name: string, x: T, y: T): T;
  /**
   * y = row `index` of a table.
   * @param index [examples], int32; an array where it is known, which costs less
   * @param y [examples, features]
   * @param options `tokens`: all that `index` may name; places that have none in common need no products with each other
   */
  embedding(
    name: string,
    index: tf.Tensor1D | Int32Array,
    y: tf.Tensor2D,
    options?: { readonly tokens?: Int32Array },
  ): tf.Tensor2D;
  /** y = … + the same row of a table for all examples. @param y [examples, features] */
  position(name: string, row: number, y: tf.Tensor2D): tf.Tensor2D;
  /** y = conv2d(x, W) in NHWC. @param x [examples, height, width, inChannels] @param y [examples, height, width, outChannels] */
  conv2d(
    name: string,
    x: tf.Tensor4D,
    y: tf.Tensor4D,
    options: { readonly strides: number; readonly pad: 'valid' | 'same' },
  ): tf.Tensor4D;
  /** Says that the result does not depend on a parameter: its squares are 0. */
  unused(name: string): void;
}
