/**
 * @file A small convolutional classifier: two 3 × 3 convolutions with strides and ReLUs, and one dense layer over what is left of
 * the image.
 */
import * as tf from '@tensorflow/tfjs-core';
import { DIGIT_CLASSES, DIGIT_SIDE } from '../data/digits';
import {
  checkImageSizes,
  checkImages,
  type ImageClassifier,
  layersOf,
  uniformByInputs,
} from './image-classifier';

/** Sizes of a `convNet`, whole numbers from 1 to 65,536. */
export interface ConvNetConfig {
  /** Pixels along each side of a square image of one channel. Default 28. */
  readonly side?: number;
  /** Channels after the two convolutions. Default [8, 16]. */
  readonly channels?: readonly [number, number];
  /**
   * By how much each convolution shrinks the image's sides. Default [2, 3]: a second one whose filters do not overlap has a
   * gradient that is several times cheaper.
   */
  readonly strides?: readonly [number, number];
  /** Default 10. */
  readonly classes?: number;
}

const FILTER = 3;

/**
 * A convolutional net of the given sizes, by default for MNIST's digits. Parameters: `conv1.weight` [3, 3, 1, channels],
 * `conv1.bias`, `conv2.weight` [3, 3, channels, channels], `conv2.bias`, `output.weight` [inputs, classes], `output.bias`.
 *
 * @throws {ArgumentError} for a size out of range, and in `forward` for images of another size
 */
export function convNet({
  side = DIGIT_SIDE,
  channels: [first, second] = [8, 16],
  strides: [firstStride, secondStride] = [2, 3],
  classes = DIGIT_CLASSES,
}: ConvNetConfig = {}): ImageClassifier {
  checkImageSizes({ side, 'channels[0]': first, 'channels[1]': second, classes });
  checkImageSizes({ 'strides[0]': firstStride, 'strides[1]': secondStride });
  const left = Math.ceil(Math.ceil(side / firstStride) / secondStride);
  const inputs = left * left * second;
  const shapes = new Map<string, readonly number[]>([
    ['conv1.weight', [FILTER, FILTER, 1, first]],
    ['conv1.bias', [first]],
    ['conv2.weight', [FILTER, FILTER, first, second]],
    ['conv2.bias', [second]],
    ['output.weight', [inputs, classes]],
    ['output.bias', [classes]],
  ]);
  return {
    pixels: side * side,
    classes,
    shapes,
    init: (seed) => uniformByInputs(shapes, seed),
    forward(params, images, uses) {
      checkImages(images, side * side);
      const { dense, convolution } = layersOf(params, uses);
      // Where a filter reaches beyond the edge of the image it sees zeros.
      const layer = (name: string, x: tf.Tensor4D, strides: number): tf.Tensor4D =>
        tf.relu(convolution(name, x, { strides, pad: 'same' }));
      const x: tf.Tensor4D = tf.reshape(images, [-1, side, side, 1]);
      const maps = layer('conv2', layer('conv1', x, firstStride), secondStride); // [rows, left, left, channels]
      return dense('output', tf.reshape(maps, [-1, inputs])); // [rows, classes]
    },
  };
}
