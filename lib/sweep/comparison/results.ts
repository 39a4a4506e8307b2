/** @file What a comparison says: each arm's tuning, its events in the test, and the claims. */
import { mean } from '../../analysis/bootstrap';
import { kaplanMeier, type Observation, survivalQuantile } from '../../analysis/survival';
import { type ClaimResult, claimResults } from './claims';
import type { Comparison } from './folder';
import {
  type Choice,
  COMPARISON_PHASES,
  chooseTrials,
  exploratoryRuns,
  type PlannedRun,
  plannedRuns,
  sensitivityRuns,
  type TunedTrial,
  testRuns,
} from './plan';
import type { RunRecord } from './record';
import type { Quartiles } from './step-times';

/** A run's event with its seed. */
export interface SeedObservation extends Observation {
  readonly seed: number;
}

/** What the runs of an arm say. */
export interface ArmResult {
  readonly arm: string;
  readonly title: string;
  /** The setting that was run. */
  readonly choice: TunedTrial;
  /** Runs that the protocol asks for; there may be fewer observations yet. */
  readonly planned: number;
  /** By seed; a censored run stands at its budget. */
  readonly observations: readonly SeedObservation[];
  readonly censored: number;
  /** The Kaplan–Meier median: the step by which half the runs have grokked; `null` where they have not. */
  readonly median: number | null;
  /** The Kaplan–Meier quartiles, likewise. */
  readonly quartiles: readonly [number | null, number | null];
  /**
   * Upper quartile over lower one: 1 is perfectly steady. `atLeast` where the upper one lies beyond the budget, which then
   * stands for it; `null` where the lower one does too, or is 0.
   */
  readonly quartileRatio: { readonly value: number; readonly atLeast: boolean } | null;
  /**
   * Over the runs that had the event: how many fell below the level in the steps after it, how often, for how many
   * evaluations. `null` where no run was followed beyond its event.
   */
  readonly drops: { readonly runs: number; readonly episodes: number; readonly evaluations: number } | null;
  /** Milliseconds of a step, measured apart: see `StepTimes`. `null` where it is not. */
  readonly msPerStep: number | null;
  /** The time of a step over that of AdamW's, measured with it: see `StepTimes`. `null` where it is not. */
  readonly stepRatio: Quartiles | null;
  /** The median in seconds of such steps. */
  readonly medianSeconds: number | null;
  /** Mean of what the runs measured, whatever else the machine did meanwhile. */
  readonly runMsPerStep: number | null;
}

/** Runs planned and made. */
export interface Progress {
  readonly planned: number;
  readonly recorded: number;
}

/** What a comparison says by now. */
export interface ComparisonResults {
  /** Of the arms whose tuning is complete: their choice, and all their trials. */
  readonly tuning: readonly Choice[];
  /** Of the test, counting arms that are not tuned yet. */
  readonly test: Progress;
  /** One of every arm. Empty until the test is complete, like the claims: looking earlier would be a choice when to stop. */
  readonly arms: readonly ArmResult[];
  readonly claims: readonly ClaimResult[];
  /** Second-ranked settings on the seeds of the test. Empty until these runs and the test are complete. */
  readonly sensitivity: readonly ArmResult[];
  /** Not part of any claim: by setting, the arms that were tried on it. */
  readonly exploratory: readonly {
    readonly setting: string;
    readonly title: string;
    readonly arms: readonly ArmResult[];
  }[];
}

/**
 * Evaluates a comparison.
 *
 * A censored run enters an effect as its budget: the effect is one on min(step, budget), the steps needed within the budget.
 */
export function comparisonResults({ protocol, records, times }: Comparison): ComparisonResults {
  const choices = chooseTrials(protocol, records.tune);
  const titles = new Map(protocol.arms.map(({ name, title }) => [name, title]));
  const armResult = (choice: TunedTrial, runs: readonly PlannedRun[], found: readonly RunRecord[]) =>
    summarise(
      {
        choice,
        title: titles.get(choice.arm) as string,
        msPerStep: times.msPerStep[choice.arm] ?? null,
        stepRatio: times.ratio[choice.arm] ?? null,
      },
      runs.filter(({ arm }) => arm === choice.arm),
      found,
    );
  const tested = testRuns(protocol, choices);
  const planned = protocol.arms.length * protocol.test.seeds.length;
  const test = recordsOf(tested, records.test);
  const complete = test.length === planned;
  const seconds = sensitivityRuns(protocol, choices);
  const second = recordsOf(seconds, records.sensitivity);
  const sensitivity = complete && second.length === seconds.length ? second : [];
  const explored = exploratoryRuns(protocol, choices);
  return {
    tuning: choices,
    test: { planned, recorded: test.length },
    arms: complete ? choices.map((choice) => armResult(choice, tested, test)) : [],
    claims: complete ? claimResults(protocol, choices, { test, sensitivity }) : [],
    sensitivity: choices.flatMap(({ arm, ranked }) =>
      sensitivity.some((record) => record.arm === arm)
        ? [armResult(ranked[1] as TunedTrial, seconds, sensitivity)]
        : [],
    ),
    exploratory: protocol.exploratory.settings.map(({ name, title }) => {
      const runs = explored.filter(({ setting }) => setting === name);
      const arms = choices.filter(({ arm }) => runs.some((run) => run.arm === arm));
      return {
        setting: name,
        title,
        // A step of another task takes another time.
        arms: arms.map((choice) => ({
          ...armResult(choice, runs, records.explore),
          msPerStep: null,
          stepRatio: null,
          medianSeconds: null,
        })),
      };
    }),
  };
}

/**
 * The records that belong to a comparison's protocol as it is, in the order of its plan: others, made under an earlier one, stay
 * in the files but answer nothing.
 */
export function ownRecords({ protocol, records }: Comparison): Comparison['records'] {
  const choices = chooseTrials(protocol, records.tune);
  return Object.fromEntries(
    COMPARISON_PHASES.map((phase) => [
      phase,
      recordsOf(plannedRuns(protocol, phase, choices), records[phase]),
    ]),
  ) as unknown as Comparison['records'];
}

/** The records of these runs, in their order. */
function recordsOf(runs: readonly PlannedRun[], records: readonly RunRecord[]): RunRecord[] {
  const found = new Map(records.map((record) => [record.digest, record]));
  return runs.flatMap(({ digest }) => found.get(digest) ?? []);
}

function summarise(
  { choice, title, msPerStep, stepRatio }: Pick<ArmResult, 'choice' | 'title' | 'msPerStep' | 'stepRatio'>,
  runs: readonly PlannedRun[],
  all: readonly RunRecord[],
): ArmResult {
  const records = recordsOf(runs, all);
  const observations = records.map(({ seed, event, budget }) => ({
    seed,
    step: event ?? budget,
    censored: event === null,
  }));
  const curve = observations.length === 0 ? [] : kaplanMeier(observations);
  const [lower, median, upper] = [0.25, 0.5, 0.75].map((share) => survivalQuantile(curve, share)) as [
    number | null,
    number | null,
    number | null,
  ];
  const drops = records.flatMap((record) => record.drops ?? []);
  const times = records.flatMap(({ msPerStep: own }) => own ?? []);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const last = Math.max(...observations.map(({ step }) => step));
  return {
    arm: choice.arm,
    title,
    choice,
    planned: runs.length,
    observations,
    censored: observations.filter(({ censored }) => censored).length,
    median,
    quartiles: [lower, upper],
    quartileRatio:
      lower === null || lower === 0 ? null : { value: (upper ?? last) / lower, atLeast: upper === null },
    drops:
      drops.length === 0
        ? null
        : {
            runs: drops.filter(({ evaluations }) => evaluations > 0).length,
            episodes: sum(drops.map(({ episodes }) => episodes)),
            evaluations: sum(drops.map(({ evaluations }) => evaluations)),
          },
    msPerStep,
    stepRatio,
    medianSeconds: median === null || msPerStep === null ? null : (median * msPerStep) / 1000,
    runMsPerStep: times.length === 0 ? null : mean(times),
  };
}
