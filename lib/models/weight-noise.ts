/** @file Noise on the parameters of a training step's forward pass, the "weight noise" of Power et al. 2022. */
import * as tf from '@tensorflow/tfjs-core';
import { isTensor, mapTree, randomNormal } from '../compile';
import type { Params } from './params';

/** How strong noise is and what it is drawn from. */
export interface WeightNoiseOptions {
  /** Standard deviation of each element, at least 0; the paper's is 0.01. */
  readonly std: number;
  /** The run's seed, a whole number from 0 to 2⁵³ − 1. */
  readonly seed: number;
  /** The training step, int32 scalar. */
  readonly step: tf.Tensor;
}

/**
 * The parameters plus independent normal noise, new at each step: what a model computes its training loss with. The
 * gradient with respect to the noisy parameters is that of the parameters themselves, and the update is made on those.
 * The noise of a parameter is a function of seed, step and the parameter's name; at std 0 these are the same tensors.
 * @see Power et al., Grokking, 2022, appendix A.1.2
 */
export function weightNoise<P extends Params>(params: P, { std, seed, step }: WeightNoiseOptions): P {
  if (std === 0) return params;
  return mapTree(params, isTensor, (tensor, path) => {
    const noise = randomNormal(tensor.shape, { seed, purpose: `weight-noise/${path}`, step });
    return tf.add(tensor, tf.mul(noise, std));
  }) as P;
}
