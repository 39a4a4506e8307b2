/**
 * @file What a decoder is made of where uses of parameters are marked: every example has a row at every position, each
 * position a matrix of its own, and constants stand beside the weights rather than in them. Draws are those of the ordinary
 * form, and so are numbers and gradients, to rounding.
 */
import * as tf from '@tensorflow/tfjs-core';
import { stopGradient } from '../../compile';
import type { DecoderModelConfig } from '../config';
import { type Marks, markedEmbedding, markedNorm, markedNormParts, markedProduct, marksOf } from '../marked';
import type { Params } from '../params';
import { splitHeads } from '../rows';
import type { PartUseOptions, Uses } from '../true-grad/uses';
import { inMasks } from './dropout';
import { byHeads, keptShare, type Layers, type Linear, third, withoutEffect } from './layers';
import type { DecoderParams } from './parameters';
import { separate } from './stream';

export function markedLayers(
  { heads, sequenceLength }: DecoderModelConfig,
  rows: number,
  params: DecoderParams,
  uses: Uses,
): Layers {
  const marks = marksOf(uses, params as unknown as Params);
  const { nameOf } = marks;
  return {
    embed(batch, table, encoding) {
      const offsets = tf.split(encoding, sequenceLength); // each [1, dModel]
      const isLearned = encoding === params.embed.pe;
      const positions = markedEmbedding(batch, table, marks).map((tokens, position) => {
        const values: tf.Tensor2D = tf.add(tokens, offsets[position] as tf.Tensor);
        return { values: isLearned ? uses.position(nameOf(encoding), position, values) : values };
      });
      return separate(positions);
    },
    arrange: separate,
    norm: (norm) => (x) => markedNorm(x, norm, marks),
    /*
     * Keys are made of z∘γ alone. With β, every key would have the same number more, which softmax does not see: an example's
     * gradient of the matrix has the same sum over its places either way, so `exact` does too, but the terms of β cancel in that
     * sum and cost it digits. `token` squares each place's gradient, and so does depend on it: its keys are those without β.
     */
    normBeforeAttention: (norm) => (x) => {
      const { shifted, unshifted } = markedNormParts(x, norm, marks);
      return { z: shifted, forKeys: unshifted };
    },
    linear(layer, { inputFactor = 1, factor = 1 } = {}) {
      // The input's factor may as well stand behind the product: of the weight, x unscaled is what the gradient there is of.
      return (x) => times(biased(times(product(x, layer, marks), inputFactor), layer, marks), factor);
    },
    keys: (layer) => (x) => product(x, layer, marks),
    head: (weight) => (x) => markedProduct(x, weight, marks),
    maskRow(mask, position): tf.Tensor2D {
      const row: tf.Tensor2D = tf.slice(mask, [position, 0], [1, -1]);
      return tf.transpose(uses.position(nameOf(mask), position, forAll(row, rows)));
    },
    dropout: inMasks,
    remembered({ multihead_attn: params, norm2 }, dropout) {
      const unused = [params.in_proj_weight, norm2.weight, norm2.bias];
      for (const parameter of unused) uses.unused(nameOf(parameter));
      const { out_proj: out, in_proj_bias } = params;
      const value = third(params, 2);
      const row: tf.Tensor2D = tf.expandDims(value.bias, 0);
      const byHead = withoutEffect(byHeads(out.weight, stopGradient(value.bias), heads), unused);
      const values = uses.bias(nameOf(in_proj_bias), forAll(row, rows), partOf(value));
      const share = dropout && keptShare(dropout);
      const result: tf.Tensor2D =
        share === undefined ? forAll(tf.sum(byHead, 0, true), rows) : tf.matMul(share, byHead);
      const y = withGradientOf(values, result, out.weight, share);
      const x = share === undefined ? { values: row } : scaledHeads(values, share);
      const marked = uses.linear(nameOf(out.weight), x, y, { transposed: true });
      return biased(marked, out, marks);
    },
  };
}

const times = (x: tf.Tensor2D, factor: number): tf.Tensor2D => (factor === 1 ? x : tf.mul(x, factor));

/** The same row for all examples, [rows, features]. */
const forAll = (row: tf.Tensor2D, rows: number): tf.Tensor2D => tf.add(row, tf.zeros([rows, row.shape[1]]));

const partOf = ({ weight, packed }: Linear): PartUseOptions =>
  packed === undefined ? {} : { part: [packed.start, weight.shape[0]] };

/** x·Wᵀ */
function product(x: tf.Tensor2D, layer: Linear, marks: Marks): tf.Tensor2D {
  return markedProduct(x, layer.weight, marks, layer.packed?.weight, partOf(layer));
}

/** y + b */
function biased(y: tf.Tensor2D, layer: Linear, { uses, nameOf }: Marks): tf.Tensor2D {
  const name = nameOf(layer.packed?.bias ?? layer.bias);
  return uses.bias(name, tf.add(y, layer.bias), partOf(layer));
}

/** Each head's part of x times its share. @param share [rows, heads] */
function scaledHeads(x: tf.Tensor2D, share: tf.Tensor2D): tf.Tensor2D {
  const heads = splitHeads(x, share.shape[1]);
  return tf.reshape(tf.mul(heads, tf.expandDims(share, 2)), x.shape);
}

/**
 * y as it is, and on its way back the gradient of the values that it was made of, y = (values in their shares)·Wᵀ: where these
 * are the same in all rows, y is had for less than the product.
 */
function withGradientOf(
  values: tf.Tensor2D,
  y: tf.Tensor2D,
  weight: tf.Tensor2D,
  share: tf.Tensor2D | undefined,
): tf.Tensor2D {
  return tf.customGrad((_, given, save) => {
    (save as tf.GradSaveFunc)(share === undefined ? [weight] : [weight, share]);
    const gradFunc = (dy: tf.Tensor, [w, s]: tf.Tensor[]) => {
      const product: tf.Tensor2D = tf.matMul(dy as tf.Tensor2D, w as tf.Tensor2D);
      return [s === undefined ? product : scaledHeads(product, s as tf.Tensor2D), dy];
    };
    return { value: tf.clone(given as tf.Tensor), gradFunc };
  })(values, y) as tf.Tensor2D;
}
