/**
 * @file Squared gradients of a matrix. For one place, an example's gradient of y = x·W is the outer product of x and dy, so
 * the sum of its squares over the examples is (x²)ᵀ(dy²). Places t and t' add 2·(x_t∘x_t')ᵀ(dy_t∘dy_t'): all products
 * are of two matrices, and no example's gradient is ever written down.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expand, type Rows, rowsOf } from '../rows';
import type { LinearPlace } from './places';
import { addedUp, pairs } from './sums';

const isOneForAll = ({ values, index }: Rows) => index === undefined && values.shape[0] === 1;

/** a∘b, on distinct rows as far as both allow. */
function multiplied(a: Rows, b: Rows): Rows {
  const onTheSameRows = a.index === b.index && a.values.shape[0] === b.values.shape[0];
  if (onTheSameRows || isOneForAll(b)) return rowsOf(tf.mul(a.values, b.values), a.index);
  if (isOneForAll(a)) return rowsOf(tf.mul(a.values, b.values), b.index);
  return { values: tf.mul(expand(a), expand(b)) };
}

/** Σ over the examples of xᵀu, [inputs, outputs]; rows that are alike are multiplied once, by the sum of their u. */
function sumOfProducts({ values, index }: Rows, u: tf.Tensor2D): tf.Tensor2D {
  const [distinct] = values.shape;
  if (index !== undefined) {
    return tf.matMul(values, tf.unsortedSegmentSum(u, index, distinct) as tf.Tensor2D, true, false);
  }
  return tf.matMul(values, distinct === 1 ? tf.sum(u, 0, true) : u, true, false);
}

/** [rows, groups] → [rows, outputs]: each group's number times the group's part of the factor. */
function spread(grouped: tf.Tensor2D, factor: tf.Tensor2D): tf.Tensor2D {
  const [rows, groups] = grouped.shape;
  const parts = tf.reshape(factor, [1, groups, -1]);
  return tf.reshape(tf.mul(tf.expandDims(grouped, 2), parts), [rows, -1]);
}

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

/** In the layout of the parameter. */
function turned(sum: tf.Tensor, [first]: readonly LinearPlace[]): tf.Tensor {
  return first?.transposed ? tf.transpose(sum) : sum;
}
