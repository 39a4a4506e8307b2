/** @file Transformations that only scale or add: a factor, the learning rate, weight decay. */
import * as tf from '@tensorflow/tfjs-core';
import { isTensor, mapTree } from '../compile';
import { shown } from '../compile/errors';
import { ArgumentError } from '../errors';
import { mapParams, namedTensors, type Params } from '../models/params';
import { stateless, type Transform } from './transform';

/** Multiplies updates by a number. */
export function scale(factor: number): Transform {
  return stateless((updates) => mapParams(updates, [], (u) => tf.mul(u, factor)));
}

/** Where weight decay pulls the parameters: to 0, or to their initial values. */
export type DecayTarget = 'zero' | 'init';

/** The targets that weight decay can have. */
export const DECAY_TARGETS: readonly DecayTarget[] = ['zero', 'init'];

/** How weight decay is applied. */
export interface DecayOptions {
  /** Default `'zero'`. */
  readonly towards?: DecayTarget;
  /** Whether it acts on the parameter of this dotted name; default on every one. */
  readonly decays?: (name: string) => boolean;
}

/**
 * Adds `weightDecay·(w − target)` to the updates. After Adam's rescaling this is decoupled weight decay (Loshchilov &
 * Hutter 2019); before it, on raw gradients, it is an L2 penalty that Adam rescales along with them.
 *
 * State: none where the target is 0; `initial`, in the form of the parameters, where it is their values at `init`.
 * @param weightDecay A number; 0 adds nothing and keeps no state.
 * @throws {ArgumentError} for another target
 */
export function addDecayedWeights(
  weightDecay: number,
  { towards = 'zero', decays = () => true }: DecayOptions = {},
): Transform {
  if (!DECAY_TARGETS.includes(towards)) {
    throw new ArgumentError(`towards is ${shown(towards)}, expected 'zero' or 'init'`);
  }
  if (weightDecay === 0) return stateless((updates) => updates);
  const add = <P extends Params>(
    updates: P,
    params: Params,
    pullOf: (p: tf.Tensor, name: string) => tf.Tensor,
  ) => {
    const tensors = new Map(namedTensors(params));
    return mapTree(updates, isTensor, (u, name) =>
      decays(name) ? tf.add(u, tf.mul(pullOf(tensors.get(name) as tf.Tensor, name), weightDecay)) : u,
    ) as P;
  };
  if (towards === 'zero') return stateless((updates, { params }) => add(updates, params, (p) => p));
  return {
    init: (params) => ({ initial: mapParams(params, [], (p) => tf.clone(p)) }),
    update: (updates, state, { params }) => {
      const initial = new Map(namedTensors((state as { readonly initial: Params }).initial));
      const updated = add(updates, params, (p, name) => tf.sub(p, initial.get(name) as tf.Tensor));
      return { updates: updated, state };
    },
  };
}
