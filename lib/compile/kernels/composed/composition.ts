/**
 * @file Kernels that are said in other tfjs operations while a step is traced, instead of having a lowering of their
 * own: passes, precisions, devices and batching then need to know nothing of them.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { Attributes, Value } from '../../graph';
import { refusal } from '../rule';

/** The tensors of a call by tfjs's names for them; `'0'`, `'1'` … where the kernel takes a list. */
export type Inputs = Readonly<Record<string, tf.Tensor>>;

/**
 * The result of a kernel's call by other operations. Gradients do not flow through these: tfjs records the call itself,
 * with the gradient of its kernel. `undefined` leaves the call as it is, for the kernel's own rule.
 */
export type Composition = (inputs: Inputs, attrs: Attributes) => tf.Tensor | undefined;

/** Compositions by kernel name. */
export type Compositions = Readonly<Record<string, Composition>>;

/** The input of this name, which tfjs always gives. */
export function input(inputs: Inputs, name: string): tf.Tensor {
  const tensor = inputs[name];
  if (tensor === undefined) throw new RangeError(`the kernel was called without its input '${name}'`);
  return tensor;
}

/** The error for a call that has no composition. */
export function refusedCall(kernel: string, inputs: Inputs, reason: string): Error {
  return refusal(kernel, Object.values(inputs) as readonly tf.Tensor[] as unknown as Value[], reason);
}
