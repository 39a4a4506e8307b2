/** @file Squared gradients of tables: rows looked up by index, and rows that are the same for all examples. */
import * as tf from '@tensorflow/tfjs-core';
import type { EmbeddingPlace, PositionPlace } from './places';
import { addedUp, pairs } from './sums';

const asTensor = (index: tf.Tensor1D | Int32Array): tf.Tensor1D =>
  index instanceof Int32Array ? tf.tensor1d(index, 'int32') : index;

function byRow(values: tf.Tensor2D, index: tf.Tensor1D | Int32Array, rows: number): tf.Tensor {
  return tf.unsortedSegmentSum(values, asTensor(index), rows);
}

/** Σ of squares, each of one example at one place: [rows, features]. */
export function tokenEmbedding(places: readonly EmbeddingPlace[], [rows]: readonly number[]): tf.Tensor {
  return addedUp(places.map(({ dy, index }) => byRow(tf.square(dy), index, rows as number)));
}

/** Σ of squares, each of one example at all places: where it looks up the same row twice, its two gradients of it add. */
export function exactEmbedding(places: readonly EmbeddingPlace[], shape: readonly number[]): tf.Tensor {
  const mixed = pairs(places).flatMap(([a, b]) => sameRow(a, b, shape[0] as number) ?? []);
  return addedUp([tokenEmbedding(places, shape), ...mixed]);
}

/** 2·Σ dy∘dy' over the examples that have the same row at both places; nothing where none can. */
function sameRow(a: EmbeddingPlace, b: EmbeddingPlace, rows: number): tf.Tensor | undefined {
  if (a.index instanceof Int32Array && b.index instanceof Int32Array) {
    const others = b.index;
    const alike = Int32Array.from(
      [...a.index.keys()].filter((i) => a.index instanceof Int32Array && a.index[i] === others[i]),
    );
    if (alike.length === 0) return undefined;
    const chosen = tf.tensor1d(alike, 'int32');
    const products: tf.Tensor2D = tf.mul(tf.gather(a.dy, chosen), tf.gather(b.dy, chosen));
    return tf.mul(byRow(products, tf.gather(tf.tensor1d(a.index, 'int32'), chosen), rows), 2);
  }
  const known = new Set(a.tokens);
  if (a.tokens !== undefined && b.tokens?.every((token) => !known.has(token))) return undefined;
  const index = asTensor(a.index);
  const isAlike = tf.expandDims(tf.cast(tf.equal(index, asTensor(b.index)), 'float32'), 1); // [examples, 1]
  return tf.mul(byRow(tf.mul(tf.mul(a.dy, b.dy), isAlike), index, rows), 2);
}

/** Each row's gradients, `combined` over the places of that row: [rows, features]. */
function byPosition(
  places: readonly PositionPlace[],
  shape: readonly number[],
  combined: (gradients: readonly tf.Tensor2D[]) => tf.Tensor,
): tf.Tensor {
  const [rows, features] = shape as [number, number];
  const sums = Array.from({ length: rows }, (_, row) => {
    const gradients = places.filter((place) => place.row === row).map(({ dy }) => dy);
    return gradients.length === 0 ? tf.zeros([1, features]) : combined(gradients);
  });
  return tf.concat(sums, 0);
}

/** Σ of squares, each of one example at all places of a row. */
export const exactPosition = (places: readonly PositionPlace[], shape: readonly number[]) =>
  byPosition(places, shape, (gradients) => tf.sum(tf.square(addedUp(gradients)), 0, true));

/** Σ of squares, each of one example at one place. */
export const tokenPosition = (places: readonly PositionPlace[], shape: readonly number[]) =>
  byPosition(places, shape, (gradients) => addedUp(gradients.map((dy) => tf.sum(tf.square(dy), 0, true))));

/** The gradient itself, of the rows that the examples look up. */
export function gradientOfEmbedding(places: readonly EmbeddingPlace[], [rows]: readonly number[]): tf.Tensor {
  return addedUp(places.map(({ dy, index }) => byRow(dy, index, rows as number)));
}

/** The gradient itself, of the rows that all examples share. */
export const gradientOfPosition = (places: readonly PositionPlace[], shape: readonly number[]) =>
  byPosition(places, shape, (gradients) => tf.sum(addedUp(gradients), 0, true));
