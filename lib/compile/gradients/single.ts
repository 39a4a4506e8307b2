/** @file What tfjs hands to the gradient function of a kernel. */
import type * as tf from '@tensorflow/tfjs-core';

/** The one gradient of a kernel with one result; tfjs passes a list where there are several. */
export const single = (dy: tf.Tensor | tf.Tensor[]) => (Array.isArray(dy) ? (dy[0] as tf.Tensor) : dy);
