import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { isHostTensor, mapTree, withBackend } from '../../lib/compile';
import { gatherRows } from '../../lib/data/split';
import { createModel } from '../../lib/models/registry';
import { tokenBatch } from '../../lib/models/rows';
import { datasetOf, modelConfigOf, runConfig, splitOf } from '../../lib/train/config';
import { metricsOf, type StepMetrics, TINY } from '../support/step-metrics';

/** Two steps without anything special, which most tests compare with. */
let without: StepMetrics;
/** Two steps with two answers a row. */
let withEos: StepMetrics;
beforeAll(async () => {
  without = await metricsOf({});
  withEos = await metricsOf({ tokens: 'equation-eos' });
});

describe('a full batch without dropout or noise', () => {
  it('follows the very loss that is evaluated', () => {
    const { trainLoss, evaluatedTrainLoss } = without;
    expect(evaluatedTrainLoss).toEqual(trainLoss);
  });

  it('evaluates only when it is due', async () => {
    const metrics = await metricsOf({ evalEvery: 2, steps: 5 }, 4);
    for (const name of ['evaluatedTrainLoss', 'trainAccuracy', 'validationLoss', 'validationAccuracy']) {
      expect(metrics[name]?.map(Number.isNaN)).toEqual([false, true, false, true]);
    }
    expect(metrics.trainLoss?.some(Number.isNaN)).toBe(false);
  });
});

describe('minibatches', () => {
  it('go through all training rows, and the evaluation is of all of them', async () => {
    const options = { learningRate: 1e-12, weightDecay: 0 };
    const { trainLoss = [], evaluatedTrainLoss } = await metricsOf({ ...options, batchSize: 8 }, 3);
    expect(evaluatedTrainLoss?.[0]).toBeCloseTo(without.trainLoss?.[0] as number, 5);
    expect(trainLoss[0]).not.toBeCloseTo(trainLoss[1] as number, 3);
    expect(trainLoss.reduce((a, b) => a + b) / 3).toBeCloseTo(without.trainLoss?.[0] as number, 5);
  });

  it('take the answers of their own rows, both of them where a row has two', async () => {
    const options = { tokens: 'equation-eos', learningRate: 1e-12, weightDecay: 0 } as const;
    const { trainLoss = [] } = await metricsOf({ ...options, batchSize: 12 }, 2);
    expect(((trainLoss[0] as number) + (trainLoss[1] as number)) / 2).toBeCloseTo(
      withEos.trainLoss?.[0] as number,
      5,
    );
  });
});

describe('dropout', () => {
  let dropped: StepMetrics;
  beforeAll(async () => {
    dropped = await metricsOf({ dropout: 0.3 });
  });

  it('is on in the update and off in the evaluation', () => {
    expect(dropped.evaluatedTrainLoss?.[0]).toBeCloseTo(without.trainLoss?.[0] as number, 5);
    expect(dropped.validationLoss?.[0]).toBeCloseTo(without.validationLoss?.[0] as number, 5);
    expect(dropped.trainLoss?.[0]).not.toBeCloseTo(without.trainLoss?.[0] as number, 2);
  });

  it('stays on in the evaluation where it is asked to, and then changes no update', async () => {
    const asWritten = await metricsOf({ dropout: 0.3, dropoutInValidation: true });
    expect(asWritten.trainLoss).toEqual(dropped.trainLoss);
    expect(asWritten.evaluatedTrainLoss).toEqual(asWritten.trainLoss);
    expect(asWritten.validationLoss?.[0]).not.toBeCloseTo(dropped.validationLoss?.[0] as number, 2);
  });
});

describe('noise on the parameters', () => {
  it('is on in the update and off in the evaluation', async () => {
    const noisy = await metricsOf({ weightNoise: 0.1 }, 1);
    expect(noisy.evaluatedTrainLoss?.[0]).toBeCloseTo(without.trainLoss?.[0] as number, 5);
    expect(noisy.trainLoss?.[0]).not.toBeCloseTo(without.trainLoss?.[0] as number, 3);
  });
});

describe('outliers', () => {
  it('are learned from, and not judged by', async () => {
    const wrong = await metricsOf({ outliers: 20 });
    expect(wrong.validationLoss?.[0]).toBe(without.validationLoss?.[0]);
    expect(wrong.trainLoss?.[0]).not.toBeCloseTo(without.trainLoss?.[0] as number, 3);
  });
});

describe('two answers a row', () => {
  it('count in the loss one by one, and in the accuracy together', () => {
    const { validationLoss, validationAccuracy } = withEos;
    const config = runConfig({ ...TINY, tokens: 'equation-eos' });
    const dataset = datasetOf(config);
    const { tokens, targets } = gatherRows(dataset, splitOf(config, dataset).validation);
    const model = createModel(modelConfigOf(config, dataset));
    const rows = targets.length / 2;
    const logits = withBackend('cpu', () =>
      tf.tidy(() => {
        const params = mapTree(model.init(config.seed), isHostTensor, ({ data, shape }) =>
          tf.tensor(data, [...shape]),
        );
        return model.forward(params as never, tokenBatch(tokens, 6, dataset.vocabulary)).arraySync();
      }),
    );
    const label = (row: number, answer: number) => targets[2 * row + answer] as number;
    let loss = 0;
    let right = 0;
    for (let row = 0; row < rows; row++) {
      const answers = [0, 1].map((answer) => {
        const scores = logits[answer * rows + row] as number[];
        loss += Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0));
        loss -= scores[label(row, answer)] as number;
        return scores.indexOf(Math.max(...scores)) === label(row, answer);
      });
      if (answers.every(Boolean)) right += 1;
    }
    expect(validationLoss?.[0]).toBeCloseTo(loss / (2 * rows), 5);
    expect(validationAccuracy?.[0]).toBeCloseTo(right / rows, 6);
  });
});
