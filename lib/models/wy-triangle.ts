/**
 * @file The triangular factor of the compact WY form. For unit vectors y₁ … y_b, the rows of Y, the product of their Householder
 * reflections is H₁⋯H_b = I − YᵀTY, T upper triangular with T⁻¹ = ½I + N, N the part of YYᵀ above the diagonal.
 *
 * No entry of T is larger than 4, whatever the vectors: T_ij = −4·y_iᵀH_{i+1}⋯H_{j−1}y_j above the diagonal, 2 on it. It is
 * inverted by halves, which has no larger numbers on the way; a series in powers of N would, where vectors are alike.
 * @see Joffrain, Low, Quintana-Ortí, van de Geijn & Van Zee, Accumulating Householder transformations, revisited, 2006
 */
import * as tf from '@tensorflow/tfjs-core';

/** Ones above the diagonal, zeros elsewhere, [size, size]. */
export function aboveDiagonal(size: number): tf.Tensor2D {
  const data = Float32Array.from({ length: size * size }, (_, i) =>
    i % size > Math.floor(i / size) ? 1 : 0,
  );
  return tf.tensor2d(data, [size, size]);
}

/**
 * T of several sets of vectors, those of like number together, so that a step with many matrices has few and large operations.
 *
 * @param blocks Each [vectors, dimension], rows of norm 1 or 0; a row of zeros reflects nothing.
 * @returns of each block, [vectors, vectors]
 */
export function wyTriangles(blocks: readonly tf.Tensor2D[]): tf.Tensor2D[] {
  const paddedSize = (block: tf.Tensor2D) => 2 ** Math.ceil(Math.log2(block.shape[0]));
  const triangles = new Map<tf.Tensor2D, tf.Tensor2D>();
  for (const size of new Set(blocks.map(paddedSize))) {
    const alike = blocks.filter((block) => paddedSize(block) === size);
    const products = alike.map((block) => {
      const [vectors] = block.shape;
      const product: tf.Tensor2D = tf.matMul(block, block, false, true);
      return vectors === size
        ? product
        : tf.pad(product, [
            [0, size - vectors],
            [0, size - vectors],
          ]);
    });
    const inverses = inverse(tf.stack(products) as tf.Tensor3D); // [blocks, size, size]
    for (const [i, block] of alike.entries()) {
      const [vectors] = block.shape;
      const own = tf.slice(inverses, [i, 0, 0], [1, vectors, vectors]);
      triangles.set(block, tf.reshape(own, [vectors, vectors]));
    }
  }
  return blocks.map((block) => triangles.get(block) as tf.Tensor2D);
}

/**
 * Inverses of ½I + N with N the part of each matrix above its diagonal; what lies on and below it is not read.
 *
 * @param matrices [count, size, size], size a power of two
 */
function inverse(matrices: tf.Tensor3D): tf.Tensor3D {
  const [count, size] = matrices.shape;
  if (size === 1) return tf.fill([count, 1, 1], 2);
  if (size === 2) {
    const above = tf.mul(matrices, tf.mul(aboveDiagonal(2), -4));
    return tf.add(above, tf.mul(tf.eye(2), 2));
  }
  const half = size / 2;
  const quarter = (row: number, column: number) =>
    tf.slice(matrices, [0, row * half, column * half], [count, half, half]);
  const onDiagonal = inverse(tf.concat([quarter(0, 0), quarter(1, 1)])); // [2·count, half, half]
  const first = tf.slice(onDiagonal, [0, 0, 0], [count, half, half]);
  const second = tf.slice(onDiagonal, [count, 0, 0], [count, half, half]);
  const corner = tf.neg(tf.matMul(tf.matMul(first, quarter(0, 1)), second));
  return tf.concat(
    [tf.concat([first, corner], 2), tf.concat([tf.zerosLike(corner), second], 2)],
    1,
  ) as tf.Tensor3D;
}
