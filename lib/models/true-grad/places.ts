/** @file What is known of a parameter's uses once the gradient has been taken. */
import type * as tf from '@tensorflow/tfjs-core';
import type { Rows } from '../rows';

/** A use y = x·W. */
export interface LinearPlace {
  readonly x: Rows;
  readonly transposed: boolean;
  /** [1, outputs]: see `LinearUseOptions`. */
  readonly factor?: tf.Tensor2D;
  /** Gradient of y, [examples, outputs], or [examples, groups] with a factor. */
  readonly dy: tf.Tensor2D;
}

/** A use y = … + b. */
export interface BiasPlace {
  /** [examples, …, features] */
  readonly dy: tf.Tensor;
}

/** A use y = x·g. */
export interface GainPlace {
  /** [examples, …, features] */
  readonly x: tf.Tensor;
  readonly dy: tf.Tensor;
}

/** A use y = row `index` of a table. */
export interface EmbeddingPlace {
  /** [examples] */
  readonly index: tf.Tensor1D | Int32Array;
  readonly tokens?: Int32Array;
  /** [examples, features] */
  readonly dy: tf.Tensor2D;
}

/** A use of the same row of a table for all examples. */
export interface PositionPlace {
  readonly row: number;
  /** [examples, features] */
  readonly dy: tf.Tensor2D;
}

/** A use y = conv2d(x, W). */
export interface ConvolutionPlace {
  /** [examples, height, width, inChannels] */
  readonly x: tf.Tensor4D;
  readonly strides: number;
  readonly pad: 'valid' | 'same';
  /** [examples, height, width, outChannels] */
  readonly dy: tf.Tensor4D;
}

/** The kinds of uses there are. */
export interface Places {
  readonly linear: LinearPlace;
  readonly bias: BiasPlace;
  readonly gain: GainPlace;
  readonly embedding: EmbeddingPlace;
  readonly position: PositionPlace;
  readonly conv2d: ConvolutionPlace;
}

export type Kind = keyof Places;
