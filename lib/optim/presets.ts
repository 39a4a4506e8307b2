/** @file Named optimisers, each a chain of transformations. */
import { shown } from '../compile/errors';
import { ArgumentError } from '../errors';
import { scaleByAdam } from './adam';
import { addNoise } from './noise';
import { addDecayedWeights, DECAY_TARGETS, type DecayTarget, scale } from './scale';
import { constantSchedule, type Schedule, scaleBySchedule, warmup } from './schedule';
import { chain, type Transform } from './transform';

export interface OptimizerOptions {
  /** A positive number, or one for each step. */
  readonly learningRate: number | Schedule;
  /** At least 0. */
  readonly weightDecay: number;
  /** Decay rates of the two moments, each in [0, 1). */
  readonly betas: readonly [number, number];
  /** Added to the root of the second moment, at least 0; default 1e-8. */
  readonly eps?: number;
  /**
   * Updates over which the learning rate rises linearly from 0: it is `min(1, step/warmup)` times its value, with the step
   * counted from 0, so that the first update is 0 and the one of step `warmup` is the first at the full rate, as in the
   * code released with Power et al. 2022. A schedule begins once it is over. A whole number; default 0, none.
   */
  readonly warmup?: number;
  /** Where weight decay pulls the parameters; default `'zero'`. */
  readonly decayTo?: DecayTarget;
  /** Standard deviation of the noise added to Adam's rescaled gradient (`addNoise`), at least 0; default 0. */
  readonly gradientNoise?: number;
  /** What the noise is drawn from, a whole number from 0 to 2⁵³ − 1; default 0. */
  readonly seed?: number;
}

function moments({ betas: [beta1, beta2], eps = 1e-8 }: OptimizerOptions): Transform {
  return scaleByAdam({ beta1, beta2, eps });
}

function decay({ weightDecay, decayTo = 'zero' }: OptimizerOptions): Transform {
  return addDecayedWeights(weightDecay, { towards: decayTo });
}

/** The links between Adam's rescaling and the learning rate: none without noise, so that a chain keeps its places. */
function noise({ gradientNoise = 0, seed = 0 }: OptimizerOptions): readonly Transform[] {
  return gradientNoise === 0 ? [] : [addNoise({ std: gradientNoise, seed })];
}

/** Downhill by the learning rate. */
function descend({ learningRate, warmup: steps = 0 }: OptimizerOptions): readonly Transform[] {
  if (steps === 0 && typeof learningRate === 'number') return [scale(-learningRate)];
  const schedule = typeof learningRate === 'number' ? constantSchedule(learningRate) : learningRate;
  return [scaleBySchedule(steps === 0 ? schedule : warmup(steps, schedule)), scale(-1)];
}

/**
 * Adam with decoupled weight decay: w ← w − lr·(u + weightDecay·w), PyTorch's `AdamW`.
 * @throws ArgumentError for an option outside its range.
 */
export function adamw(options: OptimizerOptions): Transform {
  checkOptimizerOptions(options);
  return chain(moments(options), decay(options), ...noise(options), ...descend(options));
}

/**
 * Adam with an L2 penalty in the gradient: g ← g + weightDecay·w, PyTorch's `Adam`.
 * @throws ArgumentError for an option outside its range.
 */
export function adam(options: OptimizerOptions): Transform {
  checkOptimizerOptions(options);
  return chain(decay(options), moments(options), ...noise(options), ...descend(options));
}

/** Optimisers by the name that the command line uses. */
export const OPTIMIZERS = { adamw, adam } as const satisfies Readonly<
  Record<string, (options: OptimizerOptions) => Transform>
>;

export type OptimizerName = keyof typeof OPTIMIZERS;

/** What messages call options that the command line spells in its own way; all others by their fields. */
export type OptionNames = Partial<Readonly<Record<keyof OptimizerOptions, string>>>;

/**
 * @param names What messages call the options: their fields by default, the command line's spelling where it asks.
 * @throws ArgumentError for a value outside its range.
 */
export function checkOptimizerOptions(options: OptimizerOptions, names: OptionNames = {}): void {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError(
      `the options of the optimiser are ${shown(options)}, expected a record such as { learningRate: 1e-3, weightDecay: 0, betas: [0.9, 0.98] }`,
    );
  }
  const { learningRate, betas, warmup: steps = 0, decayTo = 'zero' } = options;
  const check = (name: keyof OptimizerOptions, isAllowed: boolean, expected: string) => {
    if (!isAllowed) {
      throw new ArgumentError(`${names[name] ?? name} is ${shown(options[name])}, expected ${expected}`);
    }
  };
  const isNonNegative = (value: unknown) => Number.isFinite(value) && (value as number) >= 0;
  check(
    'learningRate',
    typeof learningRate === 'function' || (Number.isFinite(learningRate) && learningRate > 0),
    'a positive number such as 1e-3',
  );
  check('weightDecay', isNonNegative(options.weightDecay), 'a number of at least 0');
  check(
    'betas',
    Array.isArray(betas) && betas.length === 2 && betas.every((beta) => beta >= 0 && beta < 1),
    'two numbers in [0, 1) such as [0.9, 0.98]',
  );
  check('eps', isNonNegative(options.eps ?? 1e-8), 'a number of at least 0 such as 1e-8');
  check(
    'warmup',
    Number.isInteger(steps) && steps >= 0 && steps < 2 ** 31,
    'a whole number of updates from 0 to 2147483647',
  );
  check('decayTo', DECAY_TARGETS.includes(decayTo), "'zero' or 'init'");
  check('gradientNoise', isNonNegative(options.gradientNoise ?? 0), 'a standard deviation of at least 0');
  check(
    'seed',
    Number.isSafeInteger(options.seed ?? 0) && (options.seed ?? 0) >= 0,
    'a whole number from 0 to 2^53 - 1',
  );
}
