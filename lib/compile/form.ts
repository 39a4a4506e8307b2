/** @file Whether tensors have the element type, shape and length that a program was compiled for. */
import { CompileError } from './errors';
import { describe } from './graph';
import { type DType, sizeOf, type WideTensor } from './host';
import { type Spec, sameShape } from './kernels/rule';
import type { Precision } from './target';

/** Typed arrays that may hold the elements of each type. */
const ARRAYS: Readonly<Record<DType, readonly string[]>> = {
  float32: ['Float32Array', 'Float64Array'],
  int32: ['Int32Array'],
  bool: ['Uint8Array'],
};

/** Checks an input of a program against the form it was compiled for. */
export function checkForm(
  name: string,
  tensor: WideTensor | undefined,
  { dtype, shape }: Spec,
): asserts tensor is WideTensor {
  if (tensor === undefined || tensor.dtype !== dtype || !sameShape(tensor.shape, shape)) {
    throw new CompileError(
      `${name} is ${tensor === undefined ? 'missing' : describe(tensor)}, expected ${describe({ dtype, shape })}`,
    );
  }
  // By name: a page's frames and a notebook's cells have typed arrays of their own.
  const array = tensor.data[Symbol.toStringTag];
  if (!ARRAYS[dtype].includes(array)) {
    throw new CompileError(
      `${name} is ${describe(tensor)} with its elements in ${array}, expected ${ARRAYS[dtype].join(' or ')}; convert the elements`,
    );
  }
  if (tensor.data.length !== sizeOf(shape)) {
    throw new CompileError(
      `${name} has ${tensor.data.length} elements, expected ${sizeOf(shape)} for ${describe(tensor)}`,
    );
  }
}

/**
 * A tensor with its float32 elements in the precision of a program.
 * @throws CompileError where doubles are given to a program that computes in float32.
 */
export function inPrecision(name: string, tensor: WideTensor, precision: Precision): WideTensor {
  const { dtype, data } = tensor;
  if (dtype !== 'float32') return tensor;
  if (precision === 'float64') {
    return data instanceof Float64Array ? tensor : { ...tensor, data: Float64Array.from(data) };
  }
  if (!(data instanceof Float64Array)) return tensor;
  throw new CompileError(
    `${name} is a Float64Array, expected a Float32Array; round it, or compile with precision: 'float64'`,
  );
}
