/**
 * @file Kernels into which tfjs fuses several operations for its own backends' sake, such as a dense layer with bias and
 * activation. Here they are taken apart again: the compiler's passes fuse better knowing the whole step.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../../graph';
import { type Compositions, type Inputs, input, refusedCall } from './composition';

/** Activations that a fused kernel may end with. */
const ACTIVATIONS: Readonly<Record<string, (x: tf.Tensor, inputs: Inputs, attrs: Attributes) => tf.Tensor>> =
  {
    linear: (x) => x,
    relu: (x) => tf.relu(x),
    relu6: (x) => tf.relu6(x),
    elu: (x) => tf.elu(x),
    sigmoid: (x) => tf.sigmoid(x),
    prelu: (x, inputs) => tf.prelu(x, input(inputs, 'preluActivationWeights')),
    leakyrelu: (x, _, attrs) => tf.leakyRelu(x, attrs.leakyreluAlpha as number),
  };

/** Adds the bias, where there is one, and applies the activation. */
function finished(kernel: string, x: tf.Tensor, inputs: Inputs, attrs: Attributes): tf.Tensor {
  const name = (attrs.activation as string | undefined) ?? 'linear';
  const activation = ACTIVATIONS[name];
  if (activation === undefined) throw refusedCall(kernel, inputs, `its activation '${name}' is not known`);
  return activation(inputs.bias === undefined ? x : tf.add(x, inputs.bias), inputs, attrs);
}

function matMul(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
  const product = tf.matMul(input(inputs, 'a'), input(inputs, 'b'), transposeA, transposeB);
  return finished('_FusedMatMul', product, inputs, attrs);
}

type Convolve = typeof tf.conv2d | typeof tf.depthwiseConv2d;

function convolution(kernel: string, convolve: Convolve) {
  return (inputs: Inputs, attrs: Attributes): tf.Tensor => {
    const { strides, pad, dataFormat, dilations, dimRoundingMode } = attrs as {
      strides: [number, number];
      pad: 'same' | 'valid' | number;
      dataFormat: 'NHWC';
      dilations: [number, number];
      dimRoundingMode?: 'floor';
    };
    const [x, filter] = [input(inputs, 'x') as tf.Tensor4D, input(inputs, 'filter') as tf.Tensor4D];
    const result = convolve(x, filter, strides, pad, dataFormat, dilations, dimRoundingMode);
    return finished(kernel, result, inputs, attrs);
  };
}

/** scale·(x − mean)/√(variance + ε) + offset, with the statistics given. */
function batchNorm(inputs: Inputs, attrs: Attributes): tf.Tensor {
  const [x, mean, variance] = [input(inputs, 'x'), input(inputs, 'mean'), input(inputs, 'variance')];
  const factor = tf.rsqrt(tf.add(variance, attrs.varianceEpsilon as number));
  const scaled = inputs.scale === undefined ? factor : tf.mul(factor, inputs.scale);
  const normalized = tf.mul(tf.sub(x, mean), scaled);
  return inputs.offset === undefined ? normalized : tf.add(normalized, inputs.offset);
}

export const fused: Compositions = {
  _FusedMatMul: matMul,
  FusedConv2D: convolution('FusedConv2D', tf.conv2d),
  FusedDepthwiseConv2D: convolution('FusedDepthwiseConv2D', tf.depthwiseConv2d),
  FusedBatchNorm: batchNorm,
};
