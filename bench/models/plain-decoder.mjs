/**
 * @file Write-up 1's decoder written plainly, as PyTorch computes it: every position of every row through every layer,
 * attention with 4-D transposes, real masks, real attention to a memory of zeros, dropout where
 * `torch.nn.TransformerDecoderLayer` has it; the last positions taken at the end. It is what the reduced form of
 * `lib/models/decoder` must equal, and what the compiler has to make as fast.
 */
import * as tf from '@tensorflow/tfjs-core';

/** @typedef {import('optimal-grokking/dist/models/config.js').DecoderModelConfig} Config */
/** @typedef {import('optimal-grokking/dist/models/decoder/index.js').DecoderParams} Weights */
/** @typedef {import('optimal-grokking/dist/models/decoder/index.js').AttentionParams} AttentionWeights */
/**
 * Dropout in training: of these activations, for this use in a layer, such as `layers.0/dropout1`.
 *
 * @typedef {(x: tf.Tensor, use: string) => tf.Tensor} Dropout
 */

/** The mask that is added to the scores, [query, key]. @param {Config} config @param {Weights} params */
function maskOf({ mask, sequenceLength }, params) {
  if (mask === 'additive') return params.mask;
  if (mask === 'none') return undefined;
  const hidden = Array.from({ length: sequenceLength ** 2 }, (_, i) =>
    i % sequenceLength > Math.floor(i / sequenceLength) ? Number.NEGATIVE_INFINITY : 0,
  );
  return tf.tensor2d(hidden, [sequenceLength, sequenceLength]);
}

/** (x − mean)/√(variance + 1e-5)·weight + bias. @param {tf.Tensor} x @param {{ weight: tf.Tensor, bias: tf.Tensor }} params */
function layerNorm(x, { weight, bias }) {
  const { mean, variance } = tf.moments(x, -1, true);
  const normal = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)));
  return tf.add(tf.mul(normal, weight), bias);
}

/** y = x·Wᵀ + b. @param {tf.Tensor} x [rows, positions, in] @param {tf.Tensor2D} weight @param {tf.Tensor} [bias] */
function linear(x, weight, bias) {
  const [rows, length, width] = /** @type {[number, number, number]} */ (x.shape);
  const product = tf.matMul(tf.reshape(x, [rows * length, width]), weight, false, true);
  return tf.reshape(bias === undefined ? product : tf.add(product, bias), [rows, length, -1]);
}

/**
 * @param {tf.Tensor} x what asks, [rows, positions, dModel]
 * @param {tf.Tensor} memory what is asked
 * @param {AttentionWeights} params
 * @param {number} heads
 * @param {tf.Tensor | undefined} mask
 * @param {(weights: tf.Tensor) => tf.Tensor} drop
 */
function attention(x, memory, params, heads, mask, drop) {
  const [rows, length, dModel] = /** @type {[number, number, number]} */ (x.shape);
  const dHead = dModel / heads;
  const weights = /** @type {tf.Tensor2D[]} */ (tf.split(params.in_proj_weight, 3));
  const biases = tf.split(params.in_proj_bias, 3);
  const [q, k, v] = [x, memory, memory].map((source, i) => {
    const projected = linear(source, /** @type {tf.Tensor2D} */ (weights[i]), biases[i]);
    return tf.transpose(tf.reshape(projected, [rows, length, heads, dHead]), [0, 2, 1, 3]);
  });
  const scores = tf.mul(
    tf.matMul(/** @type {any} */ (q), /** @type {any} */ (k), false, true),
    dHead ** -0.5,
  );
  const shares = drop(tf.softmax(mask === undefined ? scores : tf.add(scores, mask)));
  const mixed = tf.transpose(tf.matMul(shares, /** @type {any} */ (v)), [0, 2, 1, 3]);
  return linear(tf.reshape(mixed, [rows, length, dModel]), params.out_proj.weight, params.out_proj.bias);
}

/**
 * Logits of the answers, [answers · rows, classes]: all rows' first answer, then the second.
 *
 * @param {Config} config
 * @param {tf.Tensor} encoding positions, [sequenceLength, dModel]
 * @param {Weights} params
 * @param {tf.Tensor2D} tokens [rows, sequenceLength], int32
 * @param {Dropout} [dropout] absent in evaluation
 * @returns {tf.Tensor2D}
 */
export function plainDecoder(config, encoding, params, tokens, dropout = (x) => x) {
  const { heads, layers, answers, sequenceLength } = config;
  const [rows] = tokens.shape;
  const mask = maskOf(config, params);
  /** @type {tf.Tensor} */
  let x = tf.add(tf.gather(params.embed.weight, tokens), encoding); // [rows, positions, dModel]
  const memory = tf.zerosLike(x);
  for (let i = 0; i < layers; i++) {
    const layer = params.decoder.layers[i];
    if (layer === undefined) throw new RangeError(`there are no weights of layer ${i}`);
    /** @param {tf.Tensor} values @param {string} use */
    const drop = (values, use) => dropout(values, `layers.${i}/${use}`);
    const normed = layerNorm(x, layer.norm1);
    const seen = attention(normed, normed, layer.self_attn, heads, mask, (w) => drop(w, 'self_attn'));
    x = tf.add(x, drop(seen, 'dropout1'));
    const asked = layerNorm(x, layer.norm2);
    const remembered = attention(asked, memory, layer.multihead_attn, heads, undefined, (w) =>
      drop(w, 'multihead_attn'),
    );
    x = tf.add(x, drop(remembered, 'dropout2'));
    const { linear1, linear2 } = layer;
    const hidden = tf.relu(linear(layerNorm(x, layer.norm3), linear1.weight, linear1.bias));
    x = tf.add(x, drop(linear(drop(hidden, 'dropout'), linear2.weight, linear2.bias), 'dropout3'));
  }
  const logits = linear(layerNorm(x, params.decoder.norm), params.linear.weight);
  const last = tf.slice(logits, [0, sequenceLength - answers, 0], [rows, answers, -1]);
  return tf.reshape(tf.transpose(last, [1, 0, 2]), [answers * rows, -1]);
}
