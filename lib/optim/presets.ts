/** @file Named optimisers, each a chain of transformations. */
import { shown } from '../compile/errors';
import { ArgumentError } from '../errors';
import { scaleByAdam } from './adam';
import { addDecayedWeights, scale } from './scale';
import { chain, type Transform } from './transform';

export interface OptimizerOptions {
  /** Positive. */
  readonly learningRate: number;
  /** At least 0. */
  readonly weightDecay: number;
  /** Decay rates of the two moments, each in [0, 1). */
  readonly betas: readonly [number, number];
  /** Added to the root of the second moment; default 1e-8. */
  readonly eps?: number;
}

function moments({ betas: [beta1, beta2], eps = 1e-8 }: OptimizerOptions): Transform {
  return scaleByAdam({ beta1, beta2, eps });
}

/**
 * Adam with decoupled weight decay: w ← w − lr·(u + weightDecay·w), PyTorch's `AdamW`.
 * @throws ArgumentError for an option outside its range.
 */
export function adamw(options: OptimizerOptions): Transform {
  checkOptimizerOptions(options);
  return chain(moments(options), addDecayedWeights(options.weightDecay), scale(-options.learningRate));
}

/**
 * Adam with an L2 penalty in the gradient: g ← g + weightDecay·w, PyTorch's `Adam`.
 * @throws ArgumentError for an option outside its range.
 */
export function adam(options: OptimizerOptions): Transform {
  checkOptimizerOptions(options);
  return chain(addDecayedWeights(options.weightDecay), moments(options), scale(-options.learningRate));
}

/** Optimisers by the name that the command line uses. */
export const OPTIMIZERS = { adamw, adam } as const satisfies Readonly<
  Record<string, (options: OptimizerOptions) => Transform>
>;

export type OptimizerName = keyof typeof OPTIMIZERS;

/**
 * @param names What messages call the options: their fields by default, the command line's spelling where it asks.
 * @throws ArgumentError for a value outside its range.
 */
export function checkOptimizerOptions(
  options: OptimizerOptions,
  names = { learningRate: 'learningRate', weightDecay: 'weightDecay' },
): void {
  if (typeof options !== 'object' || options === null) {
    throw new ArgumentError(
      `the options of the optimiser are ${shown(options)}, expected a record such as { learningRate: 1e-3, weightDecay: 0, betas: [0.9, 0.98] }`,
    );
  }
  const { learningRate, weightDecay, betas } = options;
  if (!(Number.isFinite(learningRate) && learningRate > 0)) {
    throw new ArgumentError(
      `${names.learningRate} is ${shown(learningRate)}, expected a positive number such as 1e-3`,
    );
  }
  if (!(Number.isFinite(weightDecay) && weightDecay >= 0)) {
    throw new ArgumentError(`${names.weightDecay} is ${shown(weightDecay)}, expected a number of at least 0`);
  }
  if (!Array.isArray(betas) || betas.length !== 2 || !betas.every((beta) => beta >= 0 && beta < 1)) {
    throw new ArgumentError(`betas is ${shown(betas)}, expected two numbers in [0, 1) such as [0.9, 0.98]`);
  }
}
