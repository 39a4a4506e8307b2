/** @file Gaussian noise in the updates, the "gradient noise" of Power et al. 2022. */
import * as tf from '@tensorflow/tfjs-core';
import { isTensor, mapTree, randomNormal } from '../compile';
import { stateless, type Transform } from './transform';

/** How strong noise is and what it is drawn from. */
export interface NoiseOptions {
  /** Standard deviation of each element, at least 0. */
  readonly std: number;
  /** The run's seed, a whole number from 0 to 2⁵³ − 1. */
  readonly seed: number;
}

/**
 * Adds independent normal noise to every element of the updates, new at each step. After Adam's rescaling and before the
 * learning rate this is the paper's W ← W + lr·(ΔW + ε), with std 1 for its ε. The noise of a parameter is a function of
 * seed, step and the parameter's name; 0 leaves the updates as they are.
 *
 * The paper's released code divides its noise by Adam's first bias correction too, which makes it up to 10 times as large
 * in the first updates; here it is of the same size throughout, as the paper has it.
 * @see Power et al., Grokking, 2022, appendix A.1.2
 */
export function addNoise({ std, seed }: NoiseOptions): Transform {
  return stateless((updates, { step }) =>
    std === 0
      ? updates
      : (mapTree(updates, isTensor, (update, path) => {
          const noise = randomNormal(update.shape, { seed, purpose: `gradient-noise/${path}`, step });
          return tf.add(update, tf.mul(noise, std));
        }) as typeof updates),
  );
}
