/** @file Randomness inside a step, a function of (seed, purpose, step, index). */
export {
  bernoulli,
  dropout,
  dropoutMask,
  randomNormal,
  randomUniform,
  randomWords,
} from './functions';
export type { RandomKey } from './key';
export { type MinibatchOptions, minibatch, permutation } from './order';
