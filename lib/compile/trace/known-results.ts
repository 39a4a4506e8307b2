/** @file Kernels whose results are known while tracing, so that no node is recorded. */
import type * as tf from '@tensorflow/tfjs-core';
import { makeValue, type Value } from '../graph';
import type { DType } from '../host';
import type { TraceBackend } from './backend';
import { linSpace, range } from './sequences';

/** A kernel's call; `x` is there for the kernels that take it. */
export interface KernelCall {
  readonly inputs: { readonly x: tf.Tensor };
  readonly attrs: Readonly<Record<string, unknown>>;
}

type KnownResult = (backend: TraceBackend, call: KernelCall) => Value;

function filled(dtype: string, shape: readonly number[], fill: number): Value {
  return makeValue(dtype as DType, [...shape], { fill });
}

export const KNOWN_RESULTS: Readonly<Record<string, KnownResult>> = {
  Identity: (backend, { inputs }) => backend.value(inputs.x),
  Fill: (_, { attrs }) =>
    filled((attrs.dtype as string | undefined) ?? 'float32', attrs.shape as number[], attrs.value as number),
  ZerosLike: (_, { inputs: { x } }) => filled(x.dtype, x.shape, 0),
  OnesLike: (_, { inputs: { x } }) => filled(x.dtype, x.shape, 1),
  Range: (_, { attrs }) => range(attrs),
  LinSpace: (_, { attrs }) => linSpace(attrs),
};
