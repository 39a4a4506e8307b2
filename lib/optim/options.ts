/** @file The options of the named optimisers: their defaults, their ranges, and which optimiser has which. */
import { shown } from '../compile/errors';
import { ArgumentError } from '../errors';
import { EPS_MODES, type EpsMode } from './moments';
import { DECAY_TARGETS, type DecayTarget } from './scale';
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

const TRUE_GRAD_NAMES: readonly OptimizerName[] = ['tgadamw', 'tglaprop', 'tgrmsprop'];

/** Whether an optimiser needs the squared gradients of single examples. */
export function isTrueGrad(optimizer: OptimizerName): boolean {
  return TRUE_GRAD_NAMES.includes(optimizer);
}

/** What messages call options that the command line spells in its own way; all others by their fields. */
export type OptionNames = Partial<Readonly<Record<keyof AnyOptimizerOptions, string>>>;

/** Which optimisers have the options that not all have. */
const HAVE = {
  epsMode: ['adamw', 'adam'],
  beta3: TRUE_GRAD_NAMES,
  graft: TRUE_GRAD_NAMES,
  decayAsReleased: TRUE_GRAD_NAMES,
} as const satisfies Partial<Readonly<Record<keyof AnyOptimizerOptions, readonly OptimizerName[]>>>;

/**
 * The squares of gradients below 2⁻⁶³, about 1.1e-19, are less than float32 holds in full precision and may be taken for 0. Under
 * a lower floor such a gradient would be divided by the floor instead of its own size, which makes updates of any length.
 */
const LEAST_FLOOR = 1e-18;

/**
 * @param names What messages call the options: their fields by default, the command line's spelling where it asks.
 * @param optimizer Whose options they are; without it the ranges alone are checked.
 * @throws ArgumentError for a value outside its range, or an option that the optimiser does not have.
 */
export function checkOptimizerOptions(
  options: AnyOptimizerOptions,
  names: OptionNames = {},
  optimizer?: OptimizerName,
): void {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError(
      `the options of the optimiser are ${shown(options)}, expected a record such as { learningRate: 1e-3, weightDecay: 0, betas: [0.9, 0.98] }`,
    );
  }
  if (optimizer !== undefined) checkHad(options, names, optimizer);
  const { learningRate, betas, warmup: steps = 0, decayTo = 'zero', eps = 1e-8, epsMode = 'add' } = options;
  const { beta3 = 0, graft = true, decayAsReleased = false } = options;
  const check = (name: keyof AnyOptimizerOptions, isAllowed: boolean, expected: string) => {
    if (!isAllowed) {
      throw new ArgumentError(`${names[name] ?? name} is ${shown(options[name])}, expected ${expected}`);
    }
  };
  const isNonNegative = (value: unknown) => Number.isFinite(value) && (value as number) >= 0;
  const isRate = (value: unknown) => isNonNegative(value) && (value as number) < 1;
  check(
    'learningRate',
    typeof learningRate === 'function' || (Number.isFinite(learningRate) && learningRate > 0),
    'a positive number such as 1e-3',
  );
  check('weightDecay', isNonNegative(options.weightDecay), 'a number of at least 0');
  check(
    'betas',
    Array.isArray(betas) && betas.length === 2 && betas.every(isRate),
    'two numbers in [0, 1) such as [0.9, 0.98]',
  );
  check(
    'betas',
    optimizer !== 'tgrmsprop' || betas[0] === 0,
    "0 as the first of two, since 'tgrmsprop' has no mean of gradients: such as [0, 0.9]",
  );
  check('epsMode', EPS_MODES.includes(epsMode), "'add' or 'floor'");
  const isFloor = epsMode === 'floor' || (optimizer !== undefined && isTrueGrad(optimizer));
  check(
    'eps',
    isNonNegative(eps) && (!isFloor || eps >= LEAST_FLOOR),
    isFloor ? 'a number of at least 1e-18 such as 1e-12' : 'a number of at least 0 such as 1e-8',
  );
  check('beta3', isRate(beta3), 'a number in [0, 1) such as 0.999');
  check('graft', typeof graft === 'boolean', 'true or false');
  check('decayAsReleased', typeof decayAsReleased === 'boolean', 'true or false');
  check(
    'warmup',
    Number.isInteger(steps) && steps >= 0 && steps < 2 ** 31,
    'a whole number of updates from 0 to 2147483647',
  );
  check('decayTo', DECAY_TARGETS.includes(decayTo), "'zero' or 'init'");
  check(
    'decayTo',
    decayTo === 'zero' || !decayAsReleased || options.weightDecay === 0,
    `'zero' with ${names.decayAsReleased ?? 'decayAsReleased'}, which is the package's own weight decay`,
  );
  check(
    'decays',
    options.decays === undefined || !decayAsReleased || options.weightDecay === 0,
    `none with ${names.decayAsReleased ?? 'decayAsReleased'}, whose weight decay acts on every parameter`,
  );
  check('gradientNoise', isNonNegative(options.gradientNoise ?? 0), 'a standard deviation of at least 0');
  check(
    'seed',
    Number.isSafeInteger(options.seed ?? 0) && (options.seed ?? 0) >= 0,
    'a whole number from 0 to 2^53 - 1',
  );
}

/** @throws ArgumentError for an option that another optimiser has, but not this one */
function checkHad(options: AnyOptimizerOptions, names: OptionNames, optimizer: OptimizerName): void {
  for (const [key, owners] of Object.entries(HAVE) as [keyof typeof HAVE, readonly OptimizerName[]][]) {
    if (options[key] === undefined || owners.includes(optimizer)) continue;
    throw new ArgumentError(
      `${names[key] ?? key} is ${shown(options[key])}, but the optimiser '${optimizer}' has no such option; leave it out, or take one of ${owners.join(', ')}`,
    );
  }
}
