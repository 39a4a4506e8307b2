/** @file The table of formulas: for each kind of use and each form, the sum of squares over the examples of a batch. */
import * as tf from '@tensorflow/tfjs-core';
import { exactConvolution, tokenConvolution } from './convolution';
import { exactBias, exactGain, tokenBias, tokenGain } from './elementwise';
import type { TrueGradForm } from './form';
import { exactLinear, tokenLinear } from './linear';
import type { Kind, Places } from './places';
import { exactEmbedding, exactPosition, tokenEmbedding, tokenPosition } from './tables';

/** What a formula needs besides the places. */
export interface FormulaContext {
  /** Of the parameter, or of the part of it that the places use. */
  readonly shape: readonly number[];
  /** The parameter, or that part. */
  readonly parameter: tf.Tensor;
  /** Examples in the batch. */
  readonly examples: number;
}

type Formula<K extends Kind> = (places: readonly Places[K][], context: FormulaContext) => tf.Tensor;

type Sum<K extends Kind> = (places: readonly Places[K][], shape: readonly number[]) => tf.Tensor;

/**
 * The gradients of a mean loss are those of the examples' own losses ÷ examples, so the mean of the squares of the latter
 * is the sum of the squares of the former × examples.
 */
const meanOf =
  <K extends Kind>(sum: Sum<K>): Formula<K> =>
  (places, { shape, examples }) =>
    tf.mul(sum(places, shape), examples);

/** What truegrad 5.0.0 forms for products: without the number of examples, by which other parameters' are multiplied. */
const sumOf =
  <K extends Kind>(sum: Sum<K>): Formula<K> =>
  (places, { shape }) =>
    sum(places, shape);

/** What truegrad 5.0.0 takes an embedding's squares to be. */
const squaredWeight: Formula<'embedding'> = (_, { parameter }) => tf.square(parameter);

export const FORMULAS: {
  readonly [K in Kind]: Readonly<Record<TrueGradForm, Formula<K>>>;
} = {
  linear: { exact: meanOf(exactLinear), token: meanOf(tokenLinear), released: sumOf(tokenLinear) },
  conv2d: {
    exact: meanOf(exactConvolution),
    token: meanOf(tokenConvolution),
    released: sumOf(tokenConvolution),
  },
  bias: { exact: meanOf(exactBias), token: meanOf(tokenBias), released: meanOf(tokenBias) },
  gain: { exact: meanOf(exactGain), token: meanOf(tokenGain), released: meanOf(tokenGain) },
  embedding: { exact: meanOf(exactEmbedding), token: meanOf(tokenEmbedding), released: squaredWeight },
  position: { exact: meanOf(exactPosition), token: meanOf(tokenPosition), released: meanOf(tokenPosition) },
};
