/** @file A step whose metrics are random tensors of every kind. */
import * as tf from '@tensorflow/tfjs-core';
import {
  bernoulli,
  type HostTensor,
  randomNormal,
  randomUniform,
  randomWords,
  type Step,
} from '../../../lib/compile';

const SHAPE = [40, 50];

export const RANDOM_STATE = {
  step: { dtype: 'int32', shape: [], data: Int32Array.of(5) } satisfies HostTensor,
};

export const randomStep: Step<typeof RANDOM_STATE> = ({ step }) => {
  const key = (purpose: string) => ({ seed: 2 ** 40 + 7, purpose, step });
  return {
    state: { step: tf.add(step, tf.scalar(1, 'int32')) },
    metrics: {
      words: randomWords(SHAPE, key('words')),
      uniform: randomUniform(SHAPE, key('uniform')),
      event: bernoulli(0.3, SHAPE, key('event')),
      normal: randomNormal(SHAPE, key('normal')),
    },
  };
};
