/**
 * @file The survival curve of "not yet grokked": the share of runs whose event has not come by a step, with runs whose
 * budget ended first counted for as long as they were watched.
 *
 * @see Kaplan & Meier 1958, "Nonparametric estimation from incomplete observations"
 */
import { ArgumentError } from '../errors';

/** A run's event, or the last step up to which there was none. */
export interface Observation {
  /** A step of at least 0. */
  readonly step: number;
  /** Whether the event had not come by then. */
  readonly censored: boolean;
}

/** A step at which the curve falls, or at which runs leave it without an event. */
export interface SurvivalPoint {
  readonly step: number;
  /** Runs without an event, and still watched, just before. */
  readonly atRisk: number;
  readonly events: number;
  readonly censored: number;
  /** Estimated probability that the event comes after this step. */
  readonly survival: number;
}

/**
 * The Kaplan–Meier estimate. Before its first point the curve is at 1. Runs censored at the step of an event are counted as
 * at risk there.
 *
 * @returns a point for every step that occurs, ascending
 * @throws {ArgumentError} for no observation, or a step that is not a number of at least 0
 */
export function kaplanMeier(observations: readonly Observation[]): SurvivalPoint[] {
  if (observations.length === 0) throw new ArgumentError('there are 0 runs, expected at least one');
  const wrong = observations.find(({ step }) => !(Number.isFinite(step) && step >= 0));
  if (wrong !== undefined) {
    throw new ArgumentError(`the step of an observation is ${wrong.step}, expected a number of at least 0`);
  }
  const steps = [...new Set(observations.map(({ step }) => step))].sort((a, b) => a - b);
  let atRisk = observations.length;
  let survival = 1;
  return steps.map((step) => {
    const here = observations.filter((observation) => observation.step === step);
    const events = here.filter(({ censored }) => !censored).length;
    survival *= 1 - events / atRisk;
    const point = { step, atRisk, events, censored: here.length - events, survival };
    atRisk -= here.length;
    return point;
  });
}

/**
 * A quantile of the steps to the event. Where the curve stands at exactly the level between two events, it is the middle of
 * them, as R's `survfit` has it: without censored runs the median is then that of the steps.
 *
 * @param share above 0 and at most 1; 0.5 gives the median
 * @returns `null` where the curve does not fall so far: the quantile lies beyond what was watched
 */
export function survivalQuantile(curve: readonly SurvivalPoint[], share: number): number | null {
  if (!(share > 0 && share <= 1)) {
    throw new ArgumentError(`share is ${share}, expected one above 0 and at most 1 such as 0.5`);
  }
  // The product of quotients misses 1 − share by rounding.
  const rounding = 1e-12;
  const falls = curve.filter(({ events }) => events > 0);
  const index = falls.findIndex(({ survival }) => survival <= 1 - share + rounding);
  const [here, next] = [falls[index], falls[index + 1]];
  if (here === undefined) return null;
  return next === undefined || here.survival < 1 - share - rounding ? here.step : (here.step + next.step) / 2;
}
