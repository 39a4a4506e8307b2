import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { chosenLearningRate, digitsOutcome } from '../../lib/analysis/digits-outcome';
import { splitDigits } from '../../lib/data/digits';
import { FileError } from '../../lib/errors';
import { digitsDigest } from '../../lib/train/digits-digest.node';
import {
  DIGITS_TRAINED_ON,
  digitsStepsAnEpoch,
  parseDigitsProtocol,
  trueGradOf,
} from '../../lib/train/digits-protocol';
import {
  type DigitsCurve,
  type DigitsRun,
  endOf,
  formatDigitsCurves,
  formatDigitsRuns,
  parseDigitsCurves,
  parseDigitsRuns,
} from '../../lib/train/digits-results';
import { DIGITS_FILES, DigitsFolder, readDigitsResults } from '../../lib/train/digits-results.node';
import { FolderInUseError, LOCK_FILE } from '../../lib/train/run-lock.node';
import { messageOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';

const published = fileURLToPath(new URL('../../output/published/digits/', import.meta.url));
const protocolText = readFileSync(join(published, DIGITS_FILES.protocol), 'utf8');
const protocol = parseDigitsProtocol(protocolText);
const pair = { model: 'mlp', arm: 'tgAdamW, graft' } as const;

const evaluation = (epoch: number, validationAccuracy = 0.5, validationLoss = 0.25) => ({
  epoch,
  trainAccuracy: 0.75,
  trainLoss: 0.125,
  validationAccuracy,
  validationLoss,
});
const tuned = (learningRate: number, seed: number, accuracy: number, loss = 1): DigitsRun => ({
  ...{ stage: 'tuning', ...pair, learningRate, seed, steps: 336, trainLoss: 0.5, loss, accuracy },
  ...{ protocol: digitsDigest(protocol, pair) as string, commit: '0123abc+' },
});
const tested = (seed: number, accuracy: number): DigitsRun => ({
  ...tuned(0.01, seed, accuracy),
  stage: 'test',
});

describe('parseDigitsProtocol', () => {
  it('reads the published one: seven optimisers, S for four of them, no seed twice', () => {
    const { arms, tuningSeeds, testSeeds, models } = protocol;
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
    [{ batchSize: 7001 }, 'batchSize is 7001, expected a whole number from 1 to 7000'],
    [
      { evaluationsPerEpoch: { tuning: 3, test: 4 } },
      'evaluationsPerEpoch.tuning is 3, expected a divisor of the 56 steps of an epoch',
    ],
    [
      { evaluationsPerEpoch: { tuning: 7, test: 7 } },
      'evaluationsPerEpoch.test is 7, expected a divisor of the 64 steps of an epoch',
    ],
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

describe('digitsStepsAnEpoch', () => {
  it('counts the whole minibatches of what the split trains on', () => {
    const labels = Int32Array.from({ length: 10_000 }, (_, row) => row % 10);
    const { train, tuning } = splitDigits({ labels });
    expect(DIGITS_TRAINED_ON).toEqual({ tuning: train.length, test: train.length + tuning.length });
    expect(digitsStepsAnEpoch({ batchSize: 125 }, 'test')).toBe(64);
    expect(digitsStepsAnEpoch({ batchSize: 3000 }, 'tuning')).toBe(2);
  });
});

describe('digitsDigest', () => {
  const digest = (change: object, { arm }: { arm: string } = pair) =>
    digitsDigest(parseDigitsProtocol(JSON.stringify({ ...JSON.parse(protocolText), ...change })), {
      ...pair,
      arm,
    });
  const arms = (options: object, others: readonly object[] = []) => ({
    arms: [...others, { name: pair.arm, optimizer: 'tgadamw', options }],
  });
  const own = protocol.arms.find(({ name }) => name === pair.arm)?.options as object;

  it('does not change with remarks, other models, other arms or the order of options', () => {
    const [adam] = protocol.arms as [object];
    for (const change of [
      { question: 'why?', models: ['mlp'] },
      arms(own),
      arms(Object.fromEntries(Object.entries(own).reverse()), [adam]),
    ]) {
      expect(digest(change)).toBe(digest({}));
    }
  });

  it.each([
    { learningRates: [0.01, 0.1] },
    { batchSize: 500, evaluationsPerEpoch: { tuning: 1, test: 4 } },
    { epochs: 5 },
    { evaluationsPerEpoch: { tuning: 1, test: 2 } },
    { evaluationsPerEpoch: { tuning: 2, test: 4 } },
    { splitSeed: 1 },
    { tuningSeeds: [100] },
    { testSeeds: [0] },
    arms({ ...own, beta3: 0.99 }),
    { arms: [{ name: pair.arm, optimizer: 'tglaprop', options: own }] },
  ])('changes with %o', (change) => {
    expect(digest(change)).not.toBe(digest({}));
    expect(digest(change)).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is another one for another model and arm, and none for one that the protocol lacks', () => {
    const all = protocol.models.flatMap((model) =>
      protocol.arms.map(({ name }) => digitsDigest(protocol, { model, arm: name })),
    );
    expect(new Set(all).size).toBe(14);
    expect(digest({}, { arm: 'SGD' })).toBeUndefined();
    expect(digitsDigest(protocol, { ...pair, model: 'rnn' })).toBeUndefined();
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
    [`${header}\n${line},5\n`, 'line 2 has 12 cells instead of 11'],
    [`${header}\n${line.replace('tuning', 'training')}\n`, 'line 2 has "training" as Stage'],
    [`${header}\n${line.replace('0.926', '92.6')}\n`, 'line 2 has "92.6" as Accuracy'],
    [`${header}\n${line.replace('336', 'x')}\n`, 'line 2 has "x" as Steps'],
    [`${header}\n${line.replace('mlp', '')}\n`, 'line 2 has "" as Model'],
    [`${header}\n${line.replace(/,[0-9a-f]{16},/, ',1,')}\n`, 'line 2 has "1" as Protocol'],
    [`${header}\n${line.replace('0123abc+', '')}\n`, 'line 2 has "" as Commit'],
  ])('name the first line that is wrong: %j', (text, part) => {
    expect(messageOf(FileError, () => parseDigitsRuns(text, 'r.csv'))).toContain(`r.csv ${part}`);
  });

  it('are read from a folder, and a missing file is named', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, DIGITS_FILES.protocol), protocolText);
    expect(messageOf(FileError, () => readDigitsResults(folder))).toContain(join(folder, DIGITS_FILES.runs));
    const all = [...runs, tested(0, 0.875), tested(1, 0.875)];
    writeFileSync(join(folder, DIGITS_FILES.runs), formatDigitsRuns(all));
    writeFileSync(join(folder, DIGITS_FILES.curves), formatDigitsCurves(curves));
    expect(readDigitsResults(folder)).toEqual({ protocol, runs: all, curves });
  });
});

describe('the outcome', () => {
  it('ends with the last evaluation; without a finite loss nothing was right', () => {
    const { stage, model, arm, learningRate, seed, protocol, commit } = tested(3, 1);
    const key = { stage, model, arm, learningRate, seed, protocol, commit };
    expect(endOf(key, [evaluation(0), evaluation(384, 0.875)])).toEqual({
      ...{ ...key, steps: 384, trainLoss: 0.125, loss: 0.25, accuracy: 0.875 },
    });
    expect(endOf(key, [evaluation(384, 0.1, Number.NaN)]).accuracy).toBe(0);
  });

  it('chooses the learning rate of the highest mean accuracy, among equals of the lower loss', () => {
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
        ...{ ...pair, learningRate: 0.01, atEdge: true },
        ...{ accuracies: [0.93, 0.96, 0.95], median: 0.95, lowest: 0.93, highest: 0.96 },
      },
    ]);
  });
});

describe('the folder', () => {
  /** A folder with a protocol in which the arm has one setting of its own. */
  const folderWith = (folder: string, beta3: number) => {
    const value = JSON.parse(protocolText);
    const arms = value.arms.map((arm: { name: string; options: object }) =>
      arm.name === pair.arm ? { ...arm, options: { ...arm.options, beta3 } } : arm,
    );
    writeFileSync(join(folder, DIGITS_FILES.protocol), JSON.stringify({ ...value, arms }));
    return folder;
  };
  const key = (stage: 'tuning' | 'test', seed: number, arm: string = pair.arm) =>
    ({ stage, model: pair.model, arm, learningRate: 0.01, seed }) as const;
  const history = [evaluation(0), evaluation(384, 0.875)];
  const inFolder = <T>(folder: string, use: (opened: DigitsFolder) => T): T => {
    const opened = DigitsFolder.open(folder);
    try {
      return use(opened);
    } finally {
      opened.close();
    }
  };

  it('is one process’s at a time, and another one finds all that the first has added', () => {
    const folder = folderWith(temporaryFolder(), 0.999);
    inFolder(folder, (first) => {
      expect(() => DigitsFolder.open(folder)).toThrow(FolderInUseError);
      first.add(key('tuning', 100), history, '0123abc');
      first.add(key('test', 0), history);
    });
    inFolder(folder, (second) => {
      expect(second.runs.map(({ stage, seed, commit }) => [stage, seed, commit])).toEqual([
        ['tuning', 100, '0123abc'],
        ['test', 0, 'unknown'],
      ]);
      expect([second.has(key('test', 0)), second.has(key('test', 1))]).toEqual([true, false]);
      second.add(key('test', 1), history);
    });
    const { runs, curves } = readDigitsResults(folder);
    expect(runs.map(({ seed }) => seed)).toEqual([100, 0, 1]);
    expect(curves.map(({ seed }) => seed)).toEqual([0, 1]);
    expect(readdirSync(folder).sort()).toEqual(['curves.csv', 'protocol.json', 'runs.csv']);
  });

  it('is let go where its files are refused', () => {
    const folder = folderWith(temporaryFolder(), 0.999);
    writeFileSync(join(folder, DIGITS_FILES.runs), 'Stage\n');
    expect(() => DigitsFolder.open(folder)).toThrow('line 1 is not the header');
    expect(readdirSync(folder)).not.toContain(LOCK_FILE);
  });

  it('leaves aside the runs of another protocol, and their curves, until they are made again', () => {
    const folder = folderWith(temporaryFolder(), 0.999);
    inFolder(folder, (opened) => {
      opened.add(key('test', 0), history);
      opened.add(key('test', 1), history);
      opened.add(key('test', 0, 'Adam'), history);
    });
    folderWith(folder, 0.98);
    expect(readDigitsResults(folder)).toMatchObject({ runs: [{ arm: 'Adam' }], curves: [{ arm: 'Adam' }] });
    const again = [evaluation(0), evaluation(384, 0.75)];
    inFolder(folder, (opened) => {
      expect([opened.leftAside, opened.runs.length]).toEqual([2, 1]);
      expect(opened.has(key('test', 0))).toBe(false);
      expect(opened.add(key('test', 0), again).accuracy).toBe(0.75);
    });
    const { runs, curves } = readDigitsResults(folder);
    expect(runs.map(({ arm, accuracy }) => [arm, accuracy])).toEqual([
      ['Adam', 0.875],
      [pair.arm, 0.75],
    ]);
    expect(curves[1]?.history).toEqual(again);
    expect(curves).toHaveLength(2);
  });

  it('leaves aside a curve whose run was not written any more', () => {
    const folder = folderWith(temporaryFolder(), 0.999);
    inFolder(folder, (opened) => opened.add(key('test', 0), history));
    writeFileSync(join(folder, DIGITS_FILES.runs), formatDigitsRuns([]));
    inFolder(folder, (opened) => opened.add(key('test', 0), history));
    expect(readDigitsResults(folder).curves).toHaveLength(1);
  });

  it('keeps the environment of a summary whose outcome is the same', () => {
    const folder = folderWith(temporaryFolder(), 0.999);
    const summary = () => JSON.parse(readFileSync(join(folder, DIGITS_FILES.summary), 'utf8'));
    inFolder(folder, (opened) => {
      opened.add(key('test', 0), history);
      opened.summarize([{ median: 0.5 }], { cores: 2 });
      opened.summarize([{ median: 0.5 }], { cores: 4 });
      expect(summary()).toEqual({ outcome: [{ median: 0.5 }], runs: 1, cores: 2 });
      opened.summarize([{ median: 0.75 }], { cores: 4 });
      expect(summary()).toEqual({ outcome: [{ median: 0.75 }], runs: 1, cores: 4 });
      opened.add(key('test', 1), history);
      opened.summarize([{ median: 0.75 }], { cores: 8 });
      expect(summary()).toMatchObject({ runs: 2, cores: 8 });
    });
  });
});

describe('the published results', () => {
  it('are summarised as they are, and all follow the protocol', () => {
    const { runs } = readDigitsResults(published);
    const lines = readFileSync(join(published, DIGITS_FILES.runs), 'utf8').trimEnd().split('\n').length - 1;
    expect(runs).toHaveLength(lines);
    const summary = JSON.parse(readFileSync(join(published, DIGITS_FILES.summary), 'utf8'));
    expect(summary).toMatchObject({ outcome: digitsOutcome(runs), runs: lines });
  });

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
