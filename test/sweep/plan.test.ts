import { describe, expect, it } from 'vitest';
import {
  armNamed,
  chooseTrials,
  exploratoryRuns,
  sensitivityRuns,
  testRuns,
  tuningRuns,
} from '../../lib/sweep/comparison/plan';
import { tinyProtocol } from './tiny-protocol';
import { choices, recordFor, tuned } from './tiny-records';

const protocol = tinyProtocol();

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
