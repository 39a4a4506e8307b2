import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ArgumentError, FileError } from '../../lib/errors';
import { carryOut } from '../../lib/sweep/comparison/carry-out';
import {
  addRecord,
  type Comparison,
  curveFile,
  readComparison,
  readRecords,
  recordsFile,
} from '../../lib/sweep/comparison/folder';
import {
  armNamed,
  chooseTrials,
  exploratoryRuns,
  type PlannedRun,
  pilotRuns,
  standInChoices,
  testRuns,
  tuningRuns,
} from '../../lib/sweep/comparison/plan';
import { type ComparisonProtocol, parseProtocol } from '../../lib/sweep/comparison/protocol';
import { parseRecords, type RunRecord, recordOf } from '../../lib/sweep/comparison/record';
import { comparisonResults } from '../../lib/sweep/comparison/results';
import { parseMetrics } from '../../lib/train/metrics-csv';
import type { FinishedRun } from '../../lib/train/run';
import { RunLock } from '../../lib/train/run-lock.node';
import { messageOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';
import { tinyProtocol } from './tiny-protocol';

const root = temporaryFolder();
const protocol = tinyProtocol();

/** What a run would say that has its event at a step, or not by its budget. */
function recordFor(run: PlannedRun, event: number | null, more: Partial<RunRecord> = {}): RunRecord {
  const { phase, id, digest, arm, setting, trial, seed, budget, config } = run;
  return {
    phase,
    id,
    digest,
    arm,
    ...(setting === undefined ? {} : { setting }),
    trial,
    seed,
    learningRate: config.learningRate,
    weightDecay: config.weightDecay,
    budget,
    event,
    steps: budget,
    stoppedBy: event === null ? 'steps' : 'target',
    trainAccuracy: 1,
    validationAccuracy: 1,
    trainLoss: 0.01,
    validationLoss: 0.1,
    msPerStep: 1,
    seconds: 1,
    device: 'cpu',
    threads: 1,
    versions: {},
    machine: { cpu: 'x', cores: 1, platform: 'y' },
    finished: '2026-01-01T00:00:00.000Z',
    ...more,
  };
}

/** Tuning in which trial 1 of adamw is best, and both of adam-l2 are alike but for their losses. */
const tuned = tuningRuns(protocol).map((run) =>
  run.arm === 'adamw'
    ? recordFor(run, run.trial === 1 ? 20 : run.seed === 10 ? 5 : null)
    : recordFor(run, null, { validationLoss: run.trial === 0 ? 2 : 1 }),
);
const choices = chooseTrials(protocol, tuned);

describe('parseProtocol', () => {
  const read = (change: (draft: ComparisonProtocol) => unknown) => () =>
    parseProtocol(JSON.stringify(change(structuredClone(protocol))), 'p.json');

  it('reads the published one, whose runs all make sense', () => {
    const folder = fileURLToPath(new URL('../../output/published/truegrad/', import.meta.url));
    const published = parseProtocol(readFileSync(join(folder, 'protocol.json'), 'utf8'));
    expect(published.arms.map(({ grid }) => grid.length)).toEqual(published.arms.map(() => 12));
    expect(published.test.seeds).toHaveLength(12);
    expect(tuningRuns(published)).toHaveLength(published.arms.length * 24);
    const anyChoices = standInChoices(published);
    const all = [
      pilotRuns(published),
      tuningRuns(published),
      testRuns(published, anyChoices),
      exploratoryRuns(published, anyChoices),
    ].flat();
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(new Set(all.map(({ digest }) => digest)).size).toBe(all.length);
  });

  it.each<[string, (draft: ComparisonProtocol) => unknown, string]>([
    ['no object', () => 3, 'the file is wrong'],
    ['a misspelt key', (p) => ({ ...p, titel: 'x' }), 'titel'],
    ['a missing key', (p) => ({ ...p, claims: undefined }), 'claims is wrong'],
    ['a text for a number', (p) => ({ ...p, drops: { ...p.drops, below: '.95' } }), 'drops.below is wrong'],
    [
      'an arm with fewer trials',
      (p) => ({ ...p, arms: [p.arms[0], { ...p.arms[1], grid: [[1, 1]] }] }),
      'the arm adam-l2 has 1 trials, adamw has 2',
    ],
    [
      'a seed of tuning in the test',
      (p) => ({ ...p, test: { ...p.test, seeds: [11] } }),
      'seed 11 is in tuning and in test',
    ],
    [
      'a seed of the pilot in tuning',
      (p) => ({ ...p, tuning: { ...p.tuning, seeds: [1] } }),
      'seed 1 is in pilot',
    ],
    ['a seed twice', (p) => ({ ...p, test: { ...p.test, seeds: [5, 5] } }), 'test.seeds has a seed twice'],
    ['a budget between evaluations', (p) => ({ ...p, test: { ...p.test, budget: 61 } }), 'test.budget is 61'],
    ['an unknown arm', (p) => ({ ...p, groups: { best: ['adamax'] } }), 'groups.best names adamax'],
    ['an arm twice', (p) => ({ ...p, arms: [p.arms[0], p.arms[0]] }), 'adamw is given twice'],
    [
      'a group like an arm',
      (p) => ({ ...p, groups: { ...p.groups, adamw: ['adamw'] } }),
      'an arm and a group',
    ],
    [
      'a name that is no file name',
      (p) => ({ ...p, arms: [p.arms[0], { ...p.arms[1], name: '../x' }] }),
      'arms.1.name',
    ],
    [
      'a seed of an arm’s own',
      (p) => ({ ...p, arms: [p.arms[0], { ...p.arms[1], options: { seed: 1 } }] }),
      'the arm adam-l2 has seed',
    ],
    ['a budget in the base', (p) => ({ ...p, base: { ...p.base, steps: 10 } }), 'base has steps'],
  ])('refuses %s', (_, change, part) => {
    expect(messageOf(FileError, read(change))).toContain(part);
  });

  it('refuses what is no JSON', () => {
    expect(messageOf(FileError, () => parseProtocol('{\n"title": ', 'p.json'))).toContain('p.json: no JSON');
  });

  it('names the arm whose options make no run', () => {
    const [first, second] = protocol.arms;
    const wrong = { ...protocol, arms: [first, { ...second, options: { optimizer: 'adamax' } }] };
    expect(messageOf(ArgumentError, () => tuningRuns(wrong as ComparisonProtocol))).toMatch(
      /^the arm adam-l2: optimizer is 'adamax'/,
    );
  });
});

describe('the plan', () => {
  it('gives every arm every trial on every tuning seed, and the seeds of a phase to all arms alike', () => {
    const runs = tuningRuns(protocol);
    expect(runs).toHaveLength(8);
    expect(runs.slice(0, 4).map(({ id }) => id)).toEqual([
      'tune_adamw_trial-0_seed-10',
      'tune_adamw_trial-0_seed-11',
      'tune_adam-l2_trial-0_seed-10',
      'tune_adam-l2_trial-0_seed-11',
    ]);
    for (const { config, seed } of runs) {
      expect(config).toMatchObject({ seed, splitSeed: seed, steps: 51, evalEvery: 5, stopEvaluations: 2 });
      expect(config).not.toHaveProperty('stepsAfterTarget');
    }
  });

  it('lets test runs go on after the event, with the trial that tuning chose', () => {
    expect(choices.map(({ arm, trial }) => [arm, trial])).toEqual([
      ['adamw', 1],
      ['adam-l2', 1],
    ]);
    expect(choices[0]).toMatchObject({ learningRate: 0.03, meanStep: 20 });
    const runs = testRuns(protocol, choices);
    expect(runs).toHaveLength(6);
    for (const { config } of runs) {
      expect(config).toMatchObject({ steps: 81, stepsAfterTarget: 20, learningRate: 0.03 });
    }
  });

  it('counts a censored run as the budget, and takes the first of the grid where all is equal', () => {
    const { arms } = protocol;
    const allAlike = tuningRuns(protocol).map((run) => recordFor(run, null));
    expect(chooseTrials(protocol, allAlike).map(({ trial, meanStep }) => [trial, meanStep])).toEqual([
      [0, 50],
      [0, 50],
    ]);
    // 5 and censored at 50 is worse than 25 twice, better than 30 twice.
    for (const [step, best] of [
      [25, 1],
      [30, 0],
    ] as const) {
      const records = tuningRuns(protocol).map((run) =>
        recordFor(run, run.trial === 1 ? step : run.seed === 10 ? 5 : null),
      );
      expect(chooseTrials(protocol, records).map(({ trial }) => trial)).toEqual(arms.map(() => best));
    }
  });

  it('ranks a loss that is not finite last', () => {
    const records = tuningRuns(protocol).map((run) =>
      recordFor(run, null, { validationLoss: run.trial === 0 ? null : 99 }),
    );
    expect(chooseTrials(protocol, records).map(({ trial }) => trial)).toEqual([1, 1]);
  });

  it('waits with an arm until its tuning is complete, and with a group until all its arms’ are', () => {
    const partial = tuned.slice(0, -1);
    const ready = chooseTrials(protocol, partial);
    expect(ready.map(({ arm }) => arm)).toEqual(['adamw']);
    expect(testRuns(protocol, ready)).toHaveLength(3);
    expect(armNamed(protocol, ready, 'best')).toBeUndefined();
    expect(exploratoryRuns(protocol, ready)).toEqual([]);
    expect(armNamed(protocol, choices, 'best')).toBe('adamw');
    expect(exploratoryRuns(protocol, choices).map(({ id }) => id)).toEqual([
      'explore_subtract_adamw_seed-30',
    ]);
  });

  it('does not take a result for one of a changed protocol', () => {
    const changed = tinyProtocol({ tuning: { ...protocol.tuning, budget: 55 } });
    expect(chooseTrials(changed, tuned)).toEqual([]);
    const renamed = tinyProtocol({ title: 'Other', notes: ['said later'] });
    expect(chooseTrials(renamed, tuned)).toEqual(choices);
  });
});

describe('comparisonResults', () => {
  const steps = { adamw: [10, 20, 40], 'adam-l2': [20, 40, null] } as const;
  const tested = testRuns(protocol, choices).map((run) => {
    const event = steps[run.arm as keyof typeof steps][run.seed - 20] as number | null;
    const evaluations = run.arm === 'adamw' ? 1 : 3;
    const drops = { evaluations, episodes: 1, lowest: 0.1, observed: 20 };
    return recordFor(run, event, event === null ? {} : { drops });
  });
  const comparison: Comparison = {
    protocol,
    records: { pilot: [], tune: tuned, test: tested, explore: [] },
  };

  it('summarises each arm, censored runs at their budget', () => {
    const { arms } = comparisonResults(comparison);
    expect(arms[0]).toMatchObject({ arm: 'adamw', planned: 3, censored: 0, median: 20, quartiles: [15, 30] });
    expect(arms[0]?.quartileRatio).toBe(2);
    expect(arms[1]).toMatchObject({ arm: 'adam-l2', censored: 1, median: 40, quartiles: [30, 50] });
    expect(arms[1]?.drops).toEqual({ runs: 2, episodes: 2, evaluations: 6 });
  });

  it('pairs the arms by seed: ratios of steps, differences of drops where both had the event', () => {
    const [sooner, steadier, itself] = comparisonResults(comparison).claims;
    // Ratios 1/2, 1/2 and 40/60.
    expect(sooner?.estimate).toBeCloseTo((0.25 * (40 / 60)) ** (1 / 3), 10);
    expect(sooner).toMatchObject({ arm: 'adamw', against: 'adam-l2', pairs: 3, p: 0.25, adjustedP: 0.75 });
    expect(sooner?.low).toBeGreaterThanOrEqual(0.5 - 1e-9);
    expect(sooner?.high).toBeLessThanOrEqual(40 / 60 + 1e-9);
    expect(steadier).toMatchObject({ pairs: 2, estimate: -2, low: -2, high: -2, p: 0.5 });
    expect(itself).toMatchObject({ arm: 'adamw', against: 'adamw', estimate: 1, p: 1, adjustedP: 1 });
  });

  it('says nothing of claims before the test is complete', () => {
    const records = { ...comparison.records, test: tested.slice(1) };
    const { claims, arms } = comparisonResults({ protocol, records });
    expect(claims).toEqual([]);
    expect(arms[0]?.observations).toHaveLength(2);
  });
});

describe('recordOf', () => {
  const run = testRuns(protocol, choices)[0] as PlannedRun;
  /** A run evaluated every 5 steps with these accuracies, as it ended. */
  const finished = (stoppedBy: string, ...accuracies: number[]) =>
    ({
      config: run.config,
      summary: {
        steps: 5 * accuracies.length,
        stoppedBy,
        seconds: 1,
        msPerStep: null,
        device: 'cpu',
        threads: 1,
        versions: {},
        machine: {},
      },
      evaluations: accuracies.map((validationAccuracy, i) => ({
        epoch: 5 * i,
        trainAccuracy: 1,
        trainLoss: 0,
        validationAccuracy,
        validationLoss: 0,
      })),
    }) as unknown as FinishedRun;

  it('counts what a run no longer evaluates after its event as below, if its loss is not finite any more', () => {
    // Four evaluations are due in the 20 steps after the event at 5; two were made.
    const nan = recordOf(protocol, run, finished('nan', 0, 1, 1, 1));
    expect(nan).toMatchObject({
      event: 5,
      drops: { evaluations: 2, episodes: 1, observed: 10, lowest: 1 },
    });
    const falling = recordOf(protocol, run, finished('nan', 0, 1, 1, 0.1));
    expect(falling.drops).toEqual({ evaluations: 3, episodes: 1, lowest: 0.1, observed: 10 });
    const whole = recordOf(protocol, run, finished('target', 0, 1, 1, 1, 0.1, 1, 1));
    expect(whole.drops).toEqual({ evaluations: 1, episodes: 1, lowest: 0.1, observed: 20 });
  });

  it('censors a run whose loss is not finite before its event', () => {
    const record = recordOf(protocol, run, finished('nan', 0, 1));
    expect(record).toMatchObject({ event: null, budget: 60, stoppedBy: 'nan' });
    expect(record).not.toHaveProperty('drops');
  });
});

describe('the folder', () => {
  it('holds one line a run, read back as it was; a line that is none is named', async () => {
    const folder = join(root, 'lines');
    mkdirSync(folder);
    writeFileSync(join(folder, 'protocol.json'), JSON.stringify(protocol));
    const [one, two] = tuned as [RunRecord, RunRecord];
    await Promise.all([
      addRecord(folder, one, join(root, 'locks')),
      addRecord(folder, two, join(root, 'locks')),
    ]);
    expect(new Set(readComparison(folder).records.tune)).toEqual(new Set([one, two]));
    expect(readFileSync(recordsFile(folder, 'tune'), 'utf8').match(/\n/g)).toHaveLength(2);
    const line = JSON.stringify(one);
    expect(messageOf(FileError, () => parseRecords(`${line}\n${line.slice(0, 50)}`, 'f'))).toContain(
      'f line 2',
    );
    expect(messageOf(FileError, () => parseRecords(line.replace('"seed":10', '"seed":"x"'), 'f'))).toContain(
      'seed',
    );
    expect(messageOf(FileError, () => readComparison(join(root, 'nowhere')))).toContain('protocol.json');
  });
});

describe('carryOut', () => {
  const places = { folder: join(root, 'published'), work: join(root, 'work') };
  // One right answer of 25, twice in a row, is soon there.
  const easy = tinyProtocol({ event: { accuracy: 0.04, evaluations: 2, every: 5 } });
  const run = testRuns(easy, standInChoices(easy))[0] as PlannedRun;

  it('records a run once, with its curve, and leaves nothing behind', async () => {
    const first = await carryOut(easy, run, places);
    expect(first.outcome).toBe('recorded');
    const [record] = readRecords(places.folder, 'test');
    expect(record).toEqual((first as { record: RunRecord }).record);
    expect(record).toMatchObject({ id: run.id, digest: run.digest, threads: 1, budget: 60 });
    const file = curveFile(places.folder, run);
    const curve = parseMetrics(readFileSync(file, 'utf8'));
    expect(curve.map(({ epoch }) => epoch).slice(0, 3)).toEqual([0, 5, 10]);
    // The first of two in a row, and twenty steps more.
    expect(record?.event).toBeTypeOf('number');
    expect(curve.find(({ epoch }) => epoch === record?.event)?.validationAccuracy).toBeGreaterThanOrEqual(
      0.04,
    );
    expect(record?.drops?.observed).toBe(20);
    expect(readFileSync(file).length).toBeLessThan(20_000);
    expect(existsSync(join(places.work, `${run.id}_${run.digest}`))).toBe(false);

    expect(await carryOut(easy, run, places)).toEqual({ outcome: 'there' });
    expect(readRecords(places.folder, 'test')).toHaveLength(1);
  });

  it('leaves a run alone that another process is at', async () => {
    const other = tuningRuns(protocol)[0] as PlannedRun;
    const folder = join(places.work, `${other.id}_${other.digest}`);
    mkdirSync(folder, { recursive: true });
    const lock = RunLock.take(folder);
    expect(await carryOut(protocol, other, places)).toEqual({ outcome: 'busy' });
    lock.release();
    expect((await carryOut(protocol, other, places)).outcome).toBe('recorded');
  });
});
