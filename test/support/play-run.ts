/** @file A run as its folder sees it, of evaluations and checkpoints made up: what reads and writes the folder can be tested without training. */
import { encodeCheckpoint } from '../../lib/train/checkpoint';
import { type RunConfig, runConfig } from '../../lib/train/config';
import { prepareRun } from '../../lib/train/prepare';
import type { Evaluation } from '../../lib/train/progress';
import { type FinishedRun, finishedRun, measured, type RunSummary } from '../../lib/train/run';
import { RunStore } from '../../lib/train/run-store.node';
import type { TrainingSession } from '../../lib/train/sessions';

/** A small run's configuration, with an evaluation every fourth step. */
export const configOf = (steps: number) =>
  runConfig({ modulus: 5, trainFraction: 0.5, dModel: 4, heads: 1, steps, evalEvery: 4 });

const { initial } = prepareRun(configOf(1));

/** The checkpoint of a run at a step. */
export const checkpointAt = (step: number, config: RunConfig) =>
  encodeCheckpoint({ ...initial, step: { ...initial.step, data: Int32Array.of(step) } }, config);

const ENVIRONMENT = {
  device: 'cpu',
  threads: 1,
  versions: { node: '1' },
  machine: { cpu: 'any', cores: 1, platform: 'any' },
};

/** A session that led to a step. */
export const sessionTo = (toStep: number): TrainingSession => ({
  ...ENVIRONMENT,
  started: '2020-01-01T00:00:00.000Z',
  fromStep: 0,
  toStep,
  seconds: 1,
  compileSeconds: 1,
});

/** The summary of a run that used its budget. */
export const summaryOf = ({ steps, seed }: RunConfig, evaluations: readonly Evaluation[]): RunSummary => ({
  ...ENVIRONMENT,
  ...measured(evaluations),
  steps,
  seconds: 1,
  compileSeconds: 1,
  msPerStep: 1,
  stoppedBy: 'steps',
  seed,
  sessions: [sessionTo(steps)],
});

/**
 * Plays a run: evaluations every fourth step and at the last, a checkpoint every third.
 *
 * @returns the run, where it had ended before
 */
export function play(
  directory: string,
  config: RunConfig,
  how: 'new' | 'resume' | 'overwrite',
): FinishedRun | undefined {
  const store =
    how === 'resume'
      ? RunStore.resume(directory, config)
      : RunStore.create(directory, { overwrite: how === 'overwrite' });
  try {
    const { found } = store;
    if (found?.ended !== undefined) return finishedRun(config, found.ended, found);
    const from = found === undefined ? 0 : Number(found.checkpoint.metadata.step);
    const rows = [...(found?.evaluations ?? [])];
    store.begin(config, found?.extended ? checkpointAt(from, config) : undefined);
    store.saveSessions([sessionTo(from)]);
    for (let epoch = from; epoch < config.steps; epoch++) {
      if (epoch % 4 === 0 || epoch === config.steps - 1) {
        const loss = Math.fround(Math.sin(epoch + 1));
        const row = {
          epoch,
          trainAccuracy: 0.5,
          trainLoss: loss,
          validationAccuracy: 0.25,
          validationLoss: 2,
        };
        rows.push(row);
        store.appendMetrics([row]);
      }
      if (epoch % 3 === 2 && epoch > from) store.saveCheckpoint(checkpointAt(epoch, config), epoch);
    }
    store.saveCheckpoint(checkpointAt(config.steps, config), config.steps);
    store.saveSummary(summaryOf(config, rows));
    return undefined;
  } finally {
    store.release();
  }
}
