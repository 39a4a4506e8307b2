/**
 * @file Gradients of elementwise kernels. tfjs's of `maximum`, `minimum` and `squaredDifference` have the shape of the
 * result and not of a broadcast operand, and its `floorDiv` passes on the gradient of a true division.
 */
import * as tf from '@tensorflow/tfjs-core';
import { sumTo } from './broadcast';

/** The gradient goes where the larger (or smaller) number came from; to `a` where both are equal, as in tfjs. */
function selection(kernelName: string, takesA: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved) => {
      const [a, b] = saved as [tf.Tensor, tf.Tensor];
      const part = (chosen: tf.Tensor) => tf.mul(dy as tf.Tensor, tf.cast(chosen, 'float32'));
      return {
        a: () => sumTo(part(takesA(a, b)), a.shape),
        b: () => sumTo(part(tf.logicalNot(takesA(a, b))), b.shape),
      };
    },
  };
}

const squaredDifference: tf.GradConfig = {
  kernelName: tf.SquaredDifference,
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, saved) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const slope = (x: tf.Tensor, y: tf.Tensor) => tf.mul(dy as tf.Tensor, tf.mul(2, tf.sub(x, y)));
    return { a: () => sumTo(slope(a, b), a.shape), b: () => sumTo(slope(b, a), b.shape) };
  },
};

/** Constant between its jumps. */
const floorDivision: tf.GradConfig = {
  kernelName: tf.FloorDiv,
  inputsToSave: ['a', 'b'],
  gradFunc: (_, saved) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    return { a: () => tf.zeros(a.shape), b: () => tf.zeros(b.shape) };
  },
};

export const elementwiseGradients: readonly tf.GradConfig[] = [
  selection(tf.Maximum, tf.greaterEqual),
  selection(tf.Minimum, tf.lessEqual),
  squaredDifference,
  floorDivision,
];
