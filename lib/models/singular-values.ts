/**
 * @file The singular values of a matrix, by ml-matrix's decomposition in float64 (bidiagonalisation and implicit QR steps,
 * after LINPACK's and JAMA's SVD). Not by the eigenvalues of the Gram matrix WᵀW, which are squares: below 1e-8 of the
 * largest, a singular value taken from them is round-off.
 *
 * @see Golub & Van Loan 2013, "Matrix Computations", 8.6
 */
import { Matrix, QrDecomposition, SingularValueDecomposition } from 'ml-matrix';
import { ArgumentError } from '../errors';

/** A matrix as plain numbers. */
export interface DenseMatrix {
  /** [rows, columns], each at least 1. */
  readonly shape: readonly [rows: number, columns: number];
  /** Row-major, rows · columns numbers. */
  readonly data: ArrayLike<number>;
}

/**
 * How many times longer than wide a matrix is from where on it is replaced by the R of its QR decomposition, whose
 * singular values are the same: the decomposition then takes a third less time.
 */
const LONG = 2;

/**
 * A number below this share of the largest changes no digit of any singular value that is above as small a share. The
 * decomposition divides by the lengths of columns, and would lose all digits where those are subnormal.
 */
const NEGLIGIBLE = 1e-100;

/**
 * All min(rows, columns) singular values, in descending order and not negative. A matrix with a number that is not finite
 * has none: all are NaN.
 *
 * @throws {ArgumentError} if the shape does not fit the data
 */
export function singularValues({ shape: [rows, columns], data }: DenseMatrix): Float64Array {
  if (!(rows >= 1 && columns >= 1 && rows * columns === data.length)) {
    throw new ArgumentError(
      `a matrix of shape [${rows}, ${columns}] was given with ${data.length} numbers, expected rows · columns of them and at least one`,
    );
  }
  const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)];
  let largest = 0;
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i] as number);
    // With such a number the iteration would not end.
    if (!Number.isFinite(size)) return new Float64Array(short).fill(Number.NaN);
    if (size > largest) largest = size;
  }
  if (largest === 0) return new Float64Array(short);
  const scale = 2 ** Math.floor(Math.log2(largest));
  const tall = new Matrix(long, short);
  for (let i = 0; i < data.length; i++) {
    const scaled = (data[i] as number) / scale;
    const value = Math.abs(scaled) < NEGLIGIBLE ? 0 : scaled;
    const [row, column] = [Math.floor(i / columns), i % columns];
    if (rows >= columns) tall.set(row, column, value);
    else tall.set(column, row, value);
  }
  const reduced = long >= LONG * short ? new QrDecomposition(tall).upperTriangularMatrix : tall;
  const { diagonal } = new SingularValueDecomposition(reduced, {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
  });
  return Float64Array.from(diagonal, (value) => value * scale);
}
