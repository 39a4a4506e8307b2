/** @file Named optimisers, each a chain of transformations. */
import { scaleByAdam } from './adam';
import { checkIsRecord, checkOptimizerOptions } from './check-options';
import { addNoise } from './noise';
import {
  type AnyOptimizerOptions,
  OPTIMIZER_DEFAULTS,
  type OptimizerName,
  type OptimizerOptions,
  type TrueGradName,
  type TrueGradOptimizerOptions,
} from './options';
import { addDecayAsReleased } from './released-decay';
import { addDecayedWeights, scale } from './scale';
import { constantSchedule, type Schedule, scaleBySchedule, warmup } from './schedule';
import { chain, type Transform } from './transform';
import { scaleByTrueGradAdam, scaleByTrueGradLaProp, scaleByTrueGradRms } from './true-grad';

/** The options that any of them has. */
type Shared = OptimizerOptions | TrueGradOptimizerOptions;

function moments({ betas: [beta1, beta2], eps = 1e-8, epsMode = 'add' }: OptimizerOptions): Transform {
  return scaleByAdam({ beta1, beta2, eps, epsMode });
}

function decay({ weightDecay, decayTo = 'zero', decays = () => true }: Shared): Transform {
  return addDecayedWeights(weightDecay, { towards: decayTo, decays });
}

/** The links between the rescaling and the learning rate: none without noise, so that a chain keeps its places. */
function noise({ gradientNoise = 0, seed = 0 }: Shared): readonly Transform[] {
  return gradientNoise === 0 ? [] : [addNoise({ std: gradientNoise, seed })];
}

/** The learning rate at each step, warm-up included. */
function rate({ learningRate, warmup: steps = 0 }: Shared): Schedule {
  const schedule = typeof learningRate === 'number' ? constantSchedule(learningRate) : learningRate;
  return steps === 0 ? schedule : warmup(steps, schedule);
}

/** Downhill by the learning rate. */
function descend(options: Shared): readonly Transform[] {
  const { learningRate, warmup: steps = 0 } = options;
  if (steps === 0 && typeof learningRate === 'number') return [scale(-learningRate)];
  return [scaleBySchedule(rate(options)), scale(-1)];
}

/**
 * Adam with decoupled weight decay: w ← w − lr·(u + weightDecay·w), PyTorch's `AdamW`.
 * @throws ArgumentError for an option outside its range.
 */
export function adamw(options: OptimizerOptions): Transform {
  checkOptimizerOptions(options, {}, 'adamw');
  return chain(moments(options), decay(options), ...noise(options), ...descend(options));
}

/**
 * Adam with an L2 penalty in the gradient: g ← g + weightDecay·w, PyTorch's `Adam`.
 * @throws ArgumentError for an option outside its range.
 */
export function adam(options: OptimizerOptions): Transform {
  checkOptimizerOptions(options, {}, 'adam');
  return chain(decay(options), moments(options), ...noise(options), ...descend(options));
}

/**
 * Adam whose second moment is TrueGrad's (`scaleByTrueGradAdam`), with decoupled weight decay: w ← w − lr·(u + weightDecay·w).
 * `adamw` with `betas` [0.9, 0.999], `eps` 1e-12 and `epsMode` `'floor'` differs from it without `graft` in S alone.
 * @throws ArgumentError for an option outside its range; its update, where the step forms no squares.
 */
export function tgAdamW(options: TrueGradOptimizerOptions): Transform {
  return trueGrad('tgadamw', scaleByTrueGradAdam, options);
}

/**
 * LaProp whose second moment is TrueGrad's (`scaleByTrueGradLaProp`), with decoupled weight decay.
 * @throws ArgumentError for an option outside its range; its update, where the step forms no squares.
 */
export function tgLaProp(options: TrueGradOptimizerOptions): Transform {
  return trueGrad('tglaprop', scaleByTrueGradLaProp, options);
}

/**
 * Debiased RMSProp whose second moment is TrueGrad's (`scaleByTrueGradRms`), with decoupled weight decay.
 * @throws ArgumentError for an option outside its range; its update, where the step forms no squares.
 */
export function tgRmsProp(options: TrueGradOptimizerOptions): Transform {
  return trueGrad('tgrmsprop', scaleByTrueGradRms, options);
}

/** What the three rescalings take; without a mean of gradients, `beta1` is left alone. */
type Rescaling = (rates: {
  readonly beta1: number;
  readonly beta2: number;
  readonly beta3: number;
  readonly eps: number;
  readonly graft: boolean;
}) => Transform;

/** A TrueGrad optimiser: its defaults where nothing is said, its rescaling, decoupled weight decay. */
function trueGrad(name: TrueGradName, rescaling: Rescaling, options: TrueGradOptimizerOptions): Transform {
  checkIsRecord(options);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const defaults: Required<Pick<AnyOptimizerOptions, 'betas' | 'eps' | 'graft'>> = OPTIMIZER_DEFAULTS[name];
  const complete: AnyOptimizerOptions & typeof defaults = {
    ...options,
    ...defaults,
    ...Object.fromEntries(given),
  };
  checkOptimizerOptions(complete, {}, name);
  const { betas, eps, graft } = complete;
  const [beta1, beta2] = betas;
  return decayed(rescaling({ beta1, beta2, beta3: complete.beta3 ?? beta2, eps, graft }), complete);
}

/** A rescaling with decoupled weight decay, once: in the direction of the update, or as the released package does. */
function decayed(rescale: Transform, options: AnyOptimizerOptions): Transform {
  if (!options.decayAsReleased) {
    return chain(rescale, decay(options), ...noise(options), ...descend(options));
  }
  const asReleased = addDecayAsReleased({ weightDecay: options.weightDecay, learningRate: rate(options) });
  return chain(rescale, ...noise(options), ...descend(options), asReleased);
}

/** Optimisers by the name that the command line uses. */
export const OPTIMIZERS = {
  adamw,
  adam,
  tgadamw: tgAdamW,
  tglaprop: tgLaProp,
  tgrmsprop: tgRmsProp,
} as const satisfies Readonly<Record<OptimizerName, (options: AnyOptimizerOptions) => Transform>>;
