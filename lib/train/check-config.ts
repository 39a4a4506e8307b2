/** @file The checks of a run's configuration: each value by itself, and what it comes to. */
import { shown } from '../compile/errors';
import type { DatasetSizes } from '../data/dataset';
import { SPLIT_METHODS } from '../data/split';
import { ArgumentError, optionName } from '../errors';
import {
  FACTORED_MATRICES,
  MASK_MODES,
  type ModelName,
  POSITION_KINDS,
  SINGULAR_VALUE_RULES,
} from '../models/config';
import type { Model } from '../models/model';
import { MODEL_NAMES } from '../models/registry';
import { TRUE_GRAD_FORMS } from '../models/true-grad/form';
import { checkOptimizerOptions, DECAY_TARGETS, isTrueGrad, OPTIMIZERS, type OptionNames } from '../optim';
import type { Initialization, RunConfig, WantedConfig } from './config';

/** Steps are counted in int32 inside the program. */
const LARGEST_STEP = 2 ** 31 - 1;

/** Most elements of any one array of a run, 1 GB of float32. */
const MOST_ELEMENTS = 2 ** 28;

const INITIALIZATIONS: Readonly<Record<ModelName, readonly Initialization[]>> = {
  gpt: ['paper', 'unit'],
  decoder: ['torch'],
  power: ['torch'],
};

/** What messages call the optimiser's options, but for those whose names are checked before. */
const OPTIMIZER_OPTION_NAMES: OptionNames = {
  decayAsReleased: "truegrad 'released'",
  ...Object.fromEntries(
    (['learningRate', 'weightDecay', 'decayTo', 'beta3', 'epsMode'] as const).map((key) => [
      key,
      optionName(key),
    ]),
  ),
};

/** Values of the options that have a list of them. */
const CHOICES = {
  split: SPLIT_METHODS,
  decayTo: DECAY_TARGETS,
  mask: MASK_MODES,
  positions: POSITION_KINDS,
  factored: FACTORED_MATRICES,
  singularValues: SINGULAR_VALUE_RULES,
} as const;

/**
 * Checks each value by itself.
 *
 * @param modelOptions the options that only some models have, by model
 * @throws {ArgumentError} naming the option, its value and what was expected
 */
export function checkValues(
  config: WantedConfig,
  modelOptions: Readonly<Record<ModelName, Partial<RunConfig>>>,
): void {
  const { model, stopAtAccuracy, batchSize, dropout } = config;
  checkName('model', model, MODEL_NAMES);
  checkName('optimizer', config.optimizer, Object.keys(OPTIMIZERS));
  checkInitialization(model, config.init);
  for (const [key, allowed] of Object.entries(CHOICES)) {
    const value = config[key as keyof typeof CHOICES];
    if (value !== undefined) checkName(optionName(key), value, allowed);
  }
  for (const key of ['mask', 'positions'] as const) {
    if (config[key] !== undefined && !(key in modelOptions[model])) {
      throw new ArgumentError(
        `${key} is '${config[key]}', but the model '${model}' has no such option; leave it out`,
      );
    }
  }
  checkInteger('seed', config.seed, 0);
  checkInteger('split-seed', config.splitSeed, 0);
  checkInteger('steps', config.steps, 1, LARGEST_STEP);
  checkInteger('eval-every', config.evalEvery, 1, LARGEST_STEP);
  checkInteger('stop-evaluations', config.stopEvaluations, 1);
  if (config.stopEvaluations !== 1 && stopAtAccuracy === undefined) {
    throw new ArgumentError(
      `stop-evaluations is ${config.stopEvaluations}, but there is no stop-at-accuracy to reach; give one such as .99, or leave stop-evaluations out`,
    );
  }
  const { stepsAfterTarget = 0 } = config;
  checkInteger('steps-after-target', stepsAfterTarget, 0, LARGEST_STEP);
  if (stepsAfterTarget !== 0 && stopAtAccuracy === undefined) {
    throw new ArgumentError(
      `steps-after-target is ${stepsAfterTarget}, but there is no stop-at-accuracy to reach; give one such as .99, or leave steps-after-target out`,
    );
  }
  checkInteger('outliers', config.outliers, 0);
  checkInteger('warmup', config.warmup, 0, LARGEST_STEP);
  if (batchSize !== 'full' && batchSize !== 'half' && !(Number.isSafeInteger(batchSize) && batchSize >= 1)) {
    throw new ArgumentError(
      `batch-size is ${shown(batchSize)}, expected a number of rows of at least 1, full or half`,
    );
  }
  if (stopAtAccuracy !== undefined && !(stopAtAccuracy > 0 && stopAtAccuracy <= 1)) {
    throw new ArgumentError(
      `stop-at-accuracy is ${shown(stopAtAccuracy)}, expected a share in (0, 1] such as .99`,
    );
  }
  if (!(dropout >= 0 && dropout < 1)) {
    throw new ArgumentError(`dropout is ${shown(dropout)}, expected a share in [0, 1) such as .1`);
  }
  if (model === 'gpt' && dropout > 0) {
    throw new ArgumentError(`dropout is ${dropout}, but the model 'gpt' has none; leave it out`);
  }
  for (const key of ['weightNoise', 'gradientNoise'] as const) {
    if (!(Number.isFinite(config[key]) && config[key] >= 0)) {
      throw new ArgumentError(
        `${optionName(key)} is ${shown(config[key])}, expected a number of at least 0 such as .01`,
      );
    }
  }
  checkFactored(config);
  checkFlag('dropout-in-validation', config.dropoutInValidation);
  checkTrueGrad(config);
  const decayAsReleased = config.trueGrad === 'released' ? { decayAsReleased: true } : {};
  checkOptimizerOptions({ ...config, ...decayAsReleased }, OPTIMIZER_OPTION_NAMES, config.optimizer);
}

function checkTrueGrad({ trueGrad, optimizer, weightNoise }: WantedConfig): void {
  if (trueGrad === undefined) return;
  if (!TRUE_GRAD_FORMS.includes(trueGrad)) {
    throw new ArgumentError(`truegrad is ${shown(trueGrad)}, expected 'exact', 'token' or 'released'`);
  }
  if (!isTrueGrad(optimizer)) {
    throw new ArgumentError(
      `truegrad is '${trueGrad}', but the optimiser '${optimizer}' has no such option; leave it out, or take one of tgadamw, tglaprop, tgrmsprop`,
    );
  }
  if (trueGrad === 'released' && weightNoise > 0) {
    throw new ArgumentError(
      `weight-noise is ${weightNoise}, but truegrad 'released' takes an embedding's squares from its weights, which are then those without noise; leave out weight-noise, or take exact or token`,
    );
  }
}

function checkFactored({ factored, singularValues, optimizer }: WantedConfig): void {
  if (factored === undefined && singularValues !== undefined) {
    throw new ArgumentError(
      `singular-values is '${singularValues}', but no matrices are factored; give factored hidden or all, or leave it out`,
    );
  }
  if (factored !== undefined && isTrueGrad(optimizer)) {
    throw new ArgumentError(
      `factored is '${factored}', but the optimiser '${optimizer}' needs squared gradients of single examples, which factored matrices have none of; take adamw or adam, or leave factored out`,
    );
  }
}

/** A model that begins in one way alone has no such option; that way may be given, as a saved configuration does. */
function checkInitialization(model: ModelName, init: Initialization): void {
  const allowed = INITIALIZATIONS[model];
  if (allowed.length > 1) checkName('init', init, allowed);
  else if (!allowed.includes(init)) {
    throw new ArgumentError(
      `init is ${shown(init)}, but the model '${model}' has no such option; leave it out`,
    );
  }
}

/**
 * Checks that some rows train and some are left, in the words of a run's options.
 *
 * @param rows all rows of the table
 * @param isGiven whether the user asked for this number or share, which is else the preset's
 * @throws {ArgumentError} naming the option, or the preset, and what to give
 */
export function checkTrainRows(
  { preset, trainRows, trainFraction }: Pick<RunConfig, 'preset' | 'trainRows' | 'trainFraction'>,
  rows: number,
  isGiven: boolean,
): void {
  if (trainRows !== undefined) {
    if (!isGiven && trainRows >= rows) {
      throw new ArgumentError(
        `the preset '${preset}' trains on ${trainRows} rows, but there are ${rows} pairs; give --train-rows from 1 to ${rows - 1}, or --train-fraction`,
      );
    }
    checkInteger('train-rows', trainRows, 1, rows - 1);
    return;
  }
  const fraction = trainFraction as number;
  if (!(fraction > 0 && fraction < 1)) {
    throw new ArgumentError(`train-fraction is ${shown(fraction)}, expected a share in (0, 1) such as .3`);
  }
  if (Math.floor(fraction * rows) === 0) {
    throw new ArgumentError(
      `train-fraction is ${fraction}, less than one of the ${rows} rows; give a larger one such as .3`,
    );
  }
}

/**
 * Checks that the values fit each other and the data.
 *
 * @throws {ArgumentError} naming what does not fit and what to do
 */
export function checkFit(
  { batchSize, outliers, model, mask, tokens }: RunConfig,
  { answers }: Pick<DatasetSizes, 'answers'>,
  trainRows: number,
): void {
  if (batchSize !== 'full' && batchSize > trainRows) {
    throw new ArgumentError(
      `batch-size ${batchSize} is larger than the ${trainRows} training rows; choose at most that many, or full`,
    );
  }
  if (outliers > trainRows) {
    throw new ArgumentError(
      `${outliers} outliers are more than the ${trainRows} training rows; choose fewer`,
    );
  }
  if (answers > 1 && (model === 'gpt' || (model === 'decoder' && mask !== 'causal'))) {
    const hint = model === 'gpt' ? 'the model decoder or power' : '--mask causal';
    throw new ArgumentError(
      `tokens '${tokens}' shows the model the first answer before it predicts it, unless each position sees earlier ones alone; take ${hint}`,
    );
  }
}

/**
 * Checks that the run's arrays fit into memory.
 *
 * @throws {ArgumentError} naming what is too large
 */
export function checkSizes(config: RunConfig, dataset: DatasetSizes, model: Model): void {
  const pairs = `all ${dataset.rows} pairs of ${config.modulus === undefined ? config.operation : `p ${config.modulus}`}`;
  checkSize(`the logits of ${pairs}`, dataset.rows * dataset.answers * dataset.classes);
  checkSize(`the activations of d-ff ${config.dFF}`, dataset.rows * config.dFF);
  checkSize(
    `a model of d-model ${config.dModel} and layers ${config.layers}`,
    [...model.shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0),
  );
}

/** Training holds whole arrays in memory. */
function checkSize(what: string, elements: number): void {
  if (elements > MOST_ELEMENTS) {
    throw new ArgumentError(
      `${what} would take ${((4 * elements) / 1e9).toFixed(1)} GB, at most 1 GB is possible; choose a smaller one`,
    );
  }
}

/** @throws {ArgumentError} where the value is none of the allowed ones */
export function checkName(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value))
    throw new ArgumentError(`${option} is ${shown(value)}, expected one of ${allowed.join(', ')}`);
}

function checkFlag(option: string, value: boolean): void {
  if (typeof value !== 'boolean')
    throw new ArgumentError(`${option} is ${shown(value)}, expected true or false`);
}

/** @throws {ArgumentError} where the value is no integer from `least` to `most` */
export function checkInteger(
  option: string,
  value: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new ArgumentError(`${option} is ${shown(value)}, expected an integer ${range}`);
  }
}
