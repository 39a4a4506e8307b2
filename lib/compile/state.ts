/** @file The forms a state takes: tensors inside a step, host memory outside, and what may be given for either. */
import * as tf from '@tensorflow/tfjs-core';
import type { HostTensor, WideTensor } from './host';
import type { DeviceTensor } from './runtime';
import type { Precision } from './target';
import { checkedDType } from './trace/backend';
import { mapTree, type Tree } from './tree';

/** Nested records of tensors: the form of parameters and optimiser state. */
export type TensorTree = Tree<tf.Tensor>;

/** The same records with tensors in host memory. */
export type HostTree = Tree<HostTensor>;

/** A state as it may be given to a program: eager tensors, host tensors, or both. */
export type StateTree = Tree<tf.Tensor | WideTensor>;

/** The state `S` with another kind of leaf. */
type WithLeaves<S, Leaf> = S extends tf.Tensor | WideTensor
  ? Leaf
  : { readonly [K in keyof S]: WithLeaves<S[K], Leaf> };

/** The state `S` as a step sees it. */
export type TensorsOf<S> = WithLeaves<S, tf.Tensor>;

/** The state `S` in host memory. */
export type HostOf<S, P extends Precision = 'float32'> = WithLeaves<S, HostTensorOf<P>>;

/** What a program of a precision returns. */
export type HostTensorOf<P extends Precision> = P extends 'float32' ? HostTensor : WideTensor;

/** What one step returns. */
export interface StepResult<S extends StateTree = StateTree> {
  /** The next state; the same names, shapes and types as the state given. */
  readonly state: TensorsOf<S>;
  /** What to report of this step, by name. */
  readonly metrics: Readonly<Record<string, tf.Tensor>>;
}

/** A training step: pure, made of tfjs operations. Tensors it closes over are compiled in as constants. */
export type Step<S extends StateTree = StateTree> = {
  // A method's parameter may be narrower than declared: a step may call its weights `Tensor2D`.
  step(state: TensorsOf<S>): StepResult<S>;
}['step'];

/** State on the program's device. Opaque: `Program.put` makes it, `Program.get` reads it. */
export interface DeviceState {
  readonly tensors: readonly DeviceTensor[];
  /** Path, type and shape of each. */
  readonly form: readonly string[];
}

/** What a run of several steps returns. */
export interface RunResult<P extends Precision = 'float32'> {
  readonly state: DeviceState;
  /** Each metric of every step: shape `[steps, …]`. */
  readonly metrics: Readonly<Record<string, HostTensorOf<P>>>;
}

/** Whether a node of a tree is a leaf. */
export function isTensor(node: TensorTree): node is tf.Tensor {
  return node instanceof tf.Tensor;
}

/** Whether a node of a tree in host memory is a leaf. */
export function isHostTensor(node: HostTree): node is HostTensor {
  return isWideTensor(node);
}

/** Whether a node of a tree in host memory, perhaps of doubles, is a leaf. */
export function isWideTensor(node: Tree<WideTensor>): node is WideTensor {
  return ArrayBuffer.isView((node as WideTensor).data) && Array.isArray((node as WideTensor).shape);
}

/** Copies an eager tensor into host memory. */
export function toHost(tensor: tf.Tensor): HostTensor {
  return {
    dtype: checkedDType(tensor.dtype),
    shape: [...tensor.shape],
    data: tensor.dataSync().slice() as HostTensor['data'],
  };
}

/** Copies eager tensors of a state into host memory; host tensors are taken as they are. */
export function hostTreeOf(state: StateTree): Tree<WideTensor> {
  const isLeaf = (node: StateTree): node is tf.Tensor | WideTensor =>
    node instanceof tf.Tensor || isWideTensor(node as Tree<WideTensor>);
  return mapTree(state, isLeaf, (leaf) => (leaf instanceof tf.Tensor ? toHost(leaf) : leaf));
}
