/** @file What defines a run: its configuration, completed from a preset and checked. */
import {
  type Dataset,
  type DatasetOptions,
  type DatasetSizes,
  datasetSizes,
  makeDataset,
} from '../data/dataset';
import { getOperation, type OperationName } from '../data/operations';
import { type Split, splitRows, trainRowCount } from '../data/split';
import type { TokenForm } from '../data/token-forms';
import { ArgumentError } from '../errors';
import type {
  FactoredMatrices,
  MaskMode,
  ModelConfig,
  ModelName,
  PositionKind,
  SingularValueRule,
} from '../models/config';
import type { GptInitialization } from '../models/gpt';
import { createModel } from '../models/registry';
import type { TrueGradForm } from '../models/true-grad/form';
import { type EpsMode, isTrueGrad, OPTIMIZER_DEFAULTS, type OptimizerName } from '../optim';
import { checkFit, checkName, checkSizes, checkTrainRows, checkValues } from './check-config';
import { PRESETS, type PresetName } from './presets';

/** Everything a run's result depends on. Two runs of equal configuration on one device give the same numbers. */
export interface RunConfig {
  /** The preset that the other values started from. */
  readonly preset: PresetName;
  readonly model: ModelName;
  readonly operation: OperationName;
  /** The p of "mod p"; absent where the operation is not on numbers (S₅). */
  readonly modulus?: number;
  /** How a pair is written as tokens. */
  readonly tokens: TokenForm;
  /** Share of all rows to train on, in (0, 1); or `trainRows`. */
  readonly trainFraction?: number;
  /** Number of rows to train on. */
  readonly trainRows?: number;
  /** How the rows are chosen; `with-replacement` is write-up 2's, whose validation rows leak. */
  readonly split: 'exact' | 'with-replacement';
  /** Fixes the split, and which labels are outliers. */
  readonly splitSeed: number;
  /** Training labels that are replaced by wrong ones. */
  readonly outliers: number;
  /** Fixes the initial parameters and all that is drawn in training. */
  readonly seed: number;
  /** Budget of optimiser updates. */
  readonly steps: number;
  /** Stop once validation accuracy reaches this, in (0, 1]; absent: use the whole budget. */
  readonly stopAtAccuracy?: number;
  /** How many evaluations in a row must reach it. */
  readonly stopEvaluations: number;
  /** Updates that the run goes on for once they have, within its budget; absent: none. */
  readonly stepsAfterTarget?: number;
  /** Evaluate before every update whose number is a multiple of this, and before the last. */
  readonly evalEvery: number;
  /**
   * Training rows in one update. Minibatches wrap: every epoch goes through all training rows in an order of its own, and a
   * batch that an epoch does not fill takes the first rows of the next, so all updates are on equally many rows. The code
   * released with Power et al. ends an epoch with a shorter batch instead.
   */
  readonly batchSize: number | 'full';
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  /** Updates over which the learning rate rises from zero. */
  readonly warmup: number;
  readonly weightDecay: number;
  /** What weight decay pulls the parameters towards: zero, or their initial values. */
  readonly decayTo: 'zero' | 'init';
  /** Decay rates of the optimiser's moments. */
  readonly betas: readonly [number, number];
  /** For the TrueGrad optimisers: decay rate of the mean of single examples' squared gradients. */
  readonly beta3?: number;
  /** What keeps the root of second moments away from 0; absent: Adam's 1e-8. */
  readonly eps?: number;
  /** For adamw and adam: whether eps is added to that root or is the least it can be; absent: added. */
  readonly epsMode?: EpsMode;
  /** For the TrueGrad optimisers: whether an update has the length that the squared gradient would give it. */
  readonly graft?: boolean;
  /** For the TrueGrad optimisers: how the squared gradients of single examples are formed. */
  readonly trueGrad?: TrueGradForm;
  /** Standard deviation of what is added to every parameter in the forward pass of a training step. */
  readonly weightNoise: number;
  /** Standard deviation of what is added to the direction of every update, before the learning rate. */
  readonly gradientNoise: number;
  /** Share of activations dropped in training, in [0, 1). */
  readonly dropout: number;
  /**
   * Whether dropout stays on where accuracy and loss are measured, as in write-up 1. Otherwise both are those of the whole
   * model, for the training rows too.
   */
  readonly dropoutInValidation: boolean;
  readonly dModel: number;
  readonly dFF: number;
  readonly heads: number;
  readonly layers: number;
  /** For the decoder: who sees whom. */
  readonly mask?: MaskMode;
  /** For the decoder: how it knows positions. */
  readonly positions?: PositionKind;
  /** How parameters begin: the GPT's `paper` or `unit`, or as PyTorch's layers do. */
  readonly init: Initialization;
  /** Which matrices train as their singular value decompositions; absent: none. See `factored`. */
  readonly factored?: FactoredMatrices;
  /** Where some do: what their singular values may do. */
  readonly singularValues?: SingularValueRule;
}

/** How a model's parameters begin. */
export type Initialization = GptInitialization | 'torch';

/**
 * Training rows in one update, as it may be asked for: a number, all of them, or `half`, which is the paper's
 * min(512, ⌊N/2⌋) of N training rows.
 */
export type BatchSize = number | 'full' | 'half';

/** Differences from a preset. */
export type RunOptions = Partial<Omit<RunConfig, 'batchSize'>> & { readonly batchSize?: BatchSize };

/** The paper's largest batch. */
const LARGEST_HALF_BATCH = 512;

/** Options that only some models have, with their values where the preset gives none. */
const MODEL_OPTIONS: Readonly<Record<ModelName, Partial<RunConfig>>> = {
  gpt: { init: 'paper' },
  decoder: { init: 'torch', mask: 'causal', positions: 'sinusoidal' },
  power: { init: 'torch' },
};

/**
 * Completes a configuration from its preset and checks it. The MLP is four times as wide as the model unless `dFF` is
 * given; `trainRows` and `trainFraction` take each other's place; the split has the run's seed unless `splitSeed` is given.
 *
 * @throws {ArgumentError} for a value outside its range, naming the value, the range and what to do
 */
export function runConfig(options: RunOptions = {}): RunConfig {
  const preset = options.preset ?? 'gpt';
  checkName('preset', preset, Object.keys(PRESETS));
  const unknown = Object.keys(options).find((key) => !Object.hasOwn(KEYS, key));
  if (unknown !== undefined) {
    throw new ArgumentError(
      `'${unknown}' is no option of a run, expected some of ${Object.keys(KEYS).join(', ')}`,
    );
  }
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as RunOptions;
  if (given.trainFraction !== undefined && given.trainRows !== undefined) {
    throw new ArgumentError(
      `train-fraction ${given.trainFraction} and train-rows ${given.trainRows} exclude each other; give one of them`,
    );
  }
  const wanted = completed(preset, given);
  checkValues(wanted, MODEL_OPTIONS);
  const dataset = datasetSizesOf(wanted);
  checkTrainRows(wanted, dataset.rows, given.trainRows !== undefined || given.trainFraction !== undefined);
  const trainRows = trainRowCount(dataset.rows, wanted);
  const { batchSize, dropout, weightDecay } = wanted;
  const config = inOrder({
    ...withoutUsual(wanted),
    batchSize:
      batchSize === 'half' ? Math.max(1, Math.min(LARGEST_HALF_BATCH, Math.floor(trainRows / 2))) : batchSize,
    // What has no effect is no difference between two runs.
    dropoutInValidation: dropout > 0 && wanted.dropoutInValidation,
    decayTo: weightDecay > 0 ? wanted.decayTo : 'zero',
  });
  checkFit(config, dataset, trainRows);
  checkSizes(config, dataset, createModel(modelConfigOf(config, dataset)));
  return config;
}

/** The members of a configuration, in the order of its interface. */
const KEYS: { readonly [Key in keyof Required<RunConfig>]: true } = {
  preset: true,
  model: true,
  operation: true,
  modulus: true,
  tokens: true,
  trainFraction: true,
  trainRows: true,
  split: true,
  splitSeed: true,
  outliers: true,
  seed: true,
  steps: true,
  stopAtAccuracy: true,
  stopEvaluations: true,
  stepsAfterTarget: true,
  evalEvery: true,
  batchSize: true,
  optimizer: true,
  learningRate: true,
  warmup: true,
  weightDecay: true,
  decayTo: true,
  betas: true,
  beta3: true,
  eps: true,
  epsMode: true,
  graft: true,
  trueGrad: true,
  weightNoise: true,
  gradientNoise: true,
  dropout: true,
  dropoutInValidation: true,
  dModel: true,
  dFF: true,
  heads: true,
  layers: true,
  mask: true,
  positions: true,
  init: true,
  factored: true,
  singularValues: true,
};

/** The same configuration whatever order its options came in, so that equal runs leave equal bytes. */
function inOrder(config: RunConfig): RunConfig {
  return Object.fromEntries(
    Object.keys(KEYS).flatMap((key) => (key in config ? [[key, config[key as keyof RunConfig]]] : [])),
  ) as unknown as RunConfig;
}

/** A configuration whose batch size may still be `half`. */
export type WantedConfig = Omit<RunConfig, 'batchSize'> & { readonly batchSize: BatchSize };

/** The preset's values, those of the model where it is another than the preset's, and the given ones over them. */
function completed(preset: PresetName, given: RunOptions): WantedConfig {
  const { trainFraction, trainRows, modulus, mask, positions, init, ...base } = PRESETS[preset] as Omit<
    WantedConfig,
    'preset' | 'splitSeed'
  >;
  const model = given.model ?? base.model;
  const ofModel = model === base.model ? { init, mask, positions } : {};
  const ofData =
    given.trainFraction === undefined && given.trainRows === undefined ? { trainFraction, trainRows } : {};
  const optimizer = given.optimizer ?? base.optimizer;
  const optional = {
    ...(getOperation(given.operation ?? base.operation).modular ? { modulus } : {}),
    ...ofData,
    ...(given.dModel === undefined ? {} : { dFF: 4 * given.dModel }),
    ...ofModel,
    ...(given.factored === undefined ? {} : { singularValues: 'free' }),
  };
  return {
    preset,
    splitSeed: given.seed ?? base.seed,
    ...base,
    ...(optimizer === base.optimizer ? {} : optimizerDefaults(optimizer, given)),
    ...(MODEL_OPTIONS[model] as { readonly init: Initialization }),
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as object),
    ...given,
  };
}

/** What an optimiser does where it is not told; one that is not there is refused later. */
function optimizerDefaults(optimizer: OptimizerName, { betas }: RunOptions): Partial<WantedConfig> {
  const defaults: Partial<WantedConfig> | undefined = OPTIMIZER_DEFAULTS[optimizer];
  if (defaults?.betas === undefined) return {};
  return { ...defaults, beta3: betas?.[1] ?? defaults.betas[1], trueGrad: 'exact' };
}

/** The configuration without what is as it would be if it had never been an option, so that older runs are found equal. */
function withoutUsual<C extends Partial<WantedConfig>>(config: C): C {
  const { optimizer = 'adamw', eps, epsMode, stepsAfterTarget } = config;
  const usual = isTrueGrad(optimizer) ? {} : (OPTIMIZER_DEFAULTS[optimizer] as Partial<WantedConfig>);
  const dropped = [
    ...(eps === usual.eps ? ['eps'] : []),
    ...(epsMode === usual.epsMode ? ['epsMode'] : []),
    ...(stepsAfterTarget === 0 ? ['stepsAfterTarget'] : []),
  ];
  return Object.fromEntries(Object.entries(config).filter(([key]) => !dropped.includes(key))) as C;
}

/** Which table a configuration asks for. */
function tableOf({
  operation,
  modulus,
  tokens,
}: Pick<RunConfig, 'operation' | 'modulus' | 'tokens'>): DatasetOptions {
  return { operation, modulus, form: tokens };
}

/** The rows that a configuration's model learns. */
export function datasetOf(config: Pick<RunConfig, 'operation' | 'modulus' | 'tokens'>): Dataset {
  return makeDataset(tableOf(config));
}

/** What they are, without making them. */
export function datasetSizesOf(config: Pick<RunConfig, 'operation' | 'modulus' | 'tokens'>): DatasetSizes {
  return datasetSizes(tableOf(config));
}

/** Which of them train. */
export function splitOf(
  config: Pick<RunConfig, 'splitSeed' | 'split' | 'trainRows' | 'trainFraction'>,
  dataset: Dataset,
): Split {
  const { splitSeed: seed, split: method, trainRows, trainFraction } = config;
  return trainRows === undefined
    ? splitRows(dataset, { seed, method, trainFraction: trainFraction as number })
    : splitRows(dataset, { seed, method, trainRows });
}

/** The optimiser's options: a run whose squares are those of the released package has its weight decay too. */
export function optimizerOptionsOf<C extends Pick<RunConfig, 'trueGrad'>>(
  config: C,
): C & { readonly decayAsReleased?: true } {
  return config.trueGrad === 'released' ? { ...config, decayAsReleased: true } : config;
}

/** The model and its sizes for a dataset. */
export function modelConfigOf(
  config: Pick<
    RunConfig,
    | 'model'
    | 'dModel'
    | 'dFF'
    | 'heads'
    | 'layers'
    | 'dropout'
    | 'mask'
    | 'positions'
    | 'init'
    | 'factored'
    | 'singularValues'
  >,
  dataset: Pick<Dataset, 'vocabulary' | 'sequenceLength' | 'classes' | 'answers'>,
): ModelConfig {
  const { vocabulary, sequenceLength, classes, answers } = dataset;
  const { model, dModel, dFF, heads, layers, dropout, mask, positions, init } = config;
  const { factored, singularValues = 'free' } = config;
  const sizes = {
    ...{ vocabulary, sequenceLength, classes, dModel, dFF, heads, layers },
    ...(factored === undefined ? {} : { factored, singularValues }),
  };
  if (model === 'gpt') return { model, ...sizes, init: init as GptInitialization };
  if (model === 'power') return { model, ...sizes, dropout, answers };
  return {
    model,
    ...sizes,
    dropout,
    answers,
    mask: mask as MaskMode,
    positions: positions as PositionKind,
  };
}
