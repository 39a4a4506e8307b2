/** @file Layer normalisation over the features of each row. */
import * as tf from '@tensorflow/tfjs-core';
import type { WeightAndBias } from './parameters';

/** PyTorch's default, added to the variance. */
const EPSILON = 1e-5;

/**
 * ẑ = (x − mean)/√(variance + 1e-5) over each row, with its own gradient: (d − mean d − ẑ·mean(d·ẑ))/√(variance + 1e-5) for
 * a gradient d of ẑ.
 * @param x [rows, features]
 */
export function normalize(x: tf.Tensor2D): tf.Tensor2D {
  return tf.customGrad((given, save) => {
    const centred = tf.sub(given as tf.Tensor2D, tf.mean(given as tf.Tensor2D, 1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), EPSILON)); // [rows, 1]
    const value: tf.Tensor2D = tf.mul(centred, inverse);
    (save as tf.GradSaveFunc)([value, inverse]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [z, scale] = saved as [tf.Tensor2D, tf.Tensor2D];
      const along = tf.mean(tf.mul(dy, z), 1, true);
      return tf.mul(tf.sub(tf.sub(dy, tf.mean(dy, 1, true)), tf.mul(z, along)), scale);
    };
    return { value, gradFunc };
  })(x) as tf.Tensor2D;
}

/** ẑ·weight + bias. @param x [rows, features] */
export function layerNorm(x: tf.Tensor2D, { weight, bias }: WeightAndBias<tf.Tensor1D>): tf.Tensor2D {
  return tf.add(tf.mul(normalize(x), weight), bias);
}
