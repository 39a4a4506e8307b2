/** @file Layer normalisation over the features of each row, and its affine part within the linear layer that follows. */
import * as tf from '@tensorflow/tfjs-core';

/** A `torch.nn.Linear` or `torch.nn.LayerNorm`. */
export interface WeightAndBias<W extends tf.Tensor = tf.Tensor2D> {
  readonly weight: W;
  readonly bias: tf.Tensor1D;
}

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

/**
 * ẑ·weight + bias.
 * @param x [rows, features]
 * @see Ba, Kiros and Hinton, Layer normalization (arXiv:1607.06450)
 */
export function layerNorm(x: tf.Tensor2D, { weight, bias }: WeightAndBias<tf.Tensor1D>): tf.Tensor2D {
  return tf.add(tf.mul(normalize(x), weight), bias);
}

/**
 * The linear layer that makes of ẑ what `next` makes of ẑ·weight + bias: W·(ẑ·w + b) + c = (W·diag w)·ẑ + (W·b + c). Two
 * passes over the activations, and as many over their gradients, become passes over a matrix of weights.
 */
export function afterNorm(norm: WeightAndBias<tf.Tensor1D>, next: WeightAndBias): WeightAndBias {
  return { weight: scaledColumns(norm, next.weight), bias: tf.add(shift(norm, next.weight), next.bias) };
}

/** W·diag w: `afterNorm` but for what is the same in all rows. */
export function scaledColumns({ weight }: WeightAndBias<tf.Tensor1D>, next: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(next, weight);
}

/** W·b, [out]. */
export function shift({ bias }: WeightAndBias<tf.Tensor1D>, next: tf.Tensor2D): tf.Tensor1D {
  return tf.sum(tf.mul(next, bias), 1);
}
