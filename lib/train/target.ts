/** @file When a run has reached its target, and where it then ends. */
import type { RunConfig } from './config';
import { firstInARow } from './in-a-row';
import type { Evaluation } from './progress';

/** What a run is to reach. */
export interface AccuracyTarget {
  /** Share of the validation rows predicted right, in (0, 1]. */
  readonly accuracy: number;
  /** How many evaluations in a row must have it, at least 1. */
  readonly evaluations: number;
  /** Updates that the run goes on for once they have. Default 0. */
  readonly stepsAfter?: number;
}

/** The target of a configuration, where it has one. */
export function targetOf({
  stopAtAccuracy,
  stopEvaluations,
  stepsAfterTarget = 0,
}: Pick<RunConfig, 'stopAtAccuracy' | 'stopEvaluations' | 'stepsAfterTarget'>): AccuracyTarget | undefined {
  if (stopAtAccuracy === undefined) return undefined;
  return { accuracy: stopAtAccuracy, evaluations: stopEvaluations, stepsAfter: stepsAfterTarget };
}

/** The step of the evaluation that first completed as many in a row as the target asks for. */
export function targetEvent(
  evaluations: readonly Evaluation[],
  { accuracy, evaluations: needed }: AccuracyTarget,
): number | undefined {
  const first = firstInARow(evaluations, needed, ({ validationAccuracy }) => validationAccuracy >= accuracy);
  return first === undefined ? undefined : evaluations[first + needed - 1]?.epoch;
}

/**
 * Updates that a run has behind it where its target ends it.
 *
 * @param evaluations those of the run so far, or the newest, of which none before has reached the target
 * @param steps the run's budget
 * @returns `undefined` before the target is reached, and where the budget ends no later
 */
export function targetEnd(
  evaluations: readonly Evaluation[],
  target: AccuracyTarget,
  steps: number,
): number | undefined {
  const event = targetEvent(evaluations, target);
  const end = event === undefined ? steps : event + (target.stepsAfter ?? 0);
  return end < steps ? end : undefined;
}

/** Whether a run evaluates the parameters before an update. */
export function isEvaluated(
  step: number,
  { evalEvery, steps }: { readonly evalEvery: number; readonly steps: number },
): boolean {
  return step % evalEvery === 0 || step === steps - 1;
}
