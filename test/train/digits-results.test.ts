import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { chosenLearningRate, digitsOutcome } from '../../lib/analysis/digits-outcome';
import { FileError } from '../../lib/errors';
import { parseDigitsProtocol, trueGradOf } from '../../lib/train/digits-protocol';
import {
  type DigitsCurve,
  type DigitsRun,
  endOf,
  formatDigitsCurves,
  formatDigitsRuns,
  parseDigitsCurves,
  parseDigitsRuns,
} from '../../lib/train/digits-results';
import { DIGITS_FILES, readDigitsResults } from '../../lib/train/digits-results.node';
import { messageOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';

const published = fileURLToPath(new URL('../../output/published/digits/', import.meta.url));
const protocolText = readFileSync(join(published, DIGITS_FILES.protocol), 'utf8');

const evaluation = (epoch: number, validationAccuracy = 0.5, validationLoss = 0.25) => ({
  epoch,
  trainAccuracy: 0.75,
  trainLoss: 0.125,
  validationAccuracy,
  validationLoss,
});
const tuned = (learningRate: number, seed: number, accuracy: number, loss = 1): DigitsRun => ({
  ...{ stage: 'tuning', model: 'mlp', arm: 'tgAdamW, graft', learningRate, seed, steps: 336 },
  ...{ trainLoss: 0.5, loss, accuracy, seconds: 1.25 },
});
const tested = (seed: number, accuracy: number): DigitsRun => ({
  ...tuned(0.01, seed, accuracy),
  stage: 'test',
});

describe('parseDigitsProtocol', () => {
  it('reads the published one: seven optimisers, S for four of them, no seed twice', () => {
    const { arms, tuningSeeds, testSeeds, models } = parseDigitsProtocol(protocolText);
    expect(arms.map((arm) => [arm.optimizer, trueGradOf(arm)])).toEqual([
      ['adam', undefined],
      ['adamw', undefined],
      ['adamw', undefined],
      ['tgadamw', 'exact'],
      ['tgadamw', 'exact'],
      ['tglaprop', 'exact'],
      ['tgrmsprop', 'exact'],
    ]);
    expect([tuningSeeds.length, testSeeds.length, models]).toEqual([2, 5, ['mlp', 'conv-net']]);
  });

  const arm = { name: 'a', optimizer: 'tgadamw', options: { betas: [0.9, 0.9], weightDecay: 0 } };
  it.each([
    [{ models: ['rnn'] }, 'models is ["rnn"], expected some of mlp, conv-net'],
    [{ models: undefined }, 'models is missing'],
    [{ learningRates: [0.1, 0.01] }, 'learningRates is'],
    [{ batchSize: 0 }, 'batchSize is 0'],
    [{ evaluationsPerEpoch: { tuning: 1 } }, 'evaluationsPerEpoch.test is missing'],
    [{ testSeeds: [0, 0] }, 'testSeeds is'],
    [{ testSeeds: [0, 101] }, 'seed 101 is for tuning and for the test'],
    [{ arms: [] }, 'arms is'],
    [{ arms: [arm, arm] }, 'arms[1].name is "a", expected a name of its own'],
    [{ arms: [{ ...arm, optimizer: 'sgd' }] }, 'arms[0].optimizer is "sgd"'],
    [{ arms: [{ ...arm, options: { ...arm.options, betas: [2, 0.9] } }] }, 'arms[0].options: betas is'],
    [
      { arms: [{ ...arm, options: { ...arm.options, trueGrad: 'released' } }] },
      'arms[0].options.trueGrad is "released", expected exact, token',
    ],
    [{ arms: [{ name: 'a', optimizer: 'adam' }] }, 'arms[0].options: weightDecay is undefined'],
  ])('refuses %o in one line', (wrong, part) => {
    const text = JSON.stringify({ ...JSON.parse(protocolText), ...wrong });
    expect(messageOf(FileError, () => parseDigitsProtocol(text, 'p.json'))).toContain(`p.json: ${part}`);
  });

  it('refuses what is no JSON or no record', () => {
    expect(messageOf(FileError, () => parseDigitsProtocol('{', 'p.json'))).toContain('p.json is no JSON');
    expect(messageOf(FileError, () => parseDigitsProtocol('[]', 'p.json'))).toContain('expected a record');
  });
});

describe('the tables', () => {
  const runs = [tuned(0.000316, 100, 0.926), { ...tuned(3.16, 101, 0, Number.NaN), trainLoss: Number.NaN }];
  const curves: DigitsCurve[] = [0, 1].map((seed) => ({
    ...{ model: 'mlp', arm: 'tgAdamW, graft', seed },
    history: [evaluation(0), evaluation(16, 0.875)],
  }));

  it('read back what was written', () => {
    const [first, second] = parseDigitsRuns(formatDigitsRuns(runs));
    expect(first).toEqual(runs[0]);
    expect(second).toEqual(runs[1]);
    expect(parseDigitsCurves(formatDigitsCurves(curves))).toEqual(curves);
    expect(parseDigitsRuns(formatDigitsRuns([]))).toEqual([]);
  });

  const [header, line] = formatDigitsRuns(runs).split('\n') as [string, string];
  it.each([
    ['Model,Arm\n', 'line 1 is not the header'],
    [`${header}\n${line}`, 'line 2 is cut off'],
    [`${header}\n${line}\n${line}\n`, 'line 3 repeats a run'],
    [`${header}\n${line},5\n`, 'line 2 has 11 cells instead of 10'],
    [`${header}\n${line.replace('tuning', 'training')}\n`, 'line 2 has "training" as Stage'],
    [`${header}\n${line.replace('0.926', '92.6')}\n`, 'line 2 has "92.6" as Accuracy'],
    [`${header}\n${line.replace('336', 'x')}\n`, 'line 2 has "x" as Steps'],
    [`${header}\n${line.replace('mlp', '')}\n`, 'line 2 has "" as Model'],
  ])('name the first line that is wrong: %j', (text, part) => {
    expect(messageOf(FileError, () => parseDigitsRuns(text, 'r.csv'))).toContain(`r.csv ${part}`);
  });

  it('are read from a folder, and a missing file is named', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, DIGITS_FILES.protocol), protocolText);
    expect(messageOf(FileError, () => readDigitsResults(folder))).toContain(join(folder, DIGITS_FILES.runs));
    writeFileSync(join(folder, DIGITS_FILES.runs), formatDigitsRuns(runs));
    writeFileSync(join(folder, DIGITS_FILES.curves), formatDigitsCurves(curves));
    expect(readDigitsResults(folder)).toMatchObject({ runs: [runs[0], runs[1]], curves });
  });
});

describe('the outcome', () => {
  it('ends with the last evaluation; without a finite loss nothing was right', () => {
    const key = { stage: 'test', model: 'mlp', arm: 'Adam', learningRate: 1, seed: 3 } as const;
    expect(endOf(key, [evaluation(0), evaluation(384, 0.875)], 2)).toEqual({
      ...{ ...key, steps: 384, trainLoss: 0.125, loss: 0.25, accuracy: 0.875, seconds: 2 },
    });
    expect(endOf(key, [evaluation(384, 0.1, Number.NaN)], 2).accuracy).toBe(0);
  });

  it('chooses the learning rate of the highest mean accuracy, among equals of the lower loss', () => {
    const pair = { model: 'mlp', arm: 'tgAdamW, graft' };
    const runs = [
      ...[tuned(0.1, 100, 0.8), tuned(0.1, 101, 0.9)],
      ...[tuned(0.001, 100, 0.7), tuned(0.001, 101, 0.7)],
      ...[tuned(0.01, 100, 0.85, 0.5), tuned(0.01, 101, 0.85, 0.5)],
      { ...tuned(1, 100, 1), arm: 'Adam' },
      tested(0, 1),
    ];
    expect(chosenLearningRate(runs, pair)).toEqual({ learningRate: 0.01, atEdge: false });
    expect(chosenLearningRate(runs.slice(0, 4), pair)).toEqual({ learningRate: 0.1, atEdge: true });
    expect(chosenLearningRate([tuned(0.1, 1, 0, Number.NaN), tuned(1, 1, 0, 3)], pair)?.learningRate).toBe(1);
    expect(chosenLearningRate(runs, { ...pair, model: 'conv-net' })).toBeUndefined();
  });

  it('tells median, lowest and highest of the seeds in their order', () => {
    const runs = [tuned(0.01, 100, 0.9), tested(2, 0.95), tested(0, 0.93), tested(1, 0.96)];
    expect(digitsOutcome(runs)).toEqual([
      {
        ...{ model: 'mlp', arm: 'tgAdamW, graft', learningRate: 0.01, atEdge: true, seconds: 1.25 },
        ...{ accuracies: [0.93, 0.96, 0.95], median: 0.95, lowest: 0.93, highest: 0.96 },
      },
    ]);
  });
});

describe('the published results', () => {
  it('are those that the protocol asks for, at learning rates chosen within the grid', () => {
    const { protocol, runs, curves } = readDigitsResults(published);
    const { models, arms, learningRates, tuningSeeds, testSeeds } = protocol;
    const pairs = models.flatMap((model) => arms.map(({ name }) => ({ model, arm: name })));
    for (const pair of pairs) {
      const own = runs.filter(({ model, arm }) => model === pair.model && arm === pair.arm);
      const chosen = chosenLearningRate(runs, pair);
      expect(chosen?.atEdge).toBe(false);
      const made = own.map(({ stage, learningRate, seed }) => [stage, learningRate, seed]);
      expect(made).toEqual([
        ...learningRates.flatMap((rate) => tuningSeeds.map((seed) => ['tuning', rate, seed])),
        ...testSeeds.map((seed) => ['test', chosen?.learningRate, seed]),
      ]);
    }
    expect(runs).toHaveLength(pairs.length * (learningRates.length * tuningSeeds.length + testSeeds.length));
    // A curve ends with what its run is judged by.
    for (const { history, ...key } of curves) {
      const run = runs.find(({ stage, model, arm, seed }) => {
        return stage === 'test' && model === key.model && arm === key.arm && seed === key.seed;
      });
      expect(run?.accuracy).toBe(history.at(-1)?.validationAccuracy);
      expect(run?.steps).toBe(history.at(-1)?.epoch);
    }
    expect(curves).toHaveLength(pairs.length * testSeeds.length);
  });
});
