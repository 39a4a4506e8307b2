/** @file Optimisers as chains of gradient transformations. */
export { type ScaleByAdamOptions, scaleByAdam } from './adam';
export { checkOptimizerOptions, type OptionNames } from './check-options';
export { EPS_MODES, type EpsMode } from './moments';
export { addNoise, type NoiseOptions } from './noise';
export {
  type AnyOptimizerOptions,
  isTrueGrad,
  OPTIMIZER_DEFAULTS,
  type OptimizerName,
  type OptimizerOptions,
  type TrueGradName,
  type TrueGradOptimizerOptions,
} from './options';
export { adam, adamw, OPTIMIZERS, tgAdamW, tgLaProp, tgRmsProp } from './presets';
export { addDecayAsReleased, type ReleasedDecayOptions } from './released-decay';
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
export {
  type ScaleByTrueGradAdamOptions,
  type ScaleByTrueGradLaPropOptions,
  type ScaleByTrueGradRmsOptions,
  scaleByTrueGradAdam,
  scaleByTrueGradLaProp,
  scaleByTrueGradRms,
} from './true-grad';
