/** @file Transformations that only scale or add: a factor, the learning rate, weight decay. */
import * as tf from '@tensorflow/tfjs-core';
import { mapParams } from '../models/params';
import { stateless, type Transform } from './transform';

/** Multiplies updates by a number. */
export function scale(factor: number): Transform {
  return stateless((updates) => mapParams(updates, [], (u) => tf.mul(u, factor)));
}

/**
 * Adds `weightDecay` times the parameters to the updates. After Adam's rescaling this is decoupled weight decay
 * (Loshchilov & Hutter 2019); before it, on raw gradients, it is an L2 penalty that Adam rescales along with them.
 */
export function addDecayedWeights(weightDecay: number): Transform {
  return stateless((updates, { params }) =>
    weightDecay === 0 ? updates : mapParams(updates, [params], (u, p) => tf.add(u, tf.mul(p, weightDecay))),
  );
}
