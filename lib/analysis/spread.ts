/**
 * @file Several runs of one configuration, such as its seeds, seen together: the median and the extremes at each step.
 */
import type { Evaluation } from '../train/progress';
import { finiteEvaluations } from './phases';

/** Median, least and greatest value of each metric over the runs; three series over the same steps. */
export interface Spread {
  readonly median: readonly Evaluation[];
  readonly low: readonly Evaluation[];
  readonly high: readonly Evaluation[];
}

type Metric = Exclude<keyof Evaluation, 'epoch'>;

/**
 * Summarises runs over the union of their evaluated steps.
 *
 * A run counts from its first evaluation on. Between two evaluations its values are interpolated, losses geometrically;
 * after the last it keeps its latest values, because runs that stop once they have generalised would otherwise leave the
 * median to the slow ones. The median of an even number of runs is the mean of the middle two.
 */
export function spread(histories: readonly (readonly Evaluation[])[]): Spread {
  const runs = histories.map(finiteEvaluations).filter((run) => run.length > 0);
  const steps = [...new Set(runs.flatMap((run) => run.map((row) => row.epoch)))].sort((a, b) => a - b);
  const columns = runs.map((run) => resampled(run, steps));
  const series = (choose: (sorted: readonly number[]) => number): Evaluation[] =>
    steps.map((epoch, index) => {
      const current = columns.flatMap((column) => column[index] ?? []);
      const of = (metric: Metric) => choose(current.map((row) => row[metric]).sort((a, b) => a - b));
      return {
        epoch,
        trainAccuracy: of('trainAccuracy'),
        trainLoss: of('trainLoss'),
        validationAccuracy: of('validationAccuracy'),
        validationLoss: of('validationLoss'),
      };
    });
  return {
    median: series(median),
    low: series((sorted) => sorted[0] ?? Number.NaN),
    high: series((sorted) => sorted.at(-1) ?? Number.NaN),
  };
}

/** A run's values at the given ascending steps; `undefined` before its first evaluation. */
function resampled(run: readonly Evaluation[], steps: readonly number[]): (Evaluation | undefined)[] {
  let next = 0;
  return steps.map((step) => {
    while (next < run.length && (run[next]?.epoch ?? 0) <= step) next++;
    const before = run[next - 1];
    const after = run[next];
    if (!before || !after || before.epoch === step) return before;
    const share = (step - before.epoch) / (after.epoch - before.epoch);
    const between = (metric: Metric) => before[metric] + share * (after[metric] - before[metric]);
    const geometric = (metric: Metric) =>
      before[metric] > 0 && after[metric] > 0
        ? before[metric] * (after[metric] / before[metric]) ** share
        : between(metric);
    return {
      epoch: step,
      trainAccuracy: between('trainAccuracy'),
      trainLoss: geometric('trainLoss'),
      validationAccuracy: between('validationAccuracy'),
      validationLoss: geometric('validationLoss'),
    };
  });
}

function median(sorted: readonly number[]): number {
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  return (lower + upper) / 2;
}
