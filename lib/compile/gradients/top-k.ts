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
    return {
      x: () => {
        const all = tf.range(0, x.shape.at(-1) as number, 1, 'int32');
        const chosen = tf.equal(tf.expandDims(places, -1), all); // […, k, length]
        return tf.sum(tf.mul(tf.expandDims(values, -1), tf.cast(chosen, 'float32')), -2);
      },
    };
  },
};
