/** @file Optimisers as chains of gradient transformations. */
export { type ScaleByAdamOptions, scaleByAdam } from './adam';
export { addNoise, type NoiseOptions } from './noise';
export {
  adam,
  adamw,
  checkOptimizerOptions,
  OPTIMIZERS,
  type OptimizerName,
  type OptimizerOptions,
  type OptionNames,
} from './presets';
export { addDecayedWeights, DECAY_TARGETS, type DecayOptions, type DecayTarget, scale } from './scale';
export {
  type CosineOptions,
  constantSchedule,
  cosineSchedule,
  type ExponentialOptions,
  exponentialSchedule,
  type InverseSqrtOptions,
  inverseSqrtSchedule,
  joinSchedules,
  type LinearOptions,
  linearSchedule,
  type PiecewiseOptions,
  piecewiseSchedule,
  type Schedule,
  scaleBySchedule,
  warmup,
} from './schedule';
export { applyUpdates, chain, stateless, type Transform, type UpdateContext } from './transform';
