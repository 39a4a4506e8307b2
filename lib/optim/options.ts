/** @file The options of the named optimisers and their defaults. */
import type { EpsMode } from './moments';
import type { DecayTarget } from './scale';
import type { Schedule } from './schedule';

/** What every optimiser takes. */
interface CommonOptions {
  /** A positive number, or one for each step. */
  readonly learningRate: number | Schedule;
  /** At least 0. */
  readonly weightDecay: number;
  /**
   * Updates over which the learning rate rises linearly from 0: it is `min(1, step/warmup)` times its value, with the step
   * counted from 0, so that the first update is 0 and the one of step `warmup` is the first at the full rate, as in the
   * code released with Power et al. 2022. A schedule begins once it is over. A whole number; default 0, none.
   */
  readonly warmup?: number;
  /** Where weight decay pulls the parameters; default `'zero'`. */
  readonly decayTo?: DecayTarget;
  /**
   * Whether weight decay acts on the parameter of this dotted name, as a model's `decays` says; default on every one, as it
   * always does with `decayAsReleased`.
   */
  readonly decays?: (name: string) => boolean;
  /** Standard deviation of the noise added to the rescaled gradient (`addNoise`), at least 0; default 0. */
  readonly gradientNoise?: number;
  /** What the noise is drawn from, a whole number from 0 to 2⁵³ − 1; default 0. */
  readonly seed?: number;
}

/** The options of `adamw` and `adam`. */
export interface OptimizerOptions extends CommonOptions {
  /** Decay rates of the two moments, each in [0, 1). */
  readonly betas: readonly [number, number];
  /** Keeps the root of the second moment away from 0, at least 0, with `epsMode` `'floor'` at least 1e-18; default 1e-8. */
  readonly eps?: number;
  /** Whether eps is added to that root or is the least it can be; default `'add'`. */
  readonly epsMode?: EpsMode;
}

/** The options of `tgAdamW`, `tgLaProp` and `tgRmsProp`. */
export interface TrueGradOptimizerOptions extends CommonOptions {
  /**
   * Decay rates, each in [0, 1), of the mean of gradients (for `tgLaProp`, of rescaled ones) and of that of squared gradients,
   * which only grafting looks at. Default [0.9, 0.999] for `tgAdamW` and [0.9, 0.99] for `tgLaProp`, whose package has four:
   * its β1 and β3 (means of rescaled gradients, base and own) are the first here, its β2 the second, its β4 `beta3`.
   *
   * `tgRmsProp` has no mean of gradients, so that its first is always 0, as in its default [0, 0.9]: a pair as all others have,
   * so that configurations of runs have one form.
   */
  readonly betas?: readonly [number, number];
  /** Decay rate of the mean of S, in [0, 1); default the second of `betas`. */
  readonly beta3?: number;
  /** The least that a root of second moments can be, at least 1e-18; default 1e-12. */
  readonly eps?: number;
  /** Whether each tensor's update has the length that the squared gradient would give it; default true. */
  readonly graft?: boolean;
  /**
   * Whether weight decay is that of the released package: see `addDecayAsReleased`. A run has it where its squares too are
   * formed as that package does. Default false.
   */
  readonly decayAsReleased?: boolean;
}

/** The options of any optimiser, as a table of them is called. */
export type AnyOptimizerOptions = OptimizerOptions & TrueGradOptimizerOptions;

const TRUE_GRAD = { eps: 1e-12, graft: true } as const;

/**
 * What the optimisers do where they are not told, by the names that the command line uses: Adam as in its paper, the TrueGrad
 * ones as in their package. `beta3` is the second of `betas`, for those that have one.
 */
export const OPTIMIZER_DEFAULTS = {
  adamw: { eps: 1e-8, epsMode: 'add' },
  adam: { eps: 1e-8, epsMode: 'add' },
  tgadamw: { betas: [0.9, 0.999], ...TRUE_GRAD },
  tglaprop: { betas: [0.9, 0.99], ...TRUE_GRAD },
  tgrmsprop: { betas: [0, 0.9], ...TRUE_GRAD },
} as const satisfies Readonly<Record<string, Partial<AnyOptimizerOptions>>>;

/** The name of an optimiser. */
export type OptimizerName = keyof typeof OPTIMIZER_DEFAULTS;

/** The name of an optimiser that needs the squared gradients of single examples. */
export type TrueGradName = 'tgadamw' | 'tglaprop' | 'tgrmsprop';

export const TRUE_GRAD_NAMES: readonly TrueGradName[] = ['tgadamw', 'tglaprop', 'tgrmsprop'];

/** Whether an optimiser needs the squared gradients of single examples. */
export function isTrueGrad(optimizer: OptimizerName): optimizer is TrueGradName {
  return (TRUE_GRAD_NAMES as readonly OptimizerName[]).includes(optimizer);
}
