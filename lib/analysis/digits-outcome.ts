/** @file What the check on handwritten digits has found: the learning rate each optimiser chose, and how it did in the test. */
import type { DigitsRun } from '../train/digits-results';
import { quantile } from './quantile';

/** An optimiser on a model. */
export interface DigitsOutcome {
  readonly model: string;
  readonly arm: string;
  /** Chosen in tuning. */
  readonly learningRate: number;
  /** Whether that is the first or last that was tried, so that a better one may lie beyond. */
  readonly atEdge: boolean;
  /** Share of test images named right after the last update, 0 to 1, a number for each seed, in the seeds' order. */
  readonly accuracies: readonly number[];
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/**
 * The learning rate with the highest mean accuracy over the tuning runs of one model and arm; among equals the one with the
 * lowest mean loss, then the lowest rate.
 *
 * @returns `undefined` where there are no tuning runs
 */
export function chosenLearningRate(
  runs: readonly DigitsRun[],
  { model, arm }: { readonly model: string; readonly arm: string },
): { readonly learningRate: number; readonly atEdge: boolean } | undefined {
  const tuning = runs.filter((run) => run.stage === 'tuning' && run.model === model && run.arm === arm);
  const rates = [...new Set(tuning.map(({ learningRate }) => learningRate))].sort((a, b) => a - b);
  const scores = rates.map((learningRate) => {
    const own = tuning.filter((run) => run.learningRate === learningRate);
    const mean = (value: (run: DigitsRun) => number) =>
      own.reduce((sum, run) => sum + value(run), 0) / own.length;
    const loss = mean((run) => run.loss);
    return {
      learningRate,
      // A mean's last digits depend on the order of the sum, and equal means are to be equal.
      accuracy: Number(mean((run) => run.accuracy).toFixed(6)),
      loss: Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss,
    };
  });
  const best = scores.reduce<(typeof scores)[number] | undefined>((found, next) => {
    if (found === undefined || next.accuracy > found.accuracy) return next;
    return next.accuracy === found.accuracy && next.loss < found.loss ? next : found;
  }, undefined);
  if (best === undefined) return undefined;
  const { learningRate } = best;
  return { learningRate, atEdge: learningRate === rates[0] || learningRate === rates.at(-1) };
}

/** The outcome of every model and arm that has test runs, in the order of the runs. */
export function digitsOutcome(runs: readonly DigitsRun[]): DigitsOutcome[] {
  const tests = runs.filter(({ stage }) => stage === 'test');
  const pairs = new Map(tests.map((run) => [JSON.stringify([run.model, run.arm]), run]));
  return [...pairs.values()].map(({ model, arm, learningRate }) => {
    const own = tests.filter((run) => run.model === model && run.arm === arm).sort((a, b) => a.seed - b.seed);
    const accuracies = own.map(({ accuracy }) => accuracy);
    return {
      model,
      arm,
      learningRate,
      atEdge: chosenLearningRate(runs, { model, arm })?.atEdge ?? false,
      accuracies,
      median: quantile(accuracies, 0.5),
      lowest: Math.min(...accuracies),
      highest: Math.max(...accuracies),
    };
  });
}
