/** @file What the classifiers of images have in common: sizes that can be checked, PyTorch's initial parameters. */
import * as tf from '@tensorflow/tfjs-core';
import type { HostTensor, HostTree } from '../compile';
import { shown } from '../compile/errors';
import { randomStream } from '../data/random';
import { ArgumentError } from '../errors';
import { treeOfNames } from './initialize';
import { namedTensors, type Params } from './params';
import type { Uses } from './true-grad';

/** A classifier of images of a fixed size: pure functions of its parameters. */
export interface ImageClassifier {
  /** Pixels of an image. */
  readonly pixels: number;
  /** Number of classes. */
  readonly classes: number;
  /** Shape of every parameter by its dotted name, in a fixed order. The dots are the levels of the parameters' tree. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Initial parameters, each drawn from a stream of its own: a function of the seed, a whole number from 0 to 2⁵³ − 1. */
  init(seed: number): HostTree;
  /**
   * Logits of the classes.
   *
   * @param images [rows, pixels], each image row by row from the top left
   * @param uses is told of every use of a parameter, and gives what the pass goes on with
   * @returns [rows, classes]
   */
  forward(params: Params, images: tf.Tensor2D, uses?: Uses): tf.Tensor2D;
}

/** No classifier of small images is near this. */
const LARGEST = 2 ** 16;

/** @throws {ArgumentError} for a size that is no whole number from 1 to 65,536 */
export function checkImageSizes(sizes: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(sizes)) {
    if (!Number.isSafeInteger(value) || value < 1 || value > LARGEST) {
      throw new ArgumentError(`${name} is ${shown(value)}, expected a whole number from 1 to ${LARGEST}`);
    }
  }
}

/** @throws {ArgumentError} where the images have not as many pixels as the model has inputs */
export function checkImages({ shape }: tf.Tensor, pixels: number): void {
  if (shape.length !== 2 || shape[1] !== pixels) {
    throw new ArgumentError(
      `the images are [${shape.join(', ')}], expected [rows, ${pixels}]: give each image as a row of ${pixels} pixels`,
    );
  }
}

/** How a convolution goes over an image. */
interface ConvolutionOptions {
  readonly strides: number;
  readonly pad: 'valid' | 'same';
}

/** A weight of a layer by the name of the layer, with its bias, as they are used in a forward pass. */
export interface Layers {
  /** x·W + b. @param x [rows, inputs] @returns [rows, outputs] */
  dense(name: string, x: tf.Tensor2D): tf.Tensor2D;
  /** conv2d(x, W) + b. @param x [rows, height, width, inChannels] @returns [rows, height, width, outChannels] */
  convolution(name: string, x: tf.Tensor4D, options: ConvolutionOptions): tf.Tensor4D;
}

/** The layers whose parameters `<layer>.weight` and `<layer>.bias` are given; every use of them is marked. */
export function layersOf(params: Params, uses?: Uses): Layers {
  const tensors = new Map(namedTensors(params));
  const plusBias = <T extends tf.Tensor>(name: string, y: T): T => {
    const sum: T = tf.add(y, tensors.get(name) as tf.Tensor1D);
    return uses === undefined ? sum : uses.bias(name, sum);
  };
  return {
    dense(layer, x) {
      const name = `${layer}.weight`;
      const y: tf.Tensor2D = tf.matMul(x, tensors.get(name) as tf.Tensor2D);
      return plusBias(`${layer}.bias`, uses === undefined ? y : uses.linear(name, x, y));
    },
    convolution(layer, x, options) {
      const name = `${layer}.weight`;
      const y = tf.conv2d(x, tensors.get(name) as tf.Tensor4D, options.strides, options.pad);
      return plusBias(`${layer}.bias`, uses === undefined ? y : uses.conv2d(name, x, y, options));
    },
  };
}

/**
 * The defaults of PyTorch's `Linear` and `Conv2d`: the uniform law on ±1/√n for a weight and for the bias that goes with it,
 * where n is the number of inputs of one output. A weight is `<layer>.weight` [..., outputs], its bias `<layer>.bias`.
 */
export function uniformByInputs(shapes: ReadonlyMap<string, readonly number[]>, seed: number): HostTree {
  return treeOfNames(
    [...shapes].map(([name, shape]): [string, HostTensor] => {
      const weight = shapes.get(name.replace(/bias$/, 'weight')) as readonly number[];
      const bound = 1 / Math.sqrt(productOf(weight.slice(0, -1)));
      const stream = randomStream(seed, `init/${name}`);
      const data = Float32Array.from({ length: productOf(shape) }, () => bound * (2 * stream.uniform() - 1));
      return [name, { dtype: 'float32', shape, data }];
    }),
  );
}

const productOf = (extents: readonly number[]) => extents.reduce((product, extent) => product * extent, 1);
