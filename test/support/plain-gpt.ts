/** @file The GPT of write-up 2 as written: every position through every layer. What the reduced form must equal. */
import * as tf from '@tensorflow/tfjs-core';
import type { GptConfig, GptParams } from '../../lib/models/gpt';

/** Logits at the last position, [rows, classes]. @param tokens [rows, sequenceLength], int32 */
export function plainGpt(config: GptConfig, params: GptParams, tokens: tf.Tensor2D): tf.Tensor2D {
  const [rows, length] = tokens.shape;
  const { dModel, heads } = config;
  const dHead = dModel / heads;
  const linear = (x: tf.Tensor, weight: tf.Tensor2D) =>
    tf.reshape(tf.matMul(tf.reshape(x, [rows * length, -1]), weight), [rows, length, -1]);
  const split = (x: tf.Tensor) => tf.transpose(tf.reshape(x, [rows, length, heads, dHead]), [0, 2, 1, 3]);
  let x: tf.Tensor = tf.add(tf.gather(params.tok_embed, tokens), params.pos_embed); // [rows, length, dModel]
  for (let layer = 0; layer < config.layers; layer++) {
    const block = params.blocks[layer];
    if (block === undefined) throw new Error(`no block ${layer}`);
    const [q, k, v] = [block.q, block.k, block.v].map((weight) => split(linear(x, weight)));
    const scores = tf.mul(tf.matMul(q as tf.Tensor, k as tf.Tensor, false, true), 1 / Math.sqrt(dHead));
    const mixed = tf.transpose(tf.matMul(tf.softmax(scores), v as tf.Tensor), [0, 2, 1, 3]);
    x = tf.add(x, linear(tf.reshape(mixed, [rows, length, dModel]), block.head_out));
    x = tf.add(x, linear(tf.relu(linear(x, block.ff1)), block.ff2));
  }
  return tf.reshape(tf.slice(linear(x, params.out), [0, length - 1, 0], [rows, 1, -1]), [
    rows,
    -1,
  ]) as tf.Tensor2D;
}
