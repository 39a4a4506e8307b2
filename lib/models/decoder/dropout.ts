/**
 * @file What dropout keeps in a layer, drawn in three masks: for the weights of both attentions, for what the three parts of
 * a layer add to the residual stream, and for the hidden units. A mask costs tens of small operations whatever its size, so
 * uses of the same size share one.
 */
import * as tf from '@tensorflow/tfjs-core';
import { dropoutMask } from '../../compile';
import type { DecoderModelConfig } from '../config';
import type { WeightAndBias } from '../layer-norm';
import type { ForwardOptions } from '../model';

/** Ones and zeros, float32, and the factor that keeps the mean. */
export interface LayerDropout {
  /** 1/(1 − p). It goes into the weights that follow, of which there are fewer than activations; 1 where masks hold it. */
  readonly factor: number;
  /** The same for the hidden units, whose mask never holds it. */
  readonly hiddenFactor: number;
  /** For the weights of self-attention, one tensor a query position, [its keys, rows, heads]. */
  readonly attention: readonly tf.Tensor3D[];
  /** For the weights of attention to the memory, [memory positions, rows of all queries, heads]. */
  readonly cross: tf.Tensor3D;
  /** For what self-attention, attention to the memory and the feed-forward part add, [rows of all queries, dModel]. */
  readonly residual: readonly [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
  /** [rows of all queries, dFF] */
  readonly hidden: tf.Tensor2D;
}

/** The generator decides over an element by 16 bits, of which at least one value keeps it. */
const DECISIONS = 2 ** 16;

/** 1/(1 − p), with the p that the generator draws by. */
export function keptFactor(rate: number): number {
  return DECISIONS / Math.max(1, Math.round((1 - rate) * DECISIONS));
}

/**
 * @param rows Rows of the batch.
 * @param keys How many keys each query position sees.
 */
export function drawDropout(
  { dropout, heads, dModel, dFF, sequenceLength }: DecoderModelConfig,
  layer: number,
  { rows, keys }: { readonly rows: number; readonly keys: readonly number[] },
  random: NonNullable<ForwardOptions['random']>,
): LayerDropout {
  const draw = (use: string, shape: readonly number[]) =>
    dropoutMask(dropout, shape, { ...random, purpose: `dropout/layers.${layer}/${use}` });
  const asNumbers = (mask: tf.Tensor) => tf.cast(mask, 'float32');
  const queryRows = keys.length * rows;
  const memory = sequenceLength * keys.length;
  const pairs = keys.reduce((sum, count) => sum + count, 0);
  const weights = tf.split(draw('attention', [pairs + memory, rows, heads]), [...keys, memory]);
  const residual = tf.split(draw('residual', [3 * queryRows, dModel]), 3);
  const factor = keptFactor(dropout);
  return {
    factor,
    hiddenFactor: factor,
    attention: weights.slice(0, -1).map(asNumbers) as tf.Tensor3D[],
    cross: asNumbers(
      tf.reshape(weights.at(-1) as tf.Tensor, [sequenceLength, queryRows, heads]),
    ) as tf.Tensor3D,
    residual: residual.map(asNumbers) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D],
    hidden: asNumbers(draw('hidden', [queryRows, dFF])) as tf.Tensor2D,
  };
}

/** The same with 1/(1 − p) in the masks, for weights that have to stay as they are. */
export function inMasks({ factor, ...dropout }: LayerDropout): LayerDropout {
  const { attention, cross, residual } = dropout;
  const scaledMask = <T extends tf.Tensor>(mask: T): T => tf.mul(mask, factor);
  return {
    ...dropout,
    factor: 1,
    attention: attention.map(scaledMask),
    cross: scaledMask(cross),
    residual: residual.map(scaledMask) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D],
  };
}

/** The same, cut into the shares of as many matrices of equal size. */
export function cutDropout(dropout: LayerDropout, matrices: number): LayerDropout[] {
  if (matrices === 1) return [dropout];
  const cross = tf.split(dropout.cross, matrices, 1);
  const residual = dropout.residual.map((mask) => tf.split(mask, matrices));
  const hidden = tf.split(dropout.hidden, matrices);
  return cross.map((share, i) => ({
    ...dropout,
    cross: share as tf.Tensor3D,
    residual: residual.map((masks) => masks[i]) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D],
    hidden: hidden[i] as tf.Tensor2D,
  }));
}

/** x where it is kept. */
export function kept(x: tf.Tensor2D, mask: tf.Tensor2D | undefined): tf.Tensor2D {
  return mask === undefined ? x : tf.mul(x, mask);
}

/** max(x, 0) where it is kept. The gradient passes where the result is positive, so it needs no second look at the mask. */
export function keptRelu(x: tf.Tensor2D, mask: tf.Tensor2D | undefined): tf.Tensor2D {
  if (mask === undefined) return tf.relu(x);
  return tf.customGrad((given, save) => {
    const value = tf.mul(tf.relu(given as tf.Tensor2D), mask);
    (save as tf.GradSaveFunc)([value]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, [result]: tf.Tensor[]) => tf.mul(dy, tf.step(result as tf.Tensor)),
    };
  })(x) as tf.Tensor2D;
}

/** A linear layer whose results are `factor` times as large. */
export function scaled({ weight, bias }: WeightAndBias, factor: number): WeightAndBias {
  return factor === 1 ? { weight, bias } : { weight: tf.mul(weight, factor), bias: tf.mul(bias, factor) };
}
