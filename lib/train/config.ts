/** @file What defines a run: its configuration, with the presets' defaults and the checks of every value. */
import { type Dataset, makeDataset } from '../data/dataset';
import type { OperationName } from '../data/operations';
import { type Split, splitRows } from '../data/split';
import { ArgumentError } from '../errors';
import { checkGptConfig, type GptConfig, type GptInitialization } from '../models/gpt';
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
  checkInteger('steps', config.steps, 1);
  checkInteger('eval-every', config.evalEvery, 1);
  checkInteger('stop-evaluations', config.stopEvaluations, 1);
  const { stopAtAccuracy } = config;
  if (stopAtAccuracy !== undefined && !(stopAtAccuracy > 0 && stopAtAccuracy <= 1)) {
    throw new ArgumentError(`stop-at-accuracy is ${stopAtAccuracy}, expected a share in (0, 1] such as .99`);
  }
  checkOptimizerOptions(config);
  // The data and the model check what concerns them.
  const dataset = datasetOf(config);
  splitOf(config, dataset);
  modelConfigOf(config, dataset);
}

function checkName(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value))
    throw new ArgumentError(`${option} is '${value}', expected one of ${allowed.join(', ')}`);
}

function checkInteger(option: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new ArgumentError(`${option} is ${value}, expected an integer of at least ${least}`);
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
