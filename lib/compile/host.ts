/** @file Tensors as plain host memory: what goes into a compiled program and what comes out of it. */

/** Element types a traced step may use. `bool` is stored as bytes 0 and 1. */
export type DType = 'float32' | 'int32' | 'bool';

/** Typed arrays that hold the elements of each `DType`. */
export interface TypedArrays {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
}

/** A tensor in row-major host memory. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArrays[DType];
}

/**
 * What a program compiled with `precision: 'float64'` takes and returns: a tensor whose float32 elements may be, and in
 * results are, double-precision numbers.
 */
export interface WideTensor extends Omit<HostTensor, 'data'> {
  readonly data: HostTensor['data'] | Float64Array;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
