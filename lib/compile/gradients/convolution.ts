/** @file Gradients of convolutions with dilations, which tfjs refuses, and of average pooling, which it has wrong. */
import * as tf from '@tensorflow/tfjs-core';
import { windowCounts } from '../kernels/composed/pooling';

type Pair = [number, number];
type Shape4D = [number, number, number, number];

const pair = (value: number | Pair | undefined): Pair =>
  Array.isArray(value) ? value : [value ?? 1, value ?? 1];

/** A filter with zeros between its elements: with it, a convolution without dilations is the dilated one. */
function dilated(filter: tf.Tensor4D, [down, across]: Pair): tf.Tensor4D {
  const [height, width, inChannels, outChannels] = filter.shape;
  const apart = tf.pad(tf.reshape(filter, [height, 1, width, 1, inChannels, outChannels]), [
    [0, 0],
    [0, down - 1],
    [0, 0],
    [0, across - 1],
    [0, 0],
    [0, 0],
  ]);
  const whole = tf.reshape(apart, [height * down, width * across, inChannels, outChannels]);
  const size: Shape4D = [(height - 1) * down + 1, (width - 1) * across + 1, inChannels, outChannels];
  return tf.slice(whole, [0, 0, 0, 0], size) as tf.Tensor4D;
}

/** The elements of a dilated filter that are not the zeros between. */
function undilated(filter: tf.Tensor4D, [down, across]: Pair): tf.Tensor {
  return tf.stridedSlice(filter, [0, 0, 0, 0], [...filter.shape], [down, across, 1, 1]);
}

/** Calls the kernel of a convolution's gradient. */
function backprop(kernel: string, inputs: Readonly<Record<string, tf.Tensor>>, attrs: object): tf.Tensor {
  return tf.engine().runKernel(kernel, inputs, attrs as tf.NamedAttrMap) as tf.Tensor;
}

/** tfjs's own takes no dilations. */
function convolution(kernelName: 'Conv2D' | 'DepthwiseConv2dNative'): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, saved, given) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      const dilations = pair(given.dilations as number | Pair | undefined);
      const dense = dilations.every((dilation) => dilation === 1);
      const effective = dense ? filter : dilated(filter, dilations);
      const attrs = { ...given, strides: pair(given.strides as number | Pair), dilations: [1, 1] };
      return {
        x: () =>
          backprop(
            `${kernelName}BackpropInput`,
            { dy: dy as tf.Tensor, filter: effective },
            { ...attrs, inputShape: x.shape },
          ),
        filter: () => {
          const gradient = backprop(
            `${kernelName}BackpropFilter`,
            { x, dy: dy as tf.Tensor },
            { ...attrs, filterShape: effective.shape },
          );
          return dense ? gradient : undilated(gradient as tf.Tensor4D, dilations);
        },
      };
    },
  };
}

/** tfjs's own divides by the size of the window even where padding is part of it, which its forward pass does not. */
const avgPool: tf.GradConfig = {
  kernelName: 'AvgPool',
  inputsToSave: ['x'],
  gradFunc: (given, saved, attrs) => {
    const dy = given as tf.Tensor4D;
    const [x] = saved as [tf.Tensor4D];
    const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as {
      filterSize: number | Pair;
      strides: number | Pair;
      pad: 'valid' | 'same' | number;
      dimRoundingMode?: 'floor';
    };
    const layer = tf.backend_util.computePool2DInfo(x.shape, filterSize, strides, 1, pad, dimRoundingMode);
    const size = layer.filterHeight * layer.filterWidth;
    const counts = tf.tensor4d(windowCounts(layer), [1, layer.outHeight, layer.outWidth, 1]);
    const corrected = tf.mul(dy, tf.div(tf.scalar(size), counts));
    return {
      x: () =>
        backprop('AvgPoolGrad', { dy: corrected, input: x }, { filterSize, strides, pad, dimRoundingMode }),
    };
  },
};

export const convolutionGradients: readonly tf.GradConfig[] = [
  convolution('Conv2D'),
  convolution('DepthwiseConv2dNative'),
  avgPool,
];
