/** @file From a configuration to a step and the state it begins with. */
import type { Step } from '../compile';
import type { Dataset } from '../data/dataset';
import { withOutliers } from '../data/outliers';
import { gatherRows } from '../data/split';
import { createModel } from '../models/registry';
import { tokenBatch } from '../models/rows';
import { OPTIMIZERS } from '../optim';
import { datasetOf, modelConfigOf, optimizerOptionsOf, type RunConfig, splitOf } from './config';
import { type TrainState, toHostTree } from './state';
import { type Batch, makeStep, scheduleOf } from './step';

/** Everything a run begins with. */
export interface PreparedRun {
  readonly step: Step<TrainState>;
  /** Initial parameters, zeroed optimiser state, step 0. */
  readonly initial: TrainState;
  readonly trainRows: number;
  readonly validationRows: number;
}

/** Data, model, optimiser and initial state of a configuration. */
export function prepareRun(config: RunConfig): PreparedRun {
  const { seed, splitSeed, batchSize, dropout, weightNoise, dropoutInValidation, outliers, trueGrad } =
    config;
  const dataset = datasetOf(config);
  const split = splitOf(config, dataset);
  const model = createModel(modelConfigOf(config, dataset));
  const { decays, project } = model;
  const optimizer = OPTIMIZERS[config.optimizer]({
    ...optimizerOptionsOf(config),
    ...(decays && { decays }),
  });
  const params = model.init(seed);
  const { training } = withOutliers(dataset, split, { count: outliers, seed: splitSeed });
  return {
    step: makeStep({
      forward: model.forward,
      classes: dataset.classes,
      answers: dataset.answers,
      train: batchOf(training, split.train),
      validation: batchOf(dataset, split.validation),
      optimizer,
      ...(project && { project }),
      seed,
      batchSize,
      dropout: dropout > 0,
      weightNoise,
      dropoutInValidation,
      ...(trueGrad === undefined ? {} : { trueGrad }),
    }),
    initial: {
      params,
      optimizer: toHostTree((tensors) => optimizer.init(tensors), params),
      step: { dtype: 'int32', shape: [], data: Int32Array.of(0) },
      schedule: scheduleOf(config.evalEvery, config.steps - 1),
    },
    trainRows: split.train.length,
    validationRows: split.validation.length,
  };
}

/** Rows for a step, their targets turned from row-major to answer-major. */
function batchOf(dataset: Dataset, rows: Int32Array): Batch {
  const { tokens, targets } = gatherRows(dataset, rows);
  const { answers } = dataset;
  const count = rows.length;
  return {
    tokens: tokenBatch(tokens, dataset.sequenceLength, dataset.vocabulary),
    targets: targets.map((_, i) => targets[(i % count) * answers + Math.floor(i / count)] as number),
  };
}
