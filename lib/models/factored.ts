/**
 * @file Any model with some of its matrices as their singular value decompositions, W = U·diag(σ)·Vᵀ with U and V products of
 * Householder reflections (FastH), so that singular values can be watched, fixed or left free while the model trains. In place
 * of a matrix `name` [m, n] it has, with r = min(m, n),
 *
 * - `name.u_vectors` [r, m] and `name.v_vectors` [r, n], reflections that reach every U and V;
 * - `name.sigma` [r], whose absolute values are the singular values. A sign of its own keeps W smooth where a value passes 0.
 *
 * PyTorch's packed projection, `….in_proj_weight` [3·d, d], is three matrices, `….in_proj_weight.q` and so on.
 *
 * The length of a reflection vector does nothing, but Adam's steps would make it longer, and the longer it is the less a step
 * turns it. So `project` brings vectors back to length 1 after every update, and the learning rate means the same throughout.
 * For the same reason weight decay acts on σ alone. As a term of the loss it is there what it is on W, since ‖W‖² = Σσ². As
 * AdamW applies it, it is much stronger: under a steady gradient its steps are as long as the learning rate, and a parameter
 * ends at 1/decay, under the worst of gradients at (1 − β₁)/√((1 − β₂)(1 − β₁²/β₂)) times that, 1.7 for .9 and .98. Here that
 * bounds every σ, in a plain W every entry, so that its σ may be up to √(m·n) times as large. `undecayed` leaves σ without.
 *
 * @see Mathiasen et al., What if Neural Networks had SVDs?, 2020 (arXiv:2009.13977)
 */
import * as tf from '@tensorflow/tfjs-core';
import { type HostTensor, type HostTree, isHostTensor, leavesOf, stopGradient } from '../compile';
import { shown } from '../compile/errors';
import { ArgumentError } from '../errors';
import {
  FACTORED_MATRICES,
  type FactoredMatrices,
  type ModelConfig,
  type ModelName,
  SINGULAR_VALUE_RULES,
  type SingularValueRule,
} from './config';
import { factorMatrix } from './factor-matrix';
import { FACTORS, factoredName } from './factor-names';
import { unitRows } from './householder';
import { treeOfNames } from './initialize';
import type { Model } from './model';
import { namedTensors, type Params } from './params';
import { svdMatrices } from './svd-matrix';
import { type MatrixPlace, matrixPlaces } from './weight-matrices';

/** Which matrices, and what their singular values may do. */
export interface FactoredOptions {
  /** `hidden`: all but embeddings, positions and head, in which a scale could hide; `all`: those too. */
  readonly which: FactoredMatrices;
  /**
   * Default `free`. `undecayed` is the same without weight decay on σ. With `unit`, a matrix is divided by its largest singular
   * value, at the beginning and ever after. With `largest`, `sum` and `norm`, `project` scales σ so that the largest, the sum, or
   * the root of the sum of squares stays what it was, to 2e-6 over any number of updates. AdamW's weight decay then leaves
   * factored matrices alone but for their rate: (1 − r·d)σ − r·u, at rate r, decay d and update u, is scaled to what
   * σ − r/(1 − r·d)·u is. With `fixed`, `project` puts every σ back, and only U and V learn.
   */
  readonly singularValues?: SingularValueRule;
}

/** The matrices at a model's two ends, and those that are no maps. */
const ENDS: Readonly<Record<ModelName, readonly string[]>> = {
  gpt: ['tok_embed', 'pos_embed', 'out'],
  decoder: ['embed.weight', 'embed.pe', 'linear.weight'],
  power: ['embedding.weight', 'linear.weight'],
};

/** Below this a scale counts as 0 and is left alone. */
const SMALLEST = 1e-30;

const { u: U, v: V, sigma: SIGMA } = FACTORS;

/** The matrices to be factored, by the parameters that hold them. */
type Matrices = ReadonlyMap<string, readonly MatrixPlace[]>;

/**
 * The model with the chosen matrices factored. It begins where the model itself would begin, but for rounding and, with `unit`,
 * the scale; its forward pass makes the matrices once and is then the model's own.
 *
 * @throws {ArgumentError} for an option that there is not, or a model that is factored already; its `forward`, where squared
 * gradients are asked for, which factors have none of
 */
export function factored(model: Model, { which, singularValues = 'free' }: FactoredOptions): Model {
  checkChoice('factored', which, FACTORED_MATRICES);
  checkChoice('singular-values', singularValues, SINGULAR_VALUE_RULES);
  const { config, shapes } = model;
  if (model.project !== undefined)
    throw new ArgumentError('the model is factored already; factor the plain one');
  const matrices = matricesOf(model, which);
  const undecayed = singularValues === 'undecayed' ? (['u', 'v', 'sigma'] as const) : (['u', 'v'] as const);
  return {
    ...model,
    config: { ...config, factored: which, singularValues } as ModelConfig,
    shapes: new Map([...shapes].flatMap(([name, shape]) => factoredShapes(name, shape, matrices.get(name)))),
    decays: (name) =>
      undecayed.every((factor) => factoredName(name, factor) === undefined) && (model.decays?.(name) ?? true),
    init: (seed) => factoredInit(model.init(seed), matrices, singularValues),
    project: (updated, previous) => projected(updated, previous, matrices, singularValues),
    forward: (params, tokens, options) => {
      if (options?.uses !== undefined) {
        throw new ArgumentError(
          "squared gradients of single examples are not known for factored matrices; leave out 'factored', or take an optimiser without TrueGrad",
        );
      }
      return model.forward(assembled(params, matrices, singularValues), tokens, options);
    },
  };
}

function matricesOf(model: Model, which: FactoredMatrices): Matrices {
  const left = which === 'all' ? [] : ENDS[model.config.model];
  const places = matrixPlaces(model).filter(({ parameter }) => !left.includes(parameter));
  return new Map(
    places.map(({ parameter }) => [parameter, places.filter((place) => place.parameter === parameter)]),
  );
}

type Shapes = [name: string, shape: readonly number[]][];

function factoredShapes(name: string, shape: readonly number[], parts: readonly MatrixPlace[] = []): Shapes {
  if (parts.length === 0) return [[name, shape]];
  return parts.flatMap(({ name, shape: [m, n] }): Shapes => {
    const rank = Math.min(m, n);
    return [
      [`${name}.${U}`, [rank, m]],
      [`${name}.${V}`, [rank, n]],
      [`${name}.${SIGMA}`, [rank]],
    ];
  });
}

/** The factors of initial parameters. */
function factoredInit(initial: HostTree, matrices: Matrices, rule: SingularValueRule): HostTree {
  const tensors = leavesOf(initial, isHostTensor).flatMap(([name, tensor]): [string, HostTensor][] => {
    const parts = matrices.get(name);
    if (parts === undefined) return [[name, tensor]];
    return parts.flatMap(({ name, shape, part }): [string, HostTensor][] => {
      const size = shape[0] * shape[1];
      const data = (tensor.data as Float32Array).subarray(part * size, (part + 1) * size);
      const { uVectors, vVectors, sigma } = factorMatrix({ dtype: 'float32', shape, data });
      const largest = rule === 'unit' ? Math.abs(sigma.data[0] as number) : 1;
      const scaled = (sigma.data as Float32Array).map((value) => value / (largest || 1));
      return [
        [`${name}.${U}`, uVectors],
        [`${name}.${V}`, vVectors],
        [`${name}.${SIGMA}`, { ...sigma, data: scaled } as HostTensor],
      ];
    });
  });
  return treeOfNames(tensors);
}

/** The parameters as the model itself has them. */
function assembled(params: Params, matrices: Matrices, rule: SingularValueRule): Params {
  const tensors = new Map(namedTensors(params));
  const parts = [...matrices.values()].flat();
  const made = svdMatrices(
    parts.map(({ name }) => ({
      uVectors: tensors.get(`${name}.${U}`) as tf.Tensor2D,
      vVectors: tensors.get(`${name}.${V}`) as tf.Tensor2D,
      sigma: constrained(tensors.get(`${name}.${SIGMA}`) as tf.Tensor1D, rule),
    })),
  ).values();
  for (const { name } of parts) for (const factor of [U, V, SIGMA]) tensors.delete(`${name}.${factor}`);
  for (const [name, { length }] of matrices) {
    const own = Array.from({ length }, () => made.next().value as tf.Tensor2D);
    tensors.set(name, length === 1 ? (own[0] as tf.Tensor2D) : tf.concat(own));
  }
  return treeOfNames(tensors) as Params;
}

/** By the rules that hold the scale of a matrix's singular values: what they hold, of the absolute values. */
const SCALES = {
  unit: tf.max,
  largest: tf.max,
  sum: tf.sum,
  norm: (sizes) => tf.sqrt(tf.maximum(tf.sum(tf.square(sizes)), SMALLEST)), // a gradient of 0 where all of them are
} as const satisfies Partial<Record<SingularValueRule, (sizes: tf.Tensor) => tf.Tensor>>;

type ScaleRule = keyof typeof SCALES;

const givesScale = (rule: SingularValueRule): rule is ScaleRule => Object.hasOwn(SCALES, rule);

const scaleOf = (sigma: tf.Tensor, rule: ScaleRule): tf.Tensor =>
  tf.maximum(SCALES[rule](tf.abs(sigma)), SMALLEST);

/** Binary digits of a scale that is kept. */
const SCALE_DIGITS = 19;

/**
 * A scale rounded to fewer digits than float32 has. Brought to that, σ gives the same number again, whatever its sum lost to
 * rounding, so that errors do not add up over the updates.
 */
function roundedScale(scale: tf.Tensor): tf.Tensor {
  const digits = tf.ceil(tf.div(tf.log(scale), Math.LN2)); // before the binary point
  const last = tf.pow(2, tf.sub(digits, SCALE_DIGITS));
  return tf.mul(tf.floor(tf.add(tf.div(scale, last), 0.5)), last);
}

/**
 * σ as the forward pass has it. With `unit` that is σ/σ₁; where another scale is kept, the value is σ itself, since `project`
 * holds it in place. In both cases the gradient has no share along σ, which scaling would take back.
 */
function constrained(sigma: tf.Tensor1D, rule: SingularValueRule): tf.Tensor1D {
  if (!givesScale(rule)) return sigma;
  const scale = scaleOf(sigma, rule);
  return tf.mul(sigma, rule === 'unit' ? tf.reciprocal(scale) : tf.div(stopGradient(scale), scale));
}

/** Vectors at length 1, singular values where their rule has them. */
function projected(updated: Params, previous: Params, matrices: Matrices, rule: SingularValueRule): Params {
  const tensors = new Map(namedTensors(updated));
  const before = new Map(namedTensors(previous));
  for (const { name } of [...matrices.values()].flat()) {
    for (const factor of [U, V]) {
      const key = `${name}.${factor}`;
      tensors.set(key, unitRows(tensors.get(key) as tf.Tensor2D));
    }
    const key = `${name}.${SIGMA}`;
    const [sigma, start] = [tensors.get(key) as tf.Tensor1D, before.get(key) as tf.Tensor1D];
    if (rule === 'fixed') tensors.set(key, start);
    else if (givesScale(rule)) {
      const wanted = rule === 'unit' ? 1 : roundedScale(scaleOf(start, rule));
      tensors.set(key, tf.mul(sigma, tf.div(wanted, scaleOf(sigma, rule))));
    }
  }
  return treeOfNames(tensors) as Params;
}

function checkChoice(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value))
    throw new ArgumentError(`${option} is ${shown(value)}, expected one of ${allowed.join(', ')}`);
}
