/** @file What the runs of the smallest protocol would leave, without training any. */
import { chooseTrials, type PlannedRun, tuningRuns } from '../../lib/sweep/comparison/plan';
import type { RunRecord } from '../../lib/sweep/comparison/record';
import { tinyProtocol } from './tiny-protocol';

const protocol = tinyProtocol();

/** What a run would say that has its event at a step, or not by its budget. */
export function recordFor(run: PlannedRun, event: number | null, more: Partial<RunRecord> = {}): RunRecord {
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
export const tuned = tuningRuns(protocol).map((run) =>
  run.arm === 'adamw'
    ? recordFor(run, run.trial === 1 ? 20 : run.seed === 10 ? 5 : null)
    : recordFor(run, null, { validationLoss: run.trial === 0 ? 2 : 1 }),
);
/** What they choose. */
export const choices = chooseTrials(protocol, tuned);
