/**
 * @file Squared gradients of a matrix. For one place, an example's gradient of y = x·W is the outer product of x and dy, so
 * the sum of its squares over the examples is (x²)ᵀ(dy²). Places t and t' add 2·(x_t∘x_t')ᵀ(dy_t∘dy_t'): all products
 * are of two matrices, and no example's gradient is ever written down.
 */
import * as tf from '@tensorflow/tfjs-core';
import { multiplied, spread, sumOfProducts } from '../row-products';
import type { LinearPlace } from './places';
import { addedUp, pairs } from './sums';

/** The gradient of x·W itself. */
const dense = ({ dy, factor }: LinearPlace): tf.Tensor2D => (factor === undefined ? dy : spread(dy, factor));

/** Σ over the examples of the product of the gradients at two places, [inputs, outputs]. */
function product(a: LinearPlace, b: LinearPlace): tf.Tensor2D {
  const x = multiplied(a.x, b.x);
  if (a.factor === undefined || b.factor === undefined || a.dy.shape[1] !== b.dy.shape[1]) {
    return sumOfProducts(x, tf.mul(dense(a), dense(b)));
  }
  return spread(sumOfProducts(x, tf.mul(a.dy, b.dy)), tf.mul(a.factor, b.factor));
}

/** Σ over the examples of the squared gradients, each of one example at one place. */
export function tokenLinear(places: readonly LinearPlace[]): tf.Tensor {
  return turned(addedUp(places.map((place) => product(place, place))), places);
}

/** Σ over the examples of the squared gradients, each of one example at all places. */
export function exactLinear(places: readonly LinearPlace[]): tf.Tensor {
  const mixed = pairs(places).map(([a, b]) => tf.mul(product(a, b), 2));
  return turned(addedUp([...places.map((place) => product(place, place)), ...mixed]), places);
}

/** The gradient itself, Σ xᵀdy over all examples and places. */
export function gradientOfLinear(places: readonly LinearPlace[]): tf.Tensor {
  const gradients = places.map(({ x, dy, factor }) => {
    const sum = sumOfProducts(x, dy);
    return factor === undefined ? sum : spread(sum, factor);
  });
  return turned(addedUp(gradients), places);
}

/** In the layout of the parameter. */
function turned(sum: tf.Tensor, [first]: readonly LinearPlace[]): tf.Tensor {
  return first?.transposed ? tf.transpose(sum) : sum;
}
