/** @file Pooling in two dimensions, channels last, as reductions over windows, with the kernels of its gradients. */
import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../../graph';
import { type Compositions, type Inputs, input } from './composition';
import { type Geometry, sumOfWindows, windowsOf, windowTable } from './windows';

type Shape4D = [number, number, number, number];

interface Layer extends Geometry {
  readonly outShape: Shape4D;
}

function layerOf(x: tf.Tensor, attrs: Attributes): Layer {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as {
    filterSize: [number, number];
    strides: [number, number];
    pad: 'valid' | 'same' | number;
    dimRoundingMode?: 'floor';
  };
  return tf.backend_util.computePool2DInfo(x.shape as Shape4D, filterSize, strides, 1, pad, dimRoundingMode);
}

/** How many pixels of the image each window shows, `[windows]`: fewer than its size at the padded edges. */
export function windowCounts(geometry: Geometry): Float32Array {
  const { inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth } = geometry;
  const counts = new Float32Array(outHeight * outWidth);
  for (const [place, pixel] of windowTable(geometry).entries()) {
    const window = Math.floor(place / (filterHeight * filterWidth));
    if (pixel < inHeight * inWidth) counts[window] = (counts[window] as number) + 1;
  }
  return counts;
}

function maxPool(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const x = input(inputs, 'x');
  const layer = layerOf(x, attrs);
  const windows = windowsOf(x as tf.Tensor4D, layer, Number.NEGATIVE_INFINITY);
  return tf.reshape(tf.max(windows, 2), layer.outShape);
}

/** The gradient goes to the first of the largest pixels, as in tfjs. */
function maxPoolGrad(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const [x, dy] = [input(inputs, 'input'), input(inputs, 'dy')];
  const layer = layerOf(x, attrs);
  const windows = windowsOf(x as tf.Tensor4D, layer, Number.NEGATIVE_INFINITY);
  const [batch, count, size, channels] = windows.shape;
  const largest = tf.reshape(tf.argMax(windows, 2), [batch, count, 1, channels]);
  const places = tf.reshape(tf.range(0, size, 1, 'int32'), [size, 1]);
  const chosen = tf.cast(tf.equal(largest, places), 'float32');
  const spread = tf.mul(chosen, tf.reshape(dy, [batch, count, 1, channels]));
  return sumOfWindows(spread as tf.Tensor4D, layer);
}

function avgPool(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const x = input(inputs, 'x');
  const layer = layerOf(x, attrs);
  const sums = tf.sum(windowsOf(x as tf.Tensor4D, layer, 0), 2);
  const counts = tf.reshape(tf.tensor1d(windowCounts(layer)), [-1, 1]);
  return tf.reshape(tf.div(sums, counts), layer.outShape);
}

/** As tfjs has it: every window counts in full, the padded ones too. `gradients/convolution.ts` makes up for that. */
function avgPoolGrad(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const [x, dy] = [input(inputs, 'input'), input(inputs, 'dy')];
  const layer = layerOf(x, attrs);
  const [batch, , , channels] = x.shape as Shape4D;
  const size = layer.filterHeight * layer.filterWidth;
  const share = tf.div(tf.reshape(dy, [batch, -1, 1, channels]), tf.scalar(size));
  const spread = tf.tile(share, [1, 1, size, 1]);
  return sumOfWindows(spread as tf.Tensor4D, layer);
}

export const pooling: Compositions = {
  AvgPool: avgPool,
  AvgPoolGrad: avgPoolGrad,
  MaxPool: maxPool,
  MaxPoolGrad: maxPoolGrad,
};
