/** @file A classifier with one hidden layer of ReLUs: logits = relu(x·W₁ + b₁)·W₂ + b₂. Matrices are [inputs, outputs]. */
import * as tf from '@tensorflow/tfjs-core';
import { DIGIT_CLASSES, DIGIT_PIXELS } from '../data/digits';
import {
  checkImageSizes,
  checkImages,
  type ImageClassifier,
  layersOf,
  uniformByInputs,
} from './image-classifier';

/** Sizes of an `mlp`, whole numbers from 1 to 65,536. */
export interface MlpConfig {
  /** Pixels of an image. Default 784. */
  readonly inputs?: number;
  /** Units of the hidden layer. Default 128. */
  readonly hidden?: number;
  /** Default 10. */
  readonly classes?: number;
}

/**
 * An MLP of the given sizes, by default for MNIST's digits. Parameters: `hidden.weight` [inputs, hidden], `hidden.bias`,
 * `output.weight` [hidden, classes], `output.bias`.
 *
 * @throws {ArgumentError} for a size out of range, and in `forward` for images of another size
 */
export function mlp({
  inputs = DIGIT_PIXELS,
  hidden = 128,
  classes = DIGIT_CLASSES,
}: MlpConfig = {}): ImageClassifier {
  checkImageSizes({ inputs, hidden, classes });
  const shapes = new Map<string, readonly number[]>([
    ['hidden.weight', [inputs, hidden]],
    ['hidden.bias', [hidden]],
    ['output.weight', [hidden, classes]],
    ['output.bias', [classes]],
  ]);
  return {
    pixels: inputs,
    classes,
    shapes,
    init: (seed) => uniformByInputs(shapes, seed),
    forward(params, images, uses) {
      checkImages(images, inputs);
      const { dense } = layersOf(params, uses);
      return dense('output', tf.relu(dense('hidden', images))); // [rows, classes]
    },
  };
}
