/** @file The state that a training program carries from step to step. */
import * as tf from '@tensorflow/tfjs-core';
import {
  type HostTensor,
  type HostTree,
  isHostTensor,
  isTensor,
  leavesOf,
  mapTree,
  type Tree,
  toHost,
  withBackend,
} from '../compile';
import { type Params, toTensors } from '../models/params';

/** Tensors are `HostTensor`s between calls and traced tensors inside a step. */
export type TrainState<L = HostTensor> = {
  readonly params: Tree<L>;
  /** In the form that the optimiser's `init` gives it. */
  readonly optimizer: Tree<L>;
  /** Updates done so far, int32 scalar. */
  readonly step: L;
  /** Evaluate at steps that are a multiple of `every`, and at `last`; int32 scalars. */
  readonly schedule: { readonly every: L; readonly last: L };
};

/** Runs a function of eager tensors on a host tree, on tfjs's CPU backend, and reads its result back. */
export function toHostTree(f: (params: Params) => Params, tree: HostTree): HostTree {
  return withBackend('cpu', () => {
    let result: HostTree = {};
    tf.tidy(() => {
      result = mapTree(f(toTensors(tree)), isTensor, toHost) as HostTree;
    });
    return result;
  });
}

/** Host tensors of a tree by their dotted names. */
export function namedHostTensors(tree: Tree<HostTensor>): [name: string, tensor: HostTensor][] {
  return leavesOf(tree, isHostTensor);
}
