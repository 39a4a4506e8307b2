/** @file Adam's rescaling of gradients by running moments (Kingma & Ba 2015, algorithm 1). */
import * as tf from '@tensorflow/tfjs-core';
import { mapParams, type Params } from '../models/params';
import { debias, debiasRoot, divisor, type EpsMode, movingMean, movingMeanSquare, zerosOf } from './moments';
import type { Transform } from './transform';

export interface ScaleByAdamOptions {
  /** Decay rate of the first moment, in [0, 1). */
  readonly beta1?: number;
  /** Decay rate of the second moment, in [0, 1). */
  readonly beta2?: number;
  /** Keeps the root of the second moment away from 0; at least 0. */
  readonly eps?: number;
  /** Whether eps is added to that root, as in the paper, or is the least it can be. Default `'add'`. */
  readonly epsMode?: EpsMode;
}

/**
 * u = m̂/(√v̂ + eps), or m̂/max(√v̂, eps), with bias-corrected moments m̂ and v̂. State: `first` and `second`, in the form of
 * the parameters.
 */
export function scaleByAdam({
  beta1 = 0.9,
  beta2 = 0.98,
  eps = 1e-8,
  epsMode = 'add',
}: ScaleByAdamOptions = {}): Transform {
  return {
    init: (params) => ({ first: zerosOf(params), second: zerosOf(params) }),
    update: (gradients, state, { step }) => {
      const moments = state as { readonly first: Params; readonly second: Params };
      const first = movingMean(moments.first, gradients, beta1);
      const second = movingMeanSquare(moments.second, gradients, beta2);
      const correction1 = debias(beta1, step);
      const correction2 = debiasRoot(beta2, step);
      const updates = mapParams(gradients, [first, second], (_, m, v) =>
        tf.div(tf.mul(m, correction1), divisor(v, correction2, { eps, mode: epsMode })),
      );
      return { updates, state: { first, second } };
    },
  };
}
