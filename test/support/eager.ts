/** @file Numbers that eager tfjs computes. */
import * as tf from '@tensorflow/tfjs-core';
import { type HostTensor, toHost, withBackend } from '../../lib/compile';

/**
 * What a function's tensors hold, on tfjs's CPU backend. Not handed out by `tf.tidy`, which looks for tensors in all that
 * it is given back, number by number.
 */
export function eagerly(f: () => readonly tf.Tensor[]): HostTensor[] {
  return withBackend('cpu', () => {
    let results: HostTensor[] = [];
    tf.tidy(() => {
      results = f().map(toHost);
    });
    return results;
  });
}
