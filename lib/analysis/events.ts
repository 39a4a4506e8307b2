/**
 * @file When a run has grokked, and whether it stays so, read off its evaluations alone.
 *
 * One evaluation above a threshold may be a passing spike, so an event asks for several in a row. Only evaluations at
 * multiples of a fixed number of steps count: the one more that ends a run's budget would otherwise make the resolution of a
 * run depend on its budget.
 */
import { ArgumentError } from '../errors';
import { firstInARow } from '../train/in-a-row';
import type { Evaluation } from '../train/progress';

/** What counts as the event. */
export interface EventRule {
  /** Validation accuracy to reach, above 0 and at most 1. */
  readonly accuracy: number;
  /** How many evaluations in a row must reach it, at least 1. */
  readonly evaluations: number;
  /** Steps between two evaluations that count, at least 1. */
  readonly every: number;
  /** The last step that is looked at; an event that is not confirmed by then is censored there. */
  readonly budget: number;
}

/**
 * The first of the evaluations in a row that make the event, as a step.
 *
 * @param evaluations of one run, in order of step
 * @returns `null` where there is no such event up to the budget: the run is censored
 * @throws {ArgumentError} for a rule out of range
 */
export function eventStep(evaluations: readonly Evaluation[], rule: EventRule): number | null {
  const { accuracy, evaluations: needed, every, budget } = rule;
  if (!(accuracy > 0 && accuracy <= 1)) {
    throw new ArgumentError(`accuracy is ${accuracy}, expected one above 0 and at most 1, such as 0.99`);
  }
  for (const [name, value] of Object.entries({ evaluations: needed, every, budget })) {
    if (!(Number.isSafeInteger(value) && value >= 1)) {
      throw new ArgumentError(`${name} is ${value}, expected a whole number of at least 1`);
    }
  }
  const counted = evaluations.filter(({ epoch }) => epoch % every === 0 && epoch <= budget);
  const first = firstInARow(
    counted,
    needed,
    ({ validationAccuracy }) => validationAccuracy >= accuracy,
    (one, before) => one.epoch - before.epoch === every,
  );
  return first === undefined ? null : (counted[first] as Evaluation).epoch;
}

/** How far a run fell back after its event. */
export interface Drops {
  /** Evaluations below the level. */
  readonly evaluations: number;
  /** Times it fell below: evaluations in a row that are below are one. */
  readonly episodes: number;
  /** The least validation accuracy; `null` without an evaluation. */
  readonly lowest: number | null;
  /** Steps from the event to the last evaluation that was looked at: less than asked for where the run ended before. */
  readonly observed: number;
}

/** Where to look for drops. */
export interface DropRule {
  /** The event's step; evaluations after it count. */
  readonly after: number;
  /** For so many steps. */
  readonly steps: number;
  /** Steps between two evaluations that count. */
  readonly every: number;
  /** A validation accuracy below this is a drop. */
  readonly below: number;
  /**
   * Whether evaluations that the run no longer made count as below the level: right for one that ended because its loss was
   * no longer a finite number. Default false.
   */
  readonly missingIsBelow?: boolean;
}

/**
 * Counts the drops after an event. An accuracy that is not a number is one.
 *
 * @param evaluations of one run, in order of step
 */
export function dropsAfter(evaluations: readonly Evaluation[], rule: DropRule): Drops {
  const { after, steps, every, below, missingIsBelow = false } = rule;
  const rows = evaluations.filter(
    ({ epoch }) => epoch > after && epoch <= after + steps && epoch % every === 0,
  );
  // Of the evaluations that are due after the event, not of those that a run happened to have.
  const due = Math.floor((after + steps) / every) - Math.floor(after / every);
  const isBelow = [
    ...rows.map(({ validationAccuracy }) => !(validationAccuracy >= below)),
    ...new Array<boolean>(missingIsBelow ? Math.max(0, due - rows.length) : 0).fill(true),
  ];
  const finite = rows.map(({ validationAccuracy }) => validationAccuracy).filter(Number.isFinite);
  return {
    evaluations: isBelow.filter(Boolean).length,
    episodes: isBelow.filter((low, i) => low && !isBelow[i - 1]).length,
    lowest: finite.length === 0 ? null : Math.min(...finite),
    observed: (rows.at(-1)?.epoch ?? after) - after,
  };
}
