/**
 * @file What comes first: the training accuracy, the drop of the singular values, or the validation accuracy. An order says
 * what precedes what, and no more: both may follow from a third thing.
 */
import { ArgumentError } from '../errors';
import { firstInARow } from '../train/in-a-row';
import type { Evaluation } from '../train/progress';
import type { Spectrum } from '../train/spectrum';
import { type DropOptions, modelCourse, spectrumDrop } from './spectrum-course';

/** The events of a run, in the order in which ties are told. */
export const RUN_EVENTS = ['train', 'rank', 'sum', 'validation'] as const;

/**
 * `train` and `validation`: the accuracy on those rows arrives; `rank` and `sum`: the effective rank, and Σσ, have fallen
 * by a share of the way from their maximum to their final value, by default half-way.
 */
export type RunEvent = (typeof RUN_EVENTS)[number];

/** One run to order. */
export interface ObservedRun {
  /** Such as its seed. */
  readonly label: string;
  /** In order of step. */
  readonly evaluations: readonly Evaluation[];
  readonly spectrum: Spectrum;
}

export interface OrderOptions extends Pick<DropOptions, 'share' | 'leastFall'> {
  /** Accuracy that counts as arrived, above 0 and at most 1. Default 0.99. */
  readonly accuracy?: number;
  /** How many evaluations in a row must reach it; the first of them is the event. Default 2. */
  readonly evaluations?: number;
  /**
   * The final value of a measure is the one so many steps after the arrival of the validation accuracy, in a run where it
   * arrives. Default: the last one recorded, which is comparable only between runs that were stopped by one rule.
   */
  readonly stepsAfterValidation?: number;
  /** The matrices whose singular values count. Default all. */
  readonly matrices?: readonly string[];
  /** Events at most so many steps apart count as simultaneous. Default 0; sensible is the spacing of what was recorded. */
  readonly within?: number;
}

/** The events of one run. */
export interface OrderedRun {
  readonly label: string;
  /** The step of each event; `undefined` for one that did not happen. */
  readonly steps: Readonly<Record<RunEvent, number | undefined>>;
  /**
   * Those that happened, such as `train < rank = sum < validation`. Events joined by `=` are all at most `within` steps after the
   * earliest of them; two on either side of a `<` can be as close, and `precedences` counts those as together.
   */
  readonly order: string;
}

/** How often one event precedes another. */
export interface Precedence {
  readonly first: RunEvent;
  readonly second: RunEvent;
  /** Runs in which `first` is earlier by more than `within` steps, or happened where `second` did not. */
  readonly before: number;
  /** Runs in which both happened, not further apart than that. */
  readonly together: number;
  readonly after: number;
  /** Runs in which neither happened. */
  readonly neither: number;
}

/** The order of events over several runs. */
export interface OrderOfEvents {
  readonly runs: readonly OrderedRun[];
  /** How many runs have each order, the most frequent first. */
  readonly counts: ReadonlyMap<string, number>;
  /** For each two events, the first of them named first. */
  readonly precedences: readonly Precedence[];
}

/**
 * The order of events in each run, and how often each order occurs.
 *
 * @throws {ArgumentError} for an option out of range, or a matrix that was not recorded
 */
export function orderOfEvents(runs: readonly ObservedRun[], options: OrderOptions = {}): OrderOfEvents {
  const { accuracy = 0.99, evaluations = 2, within = 0 } = options;
  if (!(accuracy > 0 && accuracy <= 1))
    throw new ArgumentError(`accuracy is ${accuracy}, expected one above 0 and at most 1, such as 0.99`);
  if (!(Number.isSafeInteger(evaluations) && evaluations >= 1))
    throw new ArgumentError(`evaluations is ${evaluations}, expected a whole number of at least 1`);
  if (!(within >= 0)) throw new ArgumentError(`within is ${within}, expected a number of steps from 0 on`);
  if (!((options.stepsAfterValidation ?? 0) >= 0)) {
    throw new ArgumentError(
      `stepsAfterValidation is ${options.stepsAfterValidation}, expected a number of steps from 0 on`,
    );
  }
  const ordered = runs.map((run): OrderedRun => {
    const steps = eventsOf(run, { ...options, accuracy, evaluations });
    return { label: run.label, steps, order: orderIn(steps, within) };
  });
  const counts = new Map<string, number>();
  for (const { order } of ordered) counts.set(order, (counts.get(order) ?? 0) + 1);
  return {
    runs: ordered,
    counts: new Map([...counts].sort(([, one], [, other]) => other - one)),
    precedences: RUN_EVENTS.flatMap((first, i) =>
      RUN_EVENTS.slice(i + 1).map((second) => precedence(ordered, first, second, within)),
    ),
  };
}

function eventsOf(
  { evaluations, spectrum }: ObservedRun,
  options: OrderOptions & Required<Pick<OrderOptions, 'accuracy' | 'evaluations'>>,
): OrderedRun['steps'] {
  const { accuracy, evaluations: inARow, matrices } = options;
  const { stepsAfterValidation = Number.POSITIVE_INFINITY } = options;
  const arrival = (key: 'trainAccuracy' | 'validationAccuracy') => {
    const first = firstInARow(evaluations, inARow, (each) => each[key] >= accuracy);
    return first === undefined ? undefined : evaluations[first]?.epoch;
  };
  const validation = arrival('validationAccuracy');
  const until = (validation ?? Number.POSITIVE_INFINITY) + stepsAfterValidation;
  const drop = (measure: 'effectiveRank' | 'sum') =>
    spectrumDrop(modelCourse(spectrum, measure, matrices), { ...options, until })?.step;
  return {
    train: arrival('trainAccuracy'),
    rank: drop('effectiveRank'),
    sum: drop('sum'),
    validation,
  };
}

/**
 * The events that happened by step. One at most `within` after the first of a group is told as simultaneous with the group: were
 * it compared with the one before it, events a long way apart would be told as one wherever others lie between them.
 */
function orderIn(steps: OrderedRun['steps'], within: number): string {
  const happened = RUN_EVENTS.flatMap((event) => {
    const step = steps[event];
    return step === undefined ? [] : [{ event, step }];
  }).sort((one, other) => one.step - other.step);
  const groups: { readonly from: number; readonly events: Set<RunEvent> }[] = [];
  for (const { event, step } of happened) {
    const group = groups.at(-1);
    if (group !== undefined && step - group.from <= within) group.events.add(event);
    else groups.push({ from: step, events: new Set([event]) });
  }
  return groups.map(({ events }) => RUN_EVENTS.filter((event) => events.has(event)).join(' = ')).join(' < ');
}

function precedence(
  runs: readonly OrderedRun[],
  first: RunEvent,
  second: RunEvent,
  within: number,
): Precedence {
  const kinds = runs.map(({ steps }) => {
    const [one, other] = [steps[first], steps[second]];
    if (one === undefined && other === undefined) return 'neither';
    const lead = (other ?? Number.POSITIVE_INFINITY) - (one ?? Number.POSITIVE_INFINITY);
    return Math.abs(lead) <= within ? 'together' : lead > 0 ? 'before' : 'after';
  });
  const count = (kind: (typeof kinds)[number]) => kinds.filter((each) => each === kind).length;
  return {
    first,
    second,
    before: count('before'),
    together: count('together'),
    after: count('after'),
    neither: count('neither'),
  };
}
