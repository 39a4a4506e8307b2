/** @file What defines a run: its configuration, with the presets' defaults and the checks of every value. */
import { type Dataset, makeDataset } from '../data/dataset';
import type { OperationName } from '../data/operations';
import { type Split, splitRows } from '../data/split';
import { ArgumentError } from '../errors';
import { checkGptConfig, type GptConfig, type GptInitialization, gptShapes } from '../models/gpt';
import { checkOptimizerOptions, OPTIMIZERS, type OptimizerName } from '../optim';

/** Everything a run's result depends on. Two runs of equal configuration on one device give the same numbers. */
export interface RunConfig {
  /** The preset that the other values started from. */
  readonly preset: PresetName;
  readonly operation: OperationName;
  /** The p of "mod p". */
  readonly modulus: number;
  /** Share of all rows to train on, in (0, 1); or `trainRows`. */
  readonly trainFraction?: number;
  /** Number of rows to train on. */
  readonly trainRows?: number;
  /** Fixes the split and the initial parameters. */
  readonly seed: number;
  /** Budget of optimiser updates. */
  readonly steps: number;
  /** Stop once validation accuracy reaches this, in (0, 1]; absent: use the whole budget. */
  readonly stopAtAccuracy?: number;
  /** How many evaluations in a row must reach it. */
  readonly stopEvaluations: number;
  /** Evaluate before every update whose number is a multiple of this, and before the last. */
  readonly evalEvery: number;
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly betas: readonly [number, number];
  readonly dModel: number;
  readonly dFF: number;
  readonly heads: number;
  readonly layers: number;
  readonly init: GptInitialization;
}

/**
 * Named configurations. `gpt` is write-up 2's: mod 113, 30 % of the pairs, one block of width 128, full batch, AdamW
 * with decay 1 for 55,000 steps; with the initialisation of the paper it follows (Nanda et al. 2023).
 */
export const PRESETS = {
  gpt: {
    operation: 'add',
    modulus: 113,
    trainFraction: 0.3,
    seed: 0,
    steps: 55_000,
    stopEvaluations: 1,
    evalEvery: 25,
    optimizer: 'adamw',
    learningRate: 1e-3,
    weightDecay: 1,
    betas: [0.9, 0.98],
    dModel: 128,
    dFF: 512,
    heads: 4,
    layers: 1,
    init: 'paper',
  },
} as const satisfies Readonly<Record<string, Omit<RunConfig, 'preset'>>>;

export type PresetName = keyof typeof PRESETS;

/** Differences from a preset. */
export type RunOptions = Partial<RunConfig>;

/** Steps are counted in int32 inside the program. */
const LARGEST_STEP = 2 ** 31 - 1;

/** Most elements of any one array of a run, 1 GB of float32. */
const MOST_ELEMENTS = 2 ** 28;

const INITIALIZATIONS: readonly GptInitialization[] = ['paper', 'unit'];

/**
 * Completes a configuration from its preset and checks it. The MLP is four times as wide as the model unless `dFF` is
 * given; `trainRows` takes the place of the preset's fraction.
 * @throws ArgumentError for a value outside its range, naming the value, the range and what to do.
 */
export function runConfig(options: RunOptions = {}): RunConfig {
  const preset = options.preset ?? 'gpt';
  checkName('preset', preset, Object.keys(PRESETS));
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as RunOptions;
  const { trainFraction, ...base } = PRESETS[preset];
  if (given.trainFraction !== undefined && given.trainRows !== undefined) {
    throw new ArgumentError(
      `train-fraction ${given.trainFraction} and train-rows ${given.trainRows} exclude each other; give one of them`,
    );
  }
  const config: RunConfig = {
    preset,
    ...base,
    ...(given.trainRows === undefined ? { trainFraction } : {}),
    ...(given.dModel === undefined ? {} : { dFF: 4 * given.dModel }),
    ...given,
  };
  checkRun(config);
  return config;
}

function checkRun(config: RunConfig): void {
  checkName('optimizer', config.optimizer, Object.keys(OPTIMIZERS));
  checkName('init', config.init, INITIALIZATIONS);
  checkInteger('seed', config.seed, 0);
  checkInteger('steps', config.steps, 1, LARGEST_STEP);
  checkInteger('eval-every', config.evalEvery, 1, LARGEST_STEP);
  checkInteger('stop-evaluations', config.stopEvaluations, 1);
  const { stopAtAccuracy } = config;
  if (stopAtAccuracy !== undefined && !(stopAtAccuracy > 0 && stopAtAccuracy <= 1)) {
    throw new ArgumentError(`stop-at-accuracy is ${stopAtAccuracy}, expected a share in (0, 1] such as .99`);
  }
  checkOptimizerOptions(config, { learningRate: 'lr', weightDecay: 'weight-decay' });
  // The data and the model check what concerns them.
  const dataset = datasetOf(config);
  splitOf(config, dataset);
  const model = modelConfigOf(config, dataset);
  checkSize(`the logits of all ${dataset.rows} pairs of p ${config.modulus}`, dataset.rows * dataset.classes);
  checkSize(`the activations of d-ff ${config.dFF}`, dataset.rows * config.dFF);
  checkSize(
    `a model of d-model ${config.dModel} and layers ${config.layers}`,
    [...gptShapes(model).values()].reduce((sum, [rows, columns]) => sum + rows * columns, 0),
  );
}

/** Full-batch training holds whole arrays in memory. */
function checkSize(what: string, elements: number): void {
  if (elements > MOST_ELEMENTS) {
    throw new ArgumentError(
      `${what} would take ${((4 * elements) / 1e9).toFixed(1)} GB, at most 1 GB is possible; choose a smaller one`,
    );
  }
}

function checkName(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value))
    throw new ArgumentError(`${option} is '${value}', expected one of ${allowed.join(', ')}`);
}

function checkInteger(option: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new ArgumentError(`${option} is ${value}, expected an integer ${range}`);
  }
}

export function datasetOf(config: RunConfig): Dataset {
  return makeDataset({ operation: config.operation, modulus: config.modulus });
}

export function splitOf(config: RunConfig, dataset: Dataset): Split {
  const { seed, trainRows, trainFraction } = config;
  return trainRows === undefined
    ? splitRows(dataset, { seed, trainFraction: trainFraction as number })
    : splitRows(dataset, { seed, trainRows });
}

/** The model's sizes for a dataset. */
export function modelConfigOf(
  config: RunConfig,
  dataset: Pick<Dataset, 'vocabulary' | 'sequenceLength' | 'classes'>,
): GptConfig {
  const { vocabulary, sequenceLength, classes } = dataset;
  const { dModel, dFF, heads, layers } = config;
  const model = { vocabulary, sequenceLength, classes, dModel, dFF, heads, layers };
  checkGptConfig(model);
  return model;
}
