/** @file Adam's rescaling of gradients by running moments (Kingma & Ba 2015, algorithm 1). */
import * as tf from '@tensorflow/tfjs-core';
import { mapParams, type Params } from '../models/params';
import type { Transform } from './transform';

export interface ScaleByAdamOptions {
  /** Decay rate of the first moment, in [0, 1). */
  readonly beta1?: number;
  /** Decay rate of the second moment, in [0, 1). */
  readonly beta2?: number;
  /** Added to the root of the second moment, at least 0. */
  readonly eps?: number;
}

/** 1 − βᵗ for update number t = step + 1, without the cancellation of the direct form. */
function biasCorrection(beta: number, step: tf.Tensor): tf.Tensor {
  const t = tf.add(tf.cast(step, 'float32'), 1);
  return tf.neg(tf.expm1(tf.mul(t, Math.log(beta))));
}

/** u = m̂/(√v̂ + eps) with bias-corrected moments m̂ and v̂. State: `first` and `second`, in the form of the parameters. */
export function scaleByAdam({ beta1 = 0.9, beta2 = 0.98, eps = 1e-8 }: ScaleByAdamOptions = {}): Transform {
  return {
    init: (params) => ({
      first: mapParams(params, [], (p) => tf.zerosLike(p)),
      second: mapParams(params, [], (p) => tf.zerosLike(p)),
    }),
    update: (gradients, state, { step }) => {
      const moments = state as { readonly first: Params; readonly second: Params };
      const first = mapParams(moments.first, [gradients], (m, g) =>
        tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1)),
      );
      const second = mapParams(moments.second, [gradients], (v, g) =>
        tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2)),
      );
      const correction1 = tf.reciprocal(biasCorrection(beta1, step));
      const correction2 = tf.reciprocal(tf.sqrt(biasCorrection(beta2, step)));
      const updates = mapParams(gradients, [first, second], (_, m, v) =>
        tf.div(tf.mul(m, correction1), tf.add(tf.mul(tf.sqrt(v), correction2), eps)),
      );
      return { updates, state: { first, second } };
    },
  };
}
