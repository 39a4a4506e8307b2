/**
 * @file Convolutions in two dimensions, channels last, as matrix products over windows (im2col), with the kernels of
 * their gradients. Unlike ONNX's Conv these run in float64 too.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../../graph';
import { type Compositions, type Inputs, input, refusedCall } from './composition';
import { type Geometry, sumOfWindows, windowsOf } from './windows';

type Shape4D = [number, number, number, number];

interface Layer extends Geometry {
  readonly outShape: Shape4D;
  readonly inChannels: number;
  readonly outChannels: number;
}

/** The geometry of a call, between an image and a filter of these shapes. */
function layerOf(
  kernel: string,
  inputs: Inputs,
  attrs: Attributes,
  [image, filter]: readonly [readonly number[], readonly number[]],
): Layer {
  const { strides, pad, dilations, dimRoundingMode, dataFormat } = attrs as {
    strides: [number, number];
    pad: 'valid' | 'same' | number;
    dilations?: [number, number];
    dimRoundingMode?: 'floor';
    dataFormat?: string;
  };
  if (dataFormat !== undefined && dataFormat !== 'NHWC') {
    throw refusedCall(kernel, inputs, `its data format is ${dataFormat}; use NHWC`);
  }
  const depthwise = kernel.startsWith('Depthwise');
  return tf.backend_util.computeConv2DInfo(
    image as Shape4D,
    filter as Shape4D,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
  );
}

/** Windows as rows of a matrix, `[batch·windows, filterHeight·filterWidth·channels]`. */
function windowRows(x: tf.Tensor, layer: Layer): tf.Tensor2D {
  const windows = windowsOf(x as tf.Tensor4D, layer, 0);
  const [batch, count, size, channels] = windows.shape;
  return tf.reshape(windows, [batch * count, size * channels]);
}

function filterMatrix(filter: tf.Tensor): tf.Tensor2D {
  const [height, width, inChannels, outChannels] = filter.shape as Shape4D;
  return tf.reshape(filter, [height * width * inChannels, outChannels]);
}

function conv2d(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const [x, filter] = [input(inputs, 'x'), input(inputs, 'filter')];
  const layer = layerOf('Conv2D', inputs, attrs, [x.shape, filter.shape]);
  return tf.reshape(tf.matMul(windowRows(x, layer), filterMatrix(filter)), layer.outShape);
}

function conv2dBackpropFilter(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const [x, dy] = [input(inputs, 'x'), input(inputs, 'dy')];
  const filterShape = attrs.filterShape as Shape4D;
  const layer = layerOf('Conv2DBackpropFilter', inputs, attrs, [x.shape, filterShape]);
  const rows = tf.reshape(dy, [-1, layer.outChannels]);
  return tf.reshape(tf.matMul(windowRows(x, layer), rows, true), filterShape);
}

function conv2dBackpropInput(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const [dy, filter] = [input(inputs, 'dy'), input(inputs, 'filter')];
  const inputShape = attrs.inputShape as Shape4D;
  const layer = layerOf('Conv2DBackpropInput', inputs, attrs, [inputShape, filter.shape]);
  const rows = tf.matMul(tf.reshape(dy, [-1, layer.outChannels]), filterMatrix(filter), false, true);
  return sumOfWindows(tf.reshape(rows, windowShape(layer, inputShape)), layer);
}

/** Shape of the windows of an image. */
function windowShape(
  { outHeight, outWidth, filterHeight, filterWidth }: Layer,
  [batch, , , channels]: Shape4D,
): Shape4D {
  return [batch, outHeight * outWidth, filterHeight * filterWidth, channels];
}

/**
 * A depthwise convolution's operands in one space, [batch, windows, filter size, channels, multiples], for products and
 * sums over it: each channel has its own filters.
 */
const depthwise = {
  windows: (x: tf.Tensor, layer: Layer) => tf.expandDims(windowsOf(x as tf.Tensor4D, layer, 0), 4),
  filter: (filter: tf.Tensor) => {
    const [height, width, channels, multiples] = filter.shape as Shape4D;
    return tf.reshape(filter, [height * width, channels, multiples]);
  },
  result: (dy: tf.Tensor, { outHeight, outWidth, inChannels, outChannels }: Layer) =>
    tf.reshape(dy, [-1, outHeight * outWidth, 1, inChannels, outChannels / inChannels]),
};

function depthwiseConv2d(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const [x, filter] = [input(inputs, 'x'), input(inputs, 'filter')];
  const layer = layerOf('DepthwiseConv2dNative', inputs, attrs, [x.shape, filter.shape]);
  const products = tf.mul(depthwise.windows(x, layer), depthwise.filter(filter));
  return tf.reshape(tf.sum(products, 2), layer.outShape);
}

function depthwiseBackpropFilter(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const [x, dy] = [input(inputs, 'x'), input(inputs, 'dy')];
  const filterShape = attrs.filterShape as Shape4D;
  const layer = layerOf('DepthwiseConv2dNativeBackpropFilter', inputs, attrs, [x.shape, filterShape]);
  const products = tf.mul(depthwise.windows(x, layer), depthwise.result(dy, layer));
  return tf.reshape(tf.sum(products, [0, 1]), filterShape);
}

function depthwiseBackpropInput(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const [dy, filter] = [input(inputs, 'dy'), input(inputs, 'filter')];
  const inputShape = attrs.inputShape as Shape4D;
  const layer = layerOf('DepthwiseConv2dNativeBackpropInput', inputs, attrs, [inputShape, filter.shape]);
  const products = tf.mul(depthwise.result(dy, layer), depthwise.filter(filter));
  return sumOfWindows(tf.reshape(tf.sum(products, 4), windowShape(layer, inputShape)), layer);
}

export const convolutions: Compositions = {
  Conv2D: conv2d,
  Conv2DBackpropFilter: conv2dBackpropFilter,
  Conv2DBackpropInput: conv2dBackpropInput,
  DepthwiseConv2dNative: depthwiseConv2d,
  DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: depthwiseBackpropInput,
};
