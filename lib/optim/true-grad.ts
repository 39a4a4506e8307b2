/**
 * @file TrueGrad's rescaling of gradients: instead of the squared gradient of the mean loss, whose examples cancel each other,
 * the divisor is a running mean of S, the mean over the examples of the squared gradient of each example's own loss. The rules
 * are those of `TGAdamW`, `TGLaProp` and `TGRMSProp` in the package truegrad (Nestler 2022, `truegrad/optim.py` of
 * github.com/ClashLuke/TrueGrad), where a root of second moments is max(√v̂, eps); what S itself is, the training step decides.
 *
 * Grafting, which the package does by default, keeps S's direction and takes the length, tensor by tensor, of the update
 * that the squared gradient would give: u·‖base‖/(‖u‖ + eps).
 */
import * as tf from '@tensorflow/tfjs-core';
import { ArgumentError } from '../errors';
import { mapParams, namedTensors, type Params } from '../models/params';
import { debias, debiasRoot, divisor, movingMean, movingMeanSquare, zerosOf } from './moments';
import type { Transform, UpdateContext } from './transform';

/** What all three have. */
interface SecondMoments {
  /** Decay rate of the mean of squared gradients that grafting takes its length from, in [0, 1). */
  readonly beta2?: number;
  /** Decay rate of the mean of S, in [0, 1). Default `beta2`. */
  readonly beta3?: number;
  /**
   * The least that a root of second moments can be. At least 1e-18, since squares of smaller numbers than 2⁻⁶³ may be 0 in
   * float32; default 1e-12.
   */
  readonly eps?: number;
  /** Whether an update has the length that the squared gradient would give it. Default true. */
  readonly graft?: boolean;
}

/** How `scaleByTrueGradAdam` rescales; by default `beta2` is 0.999. */
export interface ScaleByTrueGradAdamOptions extends SecondMoments {
  /** Decay rate of the mean of gradients, in [0, 1). Default 0.9. */
  readonly beta1?: number;
}

/**
 * How `scaleByTrueGradLaProp` rescales; by default `beta2` is 0.99. The package's `TGLaProp` has four rates: β1 of the base's mean of
 * rescaled gradients, β2 of the squared gradients, β3 of its own mean of rescaled gradients, β4 of S. Here `beta1` is both β1 and
 * β3, which its defaults make equal, `beta2` is β2 and `beta3` is β4.
 */
export interface ScaleByTrueGradLaPropOptions extends SecondMoments {
  /** Decay rate of the mean of rescaled gradients, in [0, 1). Default 0.9. */
  readonly beta1?: number;
}

/** How `scaleByTrueGradRms` rescales; by default `beta2` is 0.9. */
export interface ScaleByTrueGradRmsOptions extends SecondMoments {}

/**
 * u = m̂/max(√ŝ, eps), with m the running mean of gradients and s that of S, both debiased: Adam with S in place of the
 * squared gradient. Grafted, its length is that of m̂/max(√v̂, eps). A parameter whose gradients are all 0 stays where it is.
 *
 * State, in the form of the parameters: `first` (m), `squares` (s), and `second` (v) where it grafts.
 * @throws {ArgumentError} from its `update`, where the context has no squares
 * @see the package's `TGAdamW`
 */
export function scaleByTrueGradAdam(options: ScaleByTrueGradAdamOptions = {}): Transform {
  const { beta1 = 0.9, graft = true, ...rest } = options;
  const divisors = makeDivisors({ beta2: 0.999, ...rest });
  return {
    init: (params) => ({ first: zerosOf(params), ...divisors.init(params, graft) }),
    update: (gradients, state, context) => {
      const first = movingMean((state as { readonly first: Params }).first, gradients, beta1);
      const { own, base, state: means } = divisors.update(gradients, state, context);
      const correction = debias(beta1, context.step);
      // Both lengths are those of debiased updates, and so is the eps between them.
      const eps = tf.mul(divisors.eps, correction);
      const updates = mapParams(gradients, [first, own, ...base], (_, m, root, baseRoot) => {
        const mean = tf.mul(m, correction);
        const update = tf.div(mean, root);
        return baseRoot === undefined ? update : grafted(update, tf.div(mean, baseRoot), eps);
      });
      return { updates, state: { first, ...means } };
    },
  };
}

/**
 * u = the debiased running mean of g/max(√ŝ, eps): gradients are rescaled one by one, before they are averaged. Grafted, its
 * length is that of the same with v̂, the squared gradient's, in place of ŝ.
 *
 * State, in the form of the parameters: `momentum` (of the rescaled gradients), `squares` (s), and where it grafts
 * `baseMomentum` and `second` (v).
 * @throws {ArgumentError} from its `update`, where the context has no squares
 * @see the package's `TGLaProp`; Ziyin et al., LaProp, 2020 (arXiv:2002.04839)
 */
export function scaleByTrueGradLaProp(options: ScaleByTrueGradLaPropOptions = {}): Transform {
  const { beta1 = 0.9, graft = true, ...rest } = options;
  const divisors = makeDivisors({ beta2: 0.99, ...rest });
  return {
    init: (params) => ({
      momentum: zerosOf(params),
      ...(graft ? { baseMomentum: zerosOf(params) } : {}),
      ...divisors.init(params, graft),
    }),
    update: (gradients, state, context) => {
      const before = state as { readonly momentum: Params; readonly baseMomentum?: Params };
      const { own, base, state: means } = divisors.update(gradients, state, context);
      const averaged = (mean: Params, roots: Params) =>
        movingMean(
          mean,
          mapParams(gradients, [roots], (g, root) => tf.div(g, root)),
          beta1,
        );
      const momentum = averaged(before.momentum, own);
      const baseMomentum = base.map((roots) => averaged(before.baseMomentum as Params, roots));
      const correction = debias(beta1, context.step);
      const eps = tf.mul(divisors.eps, correction);
      const updates = mapParams(gradients, [momentum, ...baseMomentum], (_, m, baseM) => {
        const update = tf.mul(m, correction);
        return baseM === undefined ? update : grafted(update, tf.mul(baseM, correction), eps);
      });
      const [kept] = baseMomentum;
      const momenta = kept === undefined ? { momentum } : { momentum, baseMomentum: kept };
      return { updates, state: { ...momenta, ...means } };
    },
  };
}

/**
 * u = g/max(√ŝ, eps), with s the debiased running mean of S. Grafted, its length is that of g/max(√v̂, eps). RMSProp itself
 * does not debias.
 *
 * State, in the form of the parameters: `squares` (s), and `second` (v) where it grafts.
 * @throws {ArgumentError} from its `update`, where the context has no squares
 * @see the package's `TGRMSProp`
 */
export function scaleByTrueGradRms(options: ScaleByTrueGradRmsOptions = {}): Transform {
  const { graft = true, ...rest } = options;
  const divisors = makeDivisors({ beta2: 0.9, ...rest });
  return {
    init: (params) => divisors.init(params, graft),
    update: (gradients, state, context) => {
      const { own, base, state: means } = divisors.update(gradients, state, context);
      const eps = tf.scalar(divisors.eps);
      const updates = mapParams(gradients, [own, ...base], (g, root, baseRoot) => {
        const update = tf.div(g, root);
        return baseRoot === undefined ? update : grafted(update, tf.div(g, baseRoot), eps);
      });
      return { updates, state: means };
    },
  };
}

/** The means of S and of the squared gradients, and the divisors made of them. */
function makeDivisors({
  beta2,
  beta3 = beta2,
  eps = 1e-12,
}: Omit<SecondMoments, 'graft'> & { readonly beta2: number }) {
  const rootsOf = (means: Params, beta: number, step: tf.Tensor) => {
    const correction = debiasRoot(beta, step);
    return mapParams(means, [], (v) => divisor(v, correction, { eps, mode: 'floor' }));
  };
  return {
    eps,
    init: (params: Params, graft: boolean): Record<string, Params> => ({
      squares: zerosOf(params),
      ...(graft ? { second: zerosOf(params) } : {}),
    }),
    /** @returns `own`, of S; `base`, of the squared gradients: one where the state has their mean, else none. */
    update: (gradients: Params, state: Params, context: UpdateContext) => {
      const before = state as { readonly squares: Params; readonly second?: Params };
      const squares = movingMean(before.squares, squaresOf(context, gradients), beta3);
      const own = rootsOf(squares, beta3, context.step);
      if (before.second === undefined) return { own, base: [], state: { squares } };
      const second = movingMeanSquare(before.second, gradients, beta2);
      return { own, base: [rootsOf(second, beta2, context.step)], state: { squares, second } };
    },
  };
}

/** @throws {ArgumentError} where the step forms none, or none of some parameter */
function squaresOf({ squares }: UpdateContext, gradients: Params): Params {
  if (squares === undefined) {
    throw new ArgumentError(
      "a TrueGrad optimiser needs context.squares, the squared gradients of single examples, and this step forms none; give makeStep trueGrad: 'exact', or take valueGradsAndSquares in a step of your own",
    );
  }
  const known = new Set(namedTensors(squares).map(([name]) => name));
  const missing = namedTensors(gradients).find(([name]) => !known.has(name));
  if (missing !== undefined) {
    throw new ArgumentError(
      `context.squares has no '${missing[0]}', expected a tensor for every parameter; give zeros where there is no gradient`,
    );
  }
  return squares;
}

/** The update with the length of another. */
function grafted(update: tf.Tensor, base: tf.Tensor, eps: tf.Tensor): tf.Tensor {
  return tf.mul(update, tf.div(lengthOf(base), tf.add(lengthOf(update), eps)));
}

function lengthOf(values: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.sum(tf.square(values)));
}
