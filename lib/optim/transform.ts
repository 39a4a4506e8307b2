/**
 * @file An optimiser is a transformation of gradients with a state of its own; several make a chain. After optax
 * (DeepMind), `optax/_src/base.py` and `combine.py`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { mapParams, type Params } from '../models/params';

/** What a transformation may look at besides the gradients. */
export interface UpdateContext {
  readonly params: Params;
  /** Updates done before this one: 0 at the first. int32 scalar. */
  readonly step: tf.Tensor;
  /**
   * Mean over the examples of the squared gradient of each example's own loss, in the form of the parameters: TrueGrad's S.
   * Present where the training step forms it.
   */
  readonly squares?: Params;
}

/** A pure transformation of gradients into updates. `State` is a record of tensors, or `{}`. */
export interface Transform {
  /** The state before the first update. */
  init(params: Params): Params;
  update<P extends Params>(
    updates: P,
    state: Params,
    context: UpdateContext,
  ): { readonly updates: P; readonly state: Params };
}

/** A transformation that keeps no state. */
export function stateless(update: <P extends Params>(updates: P, context: UpdateContext) => P): Transform {
  return {
    init: () => ({}),
    update: (updates, state, context) => ({ updates: update(updates, context), state }),
  };
}

/** Applies transformations one after the other; its state is a record of theirs, by position. */
export function chain(...transforms: readonly Transform[]): Transform {
  return {
    init: (params) => Object.fromEntries(transforms.map((transform, i) => [i, transform.init(params)])),
    update: (gradients, state, context) => {
      const states = state as Readonly<Record<string, Params>>;
      const next: Record<string, Params> = {};
      let updates = gradients;
      for (const [i, transform] of transforms.entries()) {
        const result = transform.update(updates, states[i] as Params, context);
        updates = result.updates;
        next[i] = result.state;
      }
      return { updates, state: next };
    },
  };
}

/** params + updates. */
export function applyUpdates<P extends Params>(params: P, updates: Params): P {
  return mapParams(params, [updates], (p, u) => tf.add(p, u));
}
