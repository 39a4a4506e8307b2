/**
 * @file What a decoder is made of where uses of parameters are marked: every example has a row at every position, each
 * position a matrix of its own, and constants stand beside the weights rather than in them. Draws are those of the ordinary
 * form, and so are numbers and gradients, to rounding.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { DecoderModelConfig } from '../config';
import { type Marks, markedEmbedding, markedNorm, markedProduct, marksOf } from '../marked';
import type { Params } from '../params';
import { splitHeads } from '../rows';
import type { PartOptions, Uses } from '../true-grad/uses';
import type { LayerDropout } from './dropout';
import { keptShare, type Layers, type Linear, third, withoutEffect } from './layers';
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
    linear(layer, { inputFactor = 1, factor = 1 } = {}) {
      return (x) => times(biased(product(times(x, inputFactor), layer, marks), layer, marks), factor);
    },
    keys: (layer) => (x) => product(x, layer, marks),
    head: (weight) => (x) => markedProduct(x, weight, marks),
    maskRow(mask, position): tf.Tensor2D {
      const row: tf.Tensor2D = tf.slice(mask, [position, 0], [1, -1]);
      return tf.transpose(uses.position(nameOf(mask), position, forAll(row, rows)));
    },
    remembered({ multihead_attn: params, norm2 }, dropout) {
      const unused = [params.in_proj_weight, norm2.weight, norm2.bias];
      for (const parameter of unused) uses.unused(nameOf(parameter));
      const value = third(params, 2);
      const own = withoutEffect(forAll(tf.expandDims(value.bias, 0), rows), unused);
      const factor = dropout?.factor ?? 1;
      const mixed = shared(uses.bias(nameOf(params.in_proj_bias), own, partOf(value)), heads, dropout);
      return times(biased(product(mixed, params.out_proj, marks), params.out_proj, marks), factor);
    },
  };
}

const times = (x: tf.Tensor2D, factor: number): tf.Tensor2D => (factor === 1 ? x : tf.mul(x, factor));

/** The same row for all examples, [rows, features]. */
const forAll = (row: tf.Tensor2D, rows: number): tf.Tensor2D => tf.add(row, tf.zeros([rows, row.shape[1]]));

const partOf = ({ weight, packed }: Linear): PartOptions =>
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

/** What dropout leaves of values that all keys have, head by head, [rows, dModel]. */
function shared(values: tf.Tensor2D, heads: number, dropout: LayerDropout | undefined): tf.Tensor2D {
  if (dropout === undefined) return values;
  const share = tf.mul(keptShare(dropout), dropout.factor); // [rows, heads]
  return tf.reshape(tf.mul(splitHeads(values, heads), tf.expandDims(share, 2)), values.shape);
}
