/** @file Squared gradients of what is added to, or multiplied by, each feature: of the gain g in y = x∘g it is x∘dy. */
import * as tf from '@tensorflow/tfjs-core';
import type { BiasPlace, GainPlace } from './places';
import { addedUp } from './sums';

/** [examples, …, features] → [examples, features] */
function overInnerAxes(gradient: tf.Tensor): tf.Tensor {
  const inner = Array.from({ length: gradient.rank - 2 }, (_, i) => i + 1);
  return inner.length === 0 ? gradient : tf.sum(gradient, inner);
}

/** Squares of an example's gradients of all places, summed over the examples: [features]. */
function exact(gradients: readonly tf.Tensor[]): tf.Tensor {
  return tf.sum(tf.square(addedUp(gradients.map(overInnerAxes))), 0);
}

/** Squares of each place's own gradient, summed over all of them: [features]. */
function token(gradients: readonly tf.Tensor[]): tf.Tensor {
  return addedUp(
    gradients.map((gradient) =>
      tf.sum(
        tf.square(gradient),
        Array.from({ length: gradient.rank - 1 }, (_, i) => i),
      ),
    ),
  );
}

/** The gradient of all examples at all places: [features]. */
function total(gradients: readonly tf.Tensor[]): tf.Tensor {
  return tf.sum(addedUp(gradients.map(overInnerAxes)), 0);
}

const biasGradient = ({ dy }: BiasPlace) => dy;
const gainGradient = ({ x, dy }: GainPlace) => tf.mul(x, dy);

export const exactBias = (places: readonly BiasPlace[]) => exact(places.map(biasGradient));
export const tokenBias = (places: readonly BiasPlace[]) => token(places.map(biasGradient));
export const exactGain = (places: readonly GainPlace[]) => exact(places.map(gainGradient));
export const tokenGain = (places: readonly GainPlace[]) => token(places.map(gainGradient));
export const gradientOfBias = (places: readonly BiasPlace[]) => total(places.map(biasGradient));
export const gradientOfGain = (places: readonly GainPlace[]) => total(places.map(gainGradient));
