/** @file Transformations that only scale or add: a factor, the learning rate, weight decay. */
import * as tf from '@tensorflow/tfjs-core';
import { shown } from '../compile/errors';
import { ArgumentError } from '../errors';
import { mapParams, type Params } from '../models/params';
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
}

/**
 * Adds `weightDecay·(w − target)` to the updates. After Adam's rescaling this is decoupled weight decay (Loshchilov &
 * Hutter 2019); before it, on raw gradients, it is an L2 penalty that Adam rescales along with them.
 *
 * State: none where the target is 0; `initial`, in the form of the parameters, where it is their values at `init`.
 * @param weightDecay A number; 0 adds nothing and keeps no state.
 * @throws {ArgumentError} for another target
 */
export function addDecayedWeights(weightDecay: number, { towards = 'zero' }: DecayOptions = {}): Transform {
  if (!DECAY_TARGETS.includes(towards)) {
    throw new ArgumentError(`towards is ${shown(towards)}, expected 'zero' or 'init'`);
  }
  if (weightDecay === 0) return stateless((updates) => updates);
  if (towards === 'zero') {
    return stateless((updates, { params }) =>
      mapParams(updates, [params], (u, p) => tf.add(u, tf.mul(p, weightDecay))),
    );
  }
  return {
    init: (params) => ({ initial: mapParams(params, [], (p) => tf.clone(p)) }),
    update: (updates, state, { params }) => {
      const { initial } = state as { readonly initial: Params };
      return {
        updates: mapParams(updates, [params, initial], (u, p, start) =>
          tf.add(u, tf.mul(tf.sub(p, start), weightDecay)),
        ),
        state,
      };
    },
  };
}
