import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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
  sensitivityRuns,
  standInChoices,
  testRuns,
  tuningRuns,
} from '../../lib/sweep/comparison/plan';
import { type ComparisonProtocol, parseProtocol } from '../../lib/sweep/comparison/protocol';
import { parseRecords, type RunRecord, recordOf } from '../../lib/sweep/comparison/record';
import { comparisonResults, ownRecords } from '../../lib/sweep/comparison/results';
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
    // One geometry for every arm: four rates in steps of 2, three decays in steps of 2, or of 3 where they are coupled.
    for (const { grid, options } of published.arms) {
      const rates = [...new Set(grid.map(([rate]) => rate))];
      expect(rates.slice(1).map((rate, i) => rate / (rates[i] as number))).toEqual(
        new Array(3).fill(expect.closeTo(2, 6)),
      );
      // Steps of 3 in round numbers are 3.33 and 3.
      const step = options.optimizer === 'adam' ? expect.closeTo(3, 0) : expect.closeTo(2, 3);
      for (const rate of rates) {
        const decays = grid.flatMap(([own, decay]) => (own === rate ? decay : []));
        expect(decays.slice(1).map((decay, i) => decay / (decays[i] as number))).toEqual([step, step]);
      }
    }
    const { times } = readComparison(folder);
    if (times.measured !== null) {
      expect(Object.keys(times.msPerStep).sort()).toEqual(published.arms.map(({ name }) => name).sort());
    }
    expect(published.test.seeds).toHaveLength(12);
    expect(tuningRuns(published)).toHaveLength(published.arms.length * 24);
    const anyChoices = standInChoices(published);
    const all = [
      pilotRuns(published),
      tuningRuns(published),
      testRuns(published, anyChoices),
      sensitivityRuns(published, anyChoices),
      exploratoryRuns(published, anyChoices),
    ].flat();
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(new Set(all.map(({ digest }) => digest)).size).toBe(all.length);
  });

  it('makes trials of learning rates with products or with decays', () => {
    const grids = (one: unknown, other: unknown) => {
      const { arms } = JSON.parse(JSON.stringify(protocol));
      const draft = {
        ...protocol,
        arms: [
          { ...arms[0], grid: one },
          { ...arms[1], grid: other },
        ],
      };
      return parseProtocol(JSON.stringify(draft)).arms.map(({ grid }) => grid);
    };
    expect(
      grids(
        { learningRates: [0.0015, 0.003], products: [0.009, 0.018] },
        { learningRates: [0.001, 0.002], decays: [0.1, 0.3] },
      ),
    ).toEqual([
      [
        [0.0015, 6],
        [0.0015, 12],
        [0.003, 3],
        [0.003, 6],
      ],
      [
        [0.001, 0.1],
        [0.001, 0.3],
        [0.002, 0.1],
        [0.002, 0.3],
      ],
    ]);
    expect(messageOf(FileError, () => grids({ learningRates: [0.1], products: [0] }, [[1, 1]]))).toContain(
      'arms.0.grid is wrong: expected trials',
    );
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
    [
      'a level of 1',
      (p) => ({ ...p, statistics: { ...p.statistics, level: 1 } }),
      'statistics.level is wrong',
    ],
    [
      'few resamples',
      (p) => ({ ...p, statistics: { ...p.statistics, resamples: 99 } }),
      'statistics.resamples is wrong',
    ],
    [
      'an exploratory seed of the test',
      (p) => ({ ...p, exploratory: { ...p.exploratory, seeds: [20] } }),
      'seed 20 is in test and in exploratory',
    ],
    [
      'drops between evaluations',
      (p) => ({ ...p, drops: { ...p.drops, steps: 21 } }),
      'drops.steps is 21, expected a multiple of event.every, 5',
    ],
    [
      'a trial twice',
      (p) => ({
        ...p,
        arms: [
          p.arms[0],
          {
            ...p.arms[1],
            grid: [
              [1, 1],
              [1, 1],
            ],
          },
        ],
      }),
      'the arm adam-l2 has the trial 1, 1 twice',
    ],
    [
      'a group against one of its arms',
      (p) => ({ ...p, claims: [{ ...p.claims[0], arm: 'best', against: 'adamw' }] }),
      'the claim sooner has adamw on both sides',
    ],
    [
      'an unknown arm of the sensitivity',
      (p) => ({ ...p, sensitivity: { ...p.sensitivity, arms: ['best'] } }),
      'sensitivity.arms names best',
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

  it('says at which sides of its grid a choice lies', () => {
    const wide = tinyProtocol({
      arms: protocol.arms.map((arm) => ({
        ...arm,
        grid: [0.01, 0.02, 0.04].flatMap((rate) => [1, 2, 4].map((decay) => [rate, decay] as const)),
      })),
    });
    const chosen = (best: number) =>
      chooseTrials(
        wide,
        tuningRuns(wide).map((run) => recordFor(run, run.trial === best ? 10 : null)),
      )[0];
    expect(chosen(4)).toMatchObject({ trial: 4, atEdge: [], censored: 0, meanStep: 10 });
    expect(chosen(0)?.atEdge).toEqual(['least rate', 'least decay']);
    expect(chosen(7)?.atEdge).toEqual(['greatest rate']);
    expect(chosen(5)?.atEdge).toEqual(['greatest decay']);
    const surface = chosen(5)?.ranked;
    expect(surface?.map(({ trial }) => trial)).toEqual([5, 0, 1, 2, 3, 4, 6, 7, 8]);
    expect(surface?.[1]).toMatchObject({ censored: 2, meanStep: 50 });
  });

  it('takes the second-ranked trial to the seeds of the test, to the event alone', () => {
    const runs = sensitivityRuns(protocol, choices);
    expect(runs.map(({ id }) => id)).toEqual([20, 21, 22].map((seed) => `sensitivity_adamw_seed-${seed}`));
    for (const { config, budget } of runs) {
      expect([config.learningRate, config.steps, budget]).toEqual([0.01, 61, 60]);
      expect(config).not.toHaveProperty('stepsAfterTarget');
    }
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
    records: { pilot: [], tune: tuned, test: tested, sensitivity: [], explore: [] },
    times: { measured: 'somewhere', msPerStep: { adamw: 50 } },
  };

  it('summarises each arm, censored runs at their budget', () => {
    const { arms } = comparisonResults(comparison);
    expect(arms[0]).toMatchObject({ arm: 'adamw', planned: 3, censored: 0, median: 20, quartiles: [10, 40] });
    expect(arms[0]?.quartileRatio).toEqual({ value: 4, atLeast: false });
    expect(arms[0]).toMatchObject({ msPerStep: 50, medianSeconds: 1, runMsPerStep: 1 });
    // The upper quartile lies beyond the budget of 60.
    expect(arms[1]).toMatchObject({ arm: 'adam-l2', censored: 1, median: 40, quartiles: [20, null] });
    expect(arms[1]?.quartileRatio).toEqual({ value: 3, atLeast: true });
    expect(arms[1]).toMatchObject({ msPerStep: null, medianSeconds: null });
    expect(arms[1]?.drops).toEqual({ runs: 2, episodes: 2, evaluations: 6 });
  });

  it('counts the records of its own protocol alone, in the order of its plan', () => {
    const [first] = comparison.records.tune as RunRecord[];
    const foreign = { ...(first as RunRecord), digest: 'f'.repeat(16) };
    const mixed = {
      ...comparison,
      records: { ...comparison.records, tune: [foreign, ...[...tuned].reverse()], pilot: [foreign] },
    };
    expect(ownRecords(mixed)).toEqual(comparison.records);
  });

  it('pairs the arms by seed: ratios of steps, differences of drops where both had the event', () => {
    const [sooner, steadier, later] = comparisonResults(comparison).claims;
    // Ratios 1/2, 1/2 and 40/60.
    expect(sooner?.estimate).toBeCloseTo((0.25 * (40 / 60)) ** (1 / 3), 10);
    expect(sooner).toMatchObject({ arm: 'adamw', against: 'adam-l2', pairs: 3, p: 0.25, adjustedP: 0.75 });
    expect(sooner?.low).toBeGreaterThanOrEqual(0.5 - 1e-9);
    expect(sooner?.high).toBeLessThanOrEqual(40 / 60 + 1e-9);
    expect(steadier).toMatchObject({ pairs: 2, estimate: -2, low: -2, high: -2, p: 0.5 });
    expect(sooner).toMatchObject({ censored: { arm: 0, against: 1 }, trials: { arm: 2, against: 2 } });
    expect(sooner?.verdict).toBe('open');
    expect(steadier?.dropping).toEqual({ arm: 2, against: 2 });
    expect(later?.estimate).toBeCloseTo(1 / (sooner?.estimate as number), 10);
    expect(later?.censored).toEqual({ arm: 1, against: 0 });
  });

  it('does not test drops with too few pairs', () => {
    const strict = { ...protocol, drops: { ...protocol.drops, leastPairs: 3 } };
    const steadier = comparisonResults({ ...comparison, protocol: strict }).claims[1];
    expect(steadier).toMatchObject({ pairs: 2, p: 1, adjustedP: 1, verdict: 'not tested' });
  });

  it('says sooner only where the whole interval is beyond what is negligible', () => {
    const seeds = Array.from({ length: 9 }, (_, i) => 100 + i);
    const many = tinyProtocol({
      test: { ...protocol.test, seeds },
      claims: protocol.claims.slice(0, 1),
      groups: { both: ['adamw', 'adam-l2'] },
      exploratory: { ...protocol.exploratory, arms: ['both'] },
    });
    const verdict = (fast: number) => {
      const test = testRuns(many, choices).map((run) => recordFor(run, run.arm === 'adamw' ? fast : 50));
      const [claim] = comparisonResults({
        ...comparison,
        protocol: many,
        records: { ...comparison.records, test },
      }).claims;
      return [claim?.adjustedP, claim?.verdict];
    };
    expect(verdict(25)).toEqual([2 / 512, 'sooner']);
    expect(verdict(46)).toEqual([2 / 512, 'open']);
    expect(verdict(50)).toEqual([1, 'open']);
    expect(verdict(60)).toEqual([2 / 512, 'later']);
  });

  it('sets the second-ranked setting beside the effect once all its runs are there', () => {
    const both = tinyProtocol({ sensitivity: { arms: ['adamw', 'adam-l2'], expectedSteps: 40 } });
    const sensitivity = sensitivityRuns(both, choices).map((run) =>
      recordFor(run, run.arm === 'adamw' ? 30 : null),
    );
    const given = { ...comparison, protocol: both };
    const whole = comparisonResults({ ...given, records: { ...comparison.records, sensitivity } });
    expect(whole.claims[0]?.secondRanked).toMatchObject({ pairs: 3, censored: { arm: 0, against: 3 } });
    expect(whole.claims[0]?.secondRanked?.estimate).toBeCloseTo(0.5, 10);
    expect(whole.claims[1]).not.toHaveProperty('secondRanked');
    expect(whole.sensitivity.map(({ arm, choice }) => [arm, choice.trial])).toEqual([
      ['adamw', 0],
      ['adam-l2', 0],
    ]);
    const part = comparisonResults({
      ...given,
      records: { ...comparison.records, sensitivity: sensitivity.slice(1) },
    });
    expect(part.sensitivity).toEqual([]);
    expect(part.claims[0]).not.toHaveProperty('secondRanked');
  });

  it('says nothing of the test before it is complete', () => {
    const records = { ...comparison.records, test: tested.slice(1) };
    const { claims, arms, test, tuning } = comparisonResults({ ...comparison, records });
    expect([claims, arms]).toEqual([[], []]);
    expect(test).toEqual({ planned: 6, recorded: 5 });
    expect(tuning).toHaveLength(2);
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
    const added = await Promise.all([one, two, one].map((record) => addRecord(folder, record)));
    // A run is recorded once, whoever made it again.
    expect(added.filter(Boolean)).toHaveLength(2);
    expect(readdirSync(folder).sort()).toEqual(['protocol.json', 'tune.jsonl']);
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

    // What a process left that was killed after another one had recorded the run.
    mkdirSync(join(places.work, `${run.id}_${run.digest}`, 'run'), { recursive: true });
    expect(await carryOut(easy, run, places)).toEqual({ outcome: 'there' });
    expect(existsSync(join(places.work, `${run.id}_${run.digest}`))).toBe(false);
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
