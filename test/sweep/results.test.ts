import { describe, expect, it } from 'vitest';
import type { Comparison } from '../../lib/sweep/comparison/folder';
import { sensitivityRuns, testRuns } from '../../lib/sweep/comparison/plan';
import type { RunRecord } from '../../lib/sweep/comparison/record';
import { comparisonResults, ownRecords } from '../../lib/sweep/comparison/results';
import { tinyProtocol } from './tiny-protocol';
import { choices, recordFor, tuned } from './tiny-records';

const protocol = tinyProtocol();

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
    times: {
      measured: 'somewhere',
      msPerStep: { adamw: 50 },
      ratio: { adamw: { q1: 1, median: 1, q3: 1 } },
    },
  };

  it('summarises each arm, censored runs at their budget', () => {
    const { arms } = comparisonResults(comparison);
    expect(arms[0]).toMatchObject({ arm: 'adamw', planned: 3, censored: 0, median: 20, quartiles: [10, 40] });
    expect(arms[0]?.quartileRatio).toEqual({ value: 4, atLeast: false });
    expect(arms[0]).toMatchObject({
      msPerStep: 50,
      stepRatio: { median: 1 },
      medianSeconds: 1,
      runMsPerStep: 1,
    });
    // The upper quartile lies beyond the budget of 60.
    expect(arms[1]).toMatchObject({ arm: 'adam-l2', censored: 1, median: 40, quartiles: [20, null] });
    expect(arms[1]?.quartileRatio).toEqual({ value: 3, atLeast: true });
    expect(arms[1]).toMatchObject({ msPerStep: null, stepRatio: null, medianSeconds: null });
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
    // They end with their event: nothing is known of what comes after it.
    expect(whole.sensitivity.map(({ drops }) => drops)).toEqual([null, null]);
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
