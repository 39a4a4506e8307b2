/** @file States of a training run for the tests of its displays. */
import type { TrainingProgress } from '../../lib/train/progress';

/** A run at step 500 of 2,000 that has memorised, with some of it changed; `evaluation: undefined` takes that out. */
export function state(
  changes: Partial<Omit<TrainingProgress, 'evaluation'>> & {
    evaluation?: TrainingProgress['evaluation'] | undefined;
  } = {},
): TrainingProgress {
  const { evaluation, ...rest } = {
    step: 500,
    steps: 2000,
    stepsPerSecond: 38.2,
    etaSeconds: 39.3,
    elapsedSeconds: 13.1,
    trainLoss: 0.31,
    evaluation: {
      epoch: 500,
      trainAccuracy: 1,
      trainLoss: 1.2e-6,
      validationAccuracy: 0.1234,
      validationLoss: 4.1,
    },
    ...changes,
  };
  return evaluation ? { ...rest, evaluation } : rest;
}
