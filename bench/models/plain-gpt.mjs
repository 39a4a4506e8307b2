/**
 * @file The GPT of write-up 2 written plainly: every position of every row through every layer, attention with 4-D
 * transposes, the last position taken at the end. It is what the reduced form of `lib/models/gpt.ts` must equal, and what
 * the compiler has to make as fast.
 */
import * as tf from '@tensorflow/tfjs-core';

/** @typedef {{ vocabulary: number, sequenceLength: number, dModel: number, heads: number, layers: number }} Sizes */

/** @typedef {Readonly<Record<'q' | 'k' | 'v' | 'head_out' | 'ff1' | 'ff2', tf.Tensor2D>>} Block */

/**
 * @typedef {object} Weights as in `lib/models/gpt.ts`
 * @property {tf.Tensor2D} tok_embed
 * @property {tf.Tensor2D} pos_embed
 * @property {Readonly<Record<string, Block>>} blocks
 * @property {tf.Tensor2D} out
 */

/**
 * Logits at the last position, [rows, classes].
 *
 * @param {Sizes} config
 * @param {Weights} params
 * @param {tf.Tensor2D} tokens [rows, sequenceLength], int32
 * @param {'gather' | 'oneHot'} [embedding] how tokens find their vectors: by index, or as the write-up does it, by
 *   products with one-hot rows
 * @returns {tf.Tensor2D}
 */
export function plainGpt({ vocabulary, dModel, heads, layers }, params, tokens, embedding = 'gather') {
  const [rows, length] = tokens.shape;
  const dHead = dModel / heads;
  /** @param {tf.Tensor} x @param {tf.Tensor2D} weight @returns {tf.Tensor} */
  const linear = (x, weight) =>
    tf.reshape(tf.matMul(tf.reshape(x, [rows * length, -1]), weight), [rows, length, -1]);
  /** @param {tf.Tensor} x */
  const split = (x) => tf.transpose(tf.reshape(x, [rows, length, heads, dHead]), [0, 2, 1, 3]);
  const tokenVectors =
    embedding === 'gather'
      ? tf.gather(params.tok_embed, tokens)
      : linear(tf.cast(tf.oneHot(tokens, vocabulary), 'float32'), params.tok_embed);
  /** @type {tf.Tensor} */
  let x = tf.add(tokenVectors, params.pos_embed); // [rows, length, dModel]
  for (let layer = 0; layer < layers; layer++) {
    const block = params.blocks[layer];
    if (block === undefined) throw new RangeError(`there are no weights of block ${layer}`);
    const q = split(linear(x, block.q)); // [rows, heads, length, dHead]
    const k = split(linear(x, block.k));
    const v = split(linear(x, block.v));
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(dHead));
    const mixed = tf.transpose(tf.matMul(tf.softmax(scores), v), [0, 2, 1, 3]);
    x = tf.add(x, linear(tf.reshape(mixed, [rows, length, dModel]), block.head_out));
    x = tf.add(x, linear(tf.relu(linear(x, block.ff1)), block.ff2));
  }
  return tf.reshape(tf.slice(linear(x, params.out), [0, length - 1, 0], [rows, 1, -1]), [rows, -1]);
}
