/**
 * @file Squared gradients of a convolution's kernel. A convolution is a product of the kernel and the patches under it; each
 * position of the kernel is a place. An example's gradient of the kernel is small, so `exact` writes it down.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ConvolutionPlace } from './places';
import { addedUp } from './sums';

/** What lies under the kernel at each place, [examples, places, kernel height · kernel width · inChannels]. */
function patches({ x, strides, pad, dy }: ConvolutionPlace, [height, width]: readonly number[]): tf.Tensor3D {
  const [examples, , , channels] = x.shape;
  const [, outHeight, outWidth] = dy.shape;
  const { padInfo } = tf.backend_util.computeConv2DInfo(
    x.shape,
    [height as number, width as number, channels, dy.shape[3]],
    strides,
    1,
    pad,
  );
  const padded = tf.pad(x, [
    [0, 0],
    [padInfo.top, padInfo.bottom],
    [padInfo.left, padInfo.right],
    [0, 0],
  ]);
  const under = Array.from({ length: (height as number) * (width as number) }, (_, i) => {
    const [top, left] = [Math.floor(i / (width as number)), i % (width as number)];
    const end = [
      examples,
      top + (outHeight - 1) * strides + 1,
      left + (outWidth - 1) * strides + 1,
      channels,
    ];
    return tf.stridedSlice(padded, [0, top, left, 0], end, [1, strides, strides, 1]);
  });
  return tf.reshape(tf.concat(under, 3), [examples, outHeight * outWidth, -1]);
}

/** [examples, places, outChannels] */
const byPlace = ({ dy }: ConvolutionPlace): tf.Tensor3D =>
  tf.reshape(dy, [dy.shape[0], dy.shape[1] * dy.shape[2], dy.shape[3]]);

/** Each example's gradient, [examples, kernel height · kernel width · inChannels, outChannels]. */
function ofExamples(uses: readonly ConvolutionPlace[], shape: readonly number[]): tf.Tensor {
  return addedUp(uses.map((use) => tf.matMul(patches(use, shape), byPlace(use), true, false)));
}

/** Σ of squares, each of one example at all places, in the kernel's shape. */
export function exactConvolution(uses: readonly ConvolutionPlace[], shape: readonly number[]): tf.Tensor {
  return tf.reshape(tf.sum(tf.square(ofExamples(uses, shape)), 0), [...shape]);
}

/** The gradient itself, in the kernel's shape. */
export function gradientOfConvolution(
  uses: readonly ConvolutionPlace[],
  shape: readonly number[],
): tf.Tensor {
  return tf.reshape(tf.sum(ofExamples(uses, shape), 0), [...shape]);
}

/** Σ of squares, each of one example at one place, in the kernel's shape. */
export function tokenConvolution(uses: readonly ConvolutionPlace[], shape: readonly number[]): tf.Tensor {
  const sums = uses.map((use) => {
    const x = patches(use, shape);
    const rows: tf.Tensor2D = tf.reshape(x, [-1, x.shape[2]]);
    const dy: tf.Tensor2D = tf.reshape(use.dy, [-1, use.dy.shape[3]]);
    return tf.matMul(tf.square(rows), tf.square(dy), true, false);
  });
  return tf.reshape(addedUp(sums), [...shape]);
}
