/**
 * @file A given matrix as the factors of `svdMatrix`, computed in double precision on the host: its singular value decomposition,
 * then the Householder reflections of each orthogonal part (Golub & Van Loan, Matrix Computations, algorithm 5.2.1).
 */
import { Matrix, SVD } from 'ml-matrix';
import type { HostTensor } from '../compile';
import { ArgumentError } from '../errors';

/** What `svdMatrix` takes, in host memory; `rank` is min(m, n), whatever the matrix. */
export interface HostSvdFactors {
  /** [rank, m], of length 1. */
  readonly uVectors: HostTensor;
  /** [rank, n], of length 1. */
  readonly vVectors: HostTensor;
  /** [rank]; the singular values in descending order, some of them with a minus sign. */
  readonly sigma: HostTensor;
}

/**
 * Factors of a matrix, which multiply to it but for rounding to float32.
 *
 * @param matrix [m, n]
 * @throws {ArgumentError} for a number that is not finite, of which the decomposition would have no end
 */
export function factorMatrix({ shape, data }: HostTensor): HostSvdFactors {
  const [m, n] = shape as readonly [number, number];
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new ArgumentError(
      `the matrix has ${data[bad]} in row ${Math.floor(bad / n)}, column ${bad % n}; expected finite numbers, since no others have singular values`,
    );
  }
  const rank = Math.min(m, n);
  const svd = new SVD(Matrix.from1DArray(m, n, Array.from(data)), { autoTranspose: true });
  const u = reflectionsOf(svd.leftSingularVectors, rank);
  const v = reflectionsOf(svd.rightSingularVectors, rank);
  const sigma = Float32Array.from(
    { length: rank },
    (_, i) => (svd.diagonal[i] as number) * (u.signs[i] as number) * (v.signs[i] as number),
  );
  return {
    uVectors: { dtype: 'float32', shape: [rank, m], data: u.vectors },
    vVectors: { dtype: 'float32', shape: [rank, n], data: v.vectors },
    sigma: { dtype: 'float32', shape: [rank], data: sigma },
  };
}

/**
 * The reflections whose product has, up to signs, the first columns of a matrix with orthonormal columns. Each brings one column
 * to a multiple of a unit vector, and leaves the coordinates before it alone.
 */
function reflectionsOf(columns: Matrix, rank: number): { vectors: Float32Array; signs: number[] } {
  const dimension = columns.rows;
  const left = columns.to2DArray(); // [dimension][column], what remains of the columns
  const at = (row: number) => left[row] as number[];
  const vectors = new Float32Array(rank * dimension);
  const signs = Array.from({ length: rank }, (_, j) => {
    const v = Float64Array.from({ length: dimension }, (_, i) => (i < j ? 0 : (at(i)[j] as number)));
    const norm = Math.hypot(...v);
    if (norm === 0) return 1; // a column of zeros, where the singular value is 0 too
    const sign = (v[j] as number) < 0 ? -1 : 1;
    v[j] = (v[j] as number) + sign * norm; // away from 0, so that nothing cancels
    const length = Math.hypot(...v);
    vectors.set(
      v.map((x) => x / length),
      j * dimension,
    );
    for (let column = j; column < rank; column++) {
      let dot = 0;
      for (let i = j; i < dimension; i++) dot += (v[i] as number) * (at(i)[column] as number);
      const factor = (2 * dot) / (length * length);
      for (let i = j; i < dimension; i++)
        at(i)[column] = (at(i)[column] as number) - factor * (v[i] as number);
    }
    return -sign;
  });
  return { vectors, signs };
}
