/** @file The gradient of `topk`, which tfjs lacks. */
import * as tf from '@tensorflow/tfjs-core';

/** Each value's gradient goes back to the place it was taken from. */
export const topKGradient: tf.GradConfig = {
  kernelName: tf.TopK,
  inputsToSave: ['x'],
  outputsToSave: [false, true],
  gradFunc: (dy, saved) => {
    const [x, places] = saved as [tf.Tensor, tf.Tensor];
    const [values] = dy as tf.Tensor[] as [tf.Tensor]; // […, k]
    const length = x.shape.at(-1) as number;
    return {
      x: () => {
        const chosen = tf.oneHot(tf.cast(places, 'int32'), length, 1, 0, 'float32'); // […, k, length]
        return tf.sum(tf.mul(tf.expandDims(values, -1), chosen), -2);
      },
    };
  },
};
