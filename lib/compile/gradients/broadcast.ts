/** @file What a gradient owes an operand that was broadcast. */
import * as tf from '@tensorflow/tfjs-core';

/** The sum of a gradient over the axes along which an operand of this shape was repeated. */
export function sumTo(gradient: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes([...shape], gradient.shape);
  const summed = axes.length === 0 ? gradient : tf.sum(gradient, axes);
  return tf.reshape(summed, [...shape]);
}
