/**
 * @file A two-layer network that learns modular addition: one-hot rows of both numbers, one hidden layer with a quadratic
 * activation, no biases. Form and size are those of Gromov, "Grokking modular arithmetic" (2023, arXiv:2301.02679), which
 * write-up 2 points to: mod 97, 500 hidden units.
 *
 *     f(x) = W₂ · (W₁ · x)²,   x of length 2p with two ones
 *
 * Where the paper scales outputs by 1/N and takes the squared error, this trains with the GPT's cross-entropy and
 * optimiser from weights of usual size: the arithmetic is the same, and three steps change the loss by more than
 * rounding, so that a contender which computes something else is found out.
 */
import * as tf from '@tensorflow/tfjs-core';

/** @typedef {import('optimal-grokking/dist/optim/index.js').OptimizerOptions} OptimizerOptions */

/** @typedef {{ modulus: number, hidden: number } & OptimizerOptions} MlpConfig */

/** @typedef {{ fc1: tf.Tensor2D, fc2: tf.Tensor2D }} MlpWeights [2p, N] and [N, p] */

/**
 * Outputs, [rows, p].
 *
 * - `plain`: both numbers as one-hot rows side by side, one product.
 * - `reduced`: the same sum without the product, two rows of W₁ looked up.
 *
 * @param {MlpConfig} config
 * @param {MlpWeights} params
 * @param {Int32Array} tokens row-major [rows, 2]
 * @param {'plain' | 'reduced'} form
 * @returns {tf.Tensor2D}
 */
export function mlp({ modulus }, { fc1, fc2 }, tokens, form) {
  const pairs = tf.tensor2d(tokens, [tokens.length / 2, 2], 'int32');
  /** @type {tf.Tensor2D} */
  let sum; // [rows, hidden]
  if (form === 'plain') {
    const hot = tf.cast(tf.oneHot(pairs, modulus), 'float32'); // [rows, 2, p]
    sum = tf.matMul(tf.reshape(hot, [-1, 2 * modulus]), fc1);
  } else {
    const offset = tf.tensor2d([0, modulus], [1, 2], 'int32');
    const [a, b] = tf.unstack(tf.add(pairs, offset), 1);
    sum = tf.add(
      tf.gather(fc1, /** @type {tf.Tensor1D} */ (a)),
      tf.gather(fc1, /** @type {tf.Tensor1D} */ (b)),
    );
  }
  return tf.matMul(tf.square(sum), fc2);
}
