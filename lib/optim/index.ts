/** @file Optimisers as chains of gradient transformations. */
export { type ScaleByAdamOptions, scaleByAdam } from './adam';
export {
  adam,
  adamw,
  checkOptimizerOptions,
  OPTIMIZERS,
  type OptimizerName,
  type OptimizerOptions,
} from './presets';
export { addDecayedWeights, scale } from './scale';
export { applyUpdates, chain, stateless, type Transform, type UpdateContext } from './transform';
