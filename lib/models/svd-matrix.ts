/**
 * @file Matrices by their singular value decomposition, W = U·diag(σ)·Vᵀ with U and V products of Householder reflections, and a
 * linear layer of such a matrix. The singular values are |σ|, in any order: a negative σ is a singular vector turned round,
 * which keeps W a smooth function of its parts where a value passes through 0, and lets W have either orientation.
 * @see Mathiasen et al., What if Neural Networks had SVDs?, 2020 (arXiv:2009.13977)
 */
import * as tf from '@tensorflow/tfjs-core';
import { ArgumentError } from '../errors';
import { applyHouseholder, type HouseholderOptions, orthonormalRows } from './householder';

/** The parts of an m×n matrix. */
export interface SvdFactors {
  /** Reflections whose product is U, [any number, m]. */
  readonly uVectors: tf.Tensor2D;
  /** Reflections whose product is V, [any number, n]. */
  readonly vVectors: tf.Tensor2D;
  /** [min(m, n)], any sign and order. */
  readonly sigma: tf.Tensor1D;
}

/**
 * W = U·diag(σ)·Vᵀ.
 *
 * @returns [m, n]
 * @throws {ArgumentError} where σ has another length than the smaller dimension
 */
export function svdMatrix(factors: SvdFactors, options: HouseholderOptions = {}): tf.Tensor2D {
  return svdMatrices([factors], options)[0] as tf.Tensor2D;
}

/**
 * Several such matrices, for less than one by one.
 *
 * @throws {ArgumentError} where a σ has another length than the smaller dimension
 */
export function svdMatrices(all: readonly SvdFactors[], options: HouseholderOptions = {}): tf.Tensor2D[] {
  for (const factors of all) checkFactors(factors);
  const rows = orthonormalRows(
    all.flatMap(({ uVectors, vVectors, sigma }) => [
      { vectors: uVectors, columns: sigma.size },
      { vectors: vVectors, columns: sigma.size },
    ]),
    options,
  );
  return all.map(({ sigma }, i) => {
    const [u, v] = rows.slice(2 * i, 2 * i + 2) as [tf.Tensor2D, tf.Tensor2D]; // [rank, m], [rank, n]
    return tf.matMul(tf.mul(u, tf.expandDims(sigma, 1)), v, true);
  });
}

/**
 * A linear layer, W·x_i for every row x_i of x, that multiplies by the parts of W one after the other. Where there are more rows
 * than W has, multiplying by `svdMatrix` takes less.
 *
 * @param x [rows, n]
 * @returns [rows, m]
 * @throws {ArgumentError} for shapes that do not fit each other
 */
export function svdLinear(
  factors: SvdFactors,
  x: tf.Tensor2D,
  options: HouseholderOptions = {},
): tf.Tensor2D {
  checkFactors(factors);
  const { uVectors, vVectors, sigma } = factors;
  const rank = sigma.size;
  const [m, n] = [uVectors.shape[1], vVectors.shape[1]];
  const turned = applyHouseholder(vVectors, x, { ...options, transposed: true }); // [rows, n]
  const kept = rank === n ? turned : tf.slice(turned, [0, 0], [-1, rank]);
  const scaled: tf.Tensor2D = tf.mul(kept, sigma); // [rows, rank]
  const placed: tf.Tensor2D =
    rank === m
      ? scaled
      : tf.pad(scaled, [
          [0, 0],
          [0, m - rank],
        ]);
  return applyHouseholder(uVectors, placed, options);
}

/** @throws {ArgumentError} where σ has another length than the smaller dimension */
function checkFactors({ uVectors, vVectors, sigma }: SvdFactors): void {
  const [m, n] = [uVectors.shape[1], vVectors.shape[1]];
  if (sigma.shape.length === 1 && sigma.size === Math.min(m, n)) return;
  throw new ArgumentError(
    `sigma has shape [${sigma.shape.join(', ')}], expected [${Math.min(m, n)}] for a matrix of ${m} rows and ${n} columns`,
  );
}
