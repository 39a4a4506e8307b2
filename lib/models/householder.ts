/**
 * @file Products of Householder reflections, Q = H(v₁)⋯H(v_k) with H(v) = I − 2vvᵀ/‖v‖², in WY blocks: a few matrix products
 * in place of k steps with a vector each, as FastH does it. Q is orthogonal for any vectors, and d of them reach every
 * orthogonal d×d matrix up to the signs of its columns.
 *
 * Lengths do not matter, from 1e-15 to 1e17. A shorter vector, such as 0, reflects nothing, H = I, and has the gradient 0; of
 * all others the gradient is exact, and grows as 1/‖v‖.
 *
 * The gradient is written out (FastH's algorithm 2): it takes the triangles of the forward pass and needs no inverse of its own.
 * @see Mathiasen et al., What if Neural Networks had SVDs?, 2020 (arXiv:2009.13977)
 */
import * as tf from '@tensorflow/tfjs-core';
import { shown } from '../compile/errors';
import { ArgumentError } from '../errors';
import { aboveDiagonal, wyTriangles } from './wy-triangle';

/** How products of reflections are computed; the numbers are the same to rounding. */
export interface HouseholderOptions {
  /**
   * Reflections in one WY block, at least 1. Default 128. Measured on the training step of a GPT of width 128 (matrices up to
   * 512×128) and on 512×512: 64 to 256 take the same time, 32 about a seventh longer, 16 almost half, for their many small
   * products.
   */
  readonly blockSize?: number;
}

/** Reflections in one WY block, unless it is said. */
const DEFAULT_BLOCK = 128;

/** A vector whose squared norm is below this counts as 0. */
const SMALLEST_SQUARE = 1e-30;

/**
 * Rows divided by their norms; rows shorter than 1e-15 become 0. The gradient is exact, and 0 for those.
 *
 * @param vectors [k, d], elements below 1e17
 */
export function unitRows(vectors: tf.Tensor2D): tf.Tensor2D {
  const unit = tf.customGrad((x, save) => {
    const v = x as tf.Tensor2D;
    const square = tf.sum(tf.square(v), 1, true); // [k, 1]
    const counts = tf.cast(tf.greaterEqual(square, SMALLEST_SQUARE), 'float32');
    const factor = tf.mul(counts, tf.rsqrt(tf.maximum(square, SMALLEST_SQUARE)));
    const value = tf.mul(v, factor);
    (save as tf.GradSaveFunc)([value, factor]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, [y, factor]: tf.Tensor[]) => {
        const along = tf.sum(tf.mul(y as tf.Tensor, dy), 1, true);
        return tf.mul(tf.sub(dy, tf.mul(y as tf.Tensor, along)), factor as tf.Tensor);
      },
    };
  });
  return unit(vectors) as tf.Tensor2D;
}

/** A WY block: I − YᵀTY. */
interface Block {
  /** Y, [vectors, dimension], rows of norm 1 or 0. */
  readonly unit: tf.Tensor2D;
  /** T, [vectors, vectors]; a function of Y, whose part in the gradient the products take into account. */
  readonly triangle: tf.Tensor2D;
}

/** The blocks of several products, from left to right. */
function blocksOf(products: readonly tf.Tensor2D[], blockSize: number): Block[][] {
  const parts = products.map((vectors) => {
    const unit = unitRows(vectors);
    const [count, dimension] = vectors.shape;
    if (count <= blockSize) return [unit];
    return Array.from({ length: Math.ceil(count / blockSize) }, (_, i) => {
      const first = i * blockSize;
      return tf.slice(unit, [first, 0], [Math.min(blockSize, count - first), dimension]);
    });
  });
  const triangles = wyTriangles(parts.flat()).values();
  return parts.map((units) =>
    units.map((unit) => ({ unit, triangle: triangles.next().value as tf.Tensor2D })),
  );
}

/**
 * dY of a product with one block, from what the forward and the backward pass have: the share of Y itself and that of T,
 * whose inverse holds the products of Y's rows.
 *
 * @param direct what Y has but for T
 * @param inverse the gradient with respect to T⁻¹
 */
function blockGradient(unit: tf.Tensor2D, direct: tf.Tensor2D, inverse: tf.Tensor2D): tf.Tensor2D {
  const above = tf.mul(inverse, aboveDiagonal(unit.shape[0]));
  return tf.add(direct, tf.matMul(tf.add(above, tf.transpose(above)), unit));
}

/**
 * Every row x_i of x replaced by B·x_i, or Bᵀ·x_i with `transposed`, B = I − YᵀTY.
 *
 * @param x [rows, dimension]
 */
function reflect(x: tf.Tensor2D, block: Block, transposed: boolean): tf.Tensor2D {
  const apply = tf.customGrad((...args) => {
    const [x, unit, save] = args as unknown as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
    const { triangle } = block;
    const mixed: tf.Tensor2D = tf.matMul(tf.matMul(x, unit, false, true), triangle, false, !transposed);
    const value = tf.sub(x, tf.matMul(mixed, unit));
    save([x, unit, triangle, mixed]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, unit, triangle, mixed] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
        const back: tf.Tensor2D = tf.neg(
          tf.matMul(tf.matMul(dy as tf.Tensor2D, unit, false, true), triangle, false, transposed),
        ); // gradient with respect to x·Yᵀ
        const direct: tf.Tensor2D = tf.sub(
          tf.matMul(back, x, true),
          tf.matMul(mixed, dy as tf.Tensor2D, true),
        );
        const inverse = transposed ? tf.matMul(mixed, back, true) : tf.matMul(back, mixed, true);
        return [
          tf.add(dy, tf.matMul(back, unit)),
          blockGradient(unit, direct, tf.neg(inverse) as tf.Tensor2D),
        ];
      },
    };
  });
  return apply(x, block.unit) as tf.Tensor2D;
}

/**
 * The first columns of B = I − YᵀTY, as rows: `reflect` of rows of the identity, without the products with it.
 *
 * @returns [count, dimension]
 */
function firstColumns(block: Block, count: number): tf.Tensor2D {
  const [vectors, dimension] = block.unit.shape;
  const apply = tf.customGrad((x, save) => {
    const unit = x as tf.Tensor2D;
    const { triangle } = block;
    const own = tf.slice(unit, [0, 0], [vectors, count]);
    const mixed: tf.Tensor2D = tf.matMul(own, triangle, true, true); // [count, vectors]
    const value = tf.sub(tf.eye(count, dimension), tf.matMul(mixed, unit));
    (save as tf.GradSaveFunc)([unit, triangle, mixed]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [unit, triangle, mixed] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
        const back: tf.Tensor2D = tf.neg(
          tf.matMul(tf.matMul(dy as tf.Tensor2D, unit, false, true), triangle),
        ); // [count, vectors]
        const turned: tf.Tensor2D = tf.transpose(back);
        const padded: tf.Tensor2D =
          count === dimension
            ? turned
            : tf.pad(turned, [
                [0, 0],
                [0, dimension - count],
              ]);
        const direct: tf.Tensor2D = tf.sub(padded, tf.matMul(mixed, dy as tf.Tensor2D, true));
        return blockGradient(unit, direct, tf.neg(tf.matMul(turned, mixed)));
      },
    };
  });
  return apply(block.unit) as tf.Tensor2D;
}

/** Which columns of which product. */
export interface HouseholderColumns {
  /** [k, d], the reflections from left to right. */
  readonly vectors: tf.Tensor2D;
  /** How many of the first columns of Q, 1 to d. */
  readonly columns: number;
}

/**
 * The first columns of several products at once, as rows; one call for all matrices of a model costs less than one for each.
 *
 * @returns of each product [columns, d], orthonormal rows
 * @throws {ArgumentError} for vectors that are no matrix, a number of columns out of range or a block size below 1
 */
export function orthonormalRows(
  products: readonly HouseholderColumns[],
  options: HouseholderOptions = {},
): tf.Tensor2D[] {
  const blockSize = checkedBlockSize(options);
  for (const { vectors, columns } of products) {
    checkVectors(vectors);
    const [, dimension] = vectors.shape;
    if (!Number.isInteger(columns) || columns < 1 || columns > dimension) {
      throw new ArgumentError(`columns is ${shown(columns)}, expected an integer from 1 to ${dimension}`);
    }
  }
  const blocks = blocksOf(
    products.map(({ vectors }) => vectors),
    blockSize,
  );
  return products.map(({ columns }, i) => {
    const own = blocks[i] as Block[];
    return own
      .slice(0, -1)
      .reduceRight((rows, block) => reflect(rows, block, false), firstColumns(own.at(-1) as Block, columns));
  });
}

/**
 * Q = H(v₁)⋯H(v_k), or its first columns.
 *
 * @param vectors [k, d], v_i in row i; any length
 * @param columns 1 to d; default d
 * @returns [d, columns], orthonormal columns
 * @throws {ArgumentError} for vectors that are no matrix, a number of columns out of range or a block size below 1
 */
export function householderMatrix(
  vectors: tf.Tensor2D,
  { columns, ...options }: HouseholderOptions & { readonly columns?: number } = {},
): tf.Tensor2D {
  checkVectors(vectors);
  const [rows] = orthonormalRows([{ vectors, columns: columns ?? vectors.shape[1] }], options);
  return tf.transpose(rows as tf.Tensor2D);
}

/**
 * Q·x_i for every row x_i of x, or Qᵀ·x_i with `transposed`, without forming Q.
 *
 * @param vectors [k, d], v_i in row i; any length
 * @param x [rows, d]
 * @returns [rows, d]
 * @throws {ArgumentError} for shapes that do not fit each other or a block size below 1
 */
export function applyHouseholder(
  vectors: tf.Tensor2D,
  x: tf.Tensor2D,
  { transposed = false, ...options }: HouseholderOptions & { readonly transposed?: boolean } = {},
): tf.Tensor2D {
  const blockSize = checkedBlockSize(options);
  checkVectors(vectors);
  if (x.shape.length !== 2 || x.shape[1] !== vectors.shape[1]) {
    throw new ArgumentError(
      `x has shape [${x.shape.join(', ')}], expected [rows, ${vectors.shape[1]}] for vectors of shape [${vectors.shape.join(', ')}]`,
    );
  }
  const [blocks] = blocksOf([vectors], blockSize) as [Block[]];
  const inOrder = transposed ? blocks : [...blocks].reverse();
  return inOrder.reduce((rows, block) => reflect(rows, block, transposed), x);
}

/** @throws {ArgumentError} for anything but a matrix with rows and columns */
function checkVectors(vectors: tf.Tensor2D): void {
  if (vectors.shape.length !== 2 || vectors.size === 0) {
    throw new ArgumentError(
      `the reflection vectors have shape [${vectors.shape.join(', ')}], expected [reflections, dimension], at least 1 of each`,
    );
  }
}

/** @throws {ArgumentError} for a block size that is no integer of at least 1 */
function checkedBlockSize({ blockSize = DEFAULT_BLOCK }: HouseholderOptions): number {
  if (!Number.isSafeInteger(blockSize) || blockSize < 1) {
    throw new ArgumentError(`blockSize is ${shown(blockSize)}, expected an integer of at least 1`);
  }
  return blockSize;
}
