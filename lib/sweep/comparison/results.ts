/** @file What the test of a comparison says: each arm's events, and the claims with their effects. */
import { mean, pairedBootstrap } from '../../analysis/bootstrap';
import { holm } from '../../analysis/holm';
import { quantile } from '../../analysis/quantile';
import { signFlipTest } from '../../analysis/sign-flip';
import { kaplanMeier, type Observation, survivalQuantile } from '../../analysis/survival';
import type { Comparison } from './folder';
import { armNamed, type Choice, chooseTrials, exploratoryRuns, type PlannedRun, testRuns } from './plan';
import type { Claim } from './protocol';
import type { RunRecord } from './record';

/** A run's event with its seed. */
export interface SeedObservation extends Observation {
  readonly seed: number;
}

/** What the runs of an arm say. */
export interface ArmResult {
  readonly arm: string;
  readonly title: string;
  /** The setting that tuning chose. */
  readonly choice: Choice;
  /** Runs that the protocol asks for; there may be fewer observations yet. */
  readonly planned: number;
  /** By seed; a censored run stands at its budget. */
  readonly observations: readonly SeedObservation[];
  readonly censored: number;
  /** The Kaplan–Meier median: the step by which half the runs have grokked; `null` where they have not. */
  readonly median: number | null;
  /** Quartiles of the steps, censored runs at their budget; `null` without an observation. */
  readonly quartiles: readonly [number, number] | null;
  /** Upper quartile over lower one: 1 is perfectly steady. */
  readonly quartileRatio: number | null;
  /** Over the runs that had the event: how many fell below the level in the steps after it, how often, for how many evaluations. */
  readonly drops: { readonly runs: number; readonly episodes: number; readonly evaluations: number };
  /** Mean of what the runs measured, whatever else the machine did meanwhile. */
  readonly msPerStep: number | null;
}

/** What the test says of a claim. */
export interface ClaimResult {
  readonly claim: Claim;
  /** The arms that the claim's names stand for. */
  readonly arm: string;
  readonly against: string;
  /** Seeds that count: those that both arms have, and for `drops` had the event in both. */
  readonly pairs: number;
  /** For `event` the ratio of geometric means of steps, below 1 where the arm is faster; for `drops` the difference of means. */
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  /** Of the sign-flip test of the paired differences, of logarithms for `event`. */
  readonly p: number;
  /** By Holm over all claims of the protocol. */
  readonly adjustedP: number;
}

/** What a comparison says by now. */
export interface ComparisonResults {
  /** Of the arms whose tuning is complete. */
  readonly arms: readonly ArmResult[];
  /** Empty until the test is complete: looking earlier would be a choice when to stop. */
  readonly claims: readonly ClaimResult[];
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
 * A censored run enters as its budget, so that an effect is one on the steps needed *within the budget*, and is drawn towards
 * none where both runs of a pair are censored. A claim on drops whose pairs all miss an event has an effect of 0 and p 1.
 */
export function comparisonResults({ protocol, records }: Comparison): ComparisonResults {
  const choices = chooseTrials(protocol, records.tune);
  const titles = new Map(protocol.arms.map(({ name, title }) => [name, title]));
  const armResult = (choice: Choice, runs: readonly PlannedRun[], found: readonly RunRecord[]) =>
    summarise(
      choice,
      titles.get(choice.arm) as string,
      runs.filter(({ arm }) => arm === choice.arm),
      found,
    );
  const planned = testRuns(protocol, choices);
  const complete =
    choices.length === protocol.arms.length && recordsOf(planned, records.test).length === planned.length;
  const explored = exploratoryRuns(protocol, choices);
  return {
    arms: choices.map((choice) => armResult(choice, planned, records.test)),
    claims: complete ? claimResults({ protocol, records }, choices, planned) : [],
    exploratory: protocol.exploratory.settings.map(({ name, title }) => {
      const runs = explored.filter(({ setting }) => setting === name);
      const arms = choices.filter(({ arm }) => runs.some((run) => run.arm === arm));
      return {
        setting: name,
        title,
        arms: arms.map((choice) => armResult(choice, runs, records.explore)),
      };
    }),
  };
}

/** The records of these runs, in their order. */
function recordsOf(runs: readonly PlannedRun[], records: readonly RunRecord[]): RunRecord[] {
  const found = new Map(records.map((record) => [record.digest, record]));
  return runs.flatMap(({ digest }) => found.get(digest) ?? []);
}

function summarise(
  choice: Choice,
  title: string,
  runs: readonly PlannedRun[],
  all: readonly RunRecord[],
): ArmResult {
  const records = recordsOf(runs, all);
  const observations = records.map(({ seed, event, budget }) => ({
    seed,
    step: event ?? budget,
    censored: event === null,
  }));
  const steps = observations.map(({ step }) => step);
  const quartiles = steps.length === 0 ? null : ([quantile(steps, 0.25), quantile(steps, 0.75)] as const);
  const drops = records.flatMap((record) => record.drops ?? []);
  const times = records.flatMap(({ msPerStep }) => msPerStep ?? []);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    arm: choice.arm,
    title,
    choice,
    planned: runs.length,
    observations,
    censored: observations.filter(({ censored }) => censored).length,
    median: steps.length === 0 ? null : survivalQuantile(kaplanMeier(observations), 0.5),
    quartiles,
    quartileRatio: quartiles === null ? null : quartiles[1] / quartiles[0],
    drops: {
      runs: drops.filter(({ evaluations }) => evaluations > 0).length,
      episodes: sum(drops.map(({ episodes }) => episodes)),
      evaluations: sum(drops.map(({ evaluations }) => evaluations)),
    },
    msPerStep: times.length === 0 ? null : mean(times),
  };
}

function claimResults(
  { protocol, records }: Comparison,
  choices: readonly Choice[],
  planned: readonly PlannedRun[],
): ClaimResult[] {
  const { claims, event, statistics, test } = protocol;
  const tested = recordsOf(planned, records.test);
  const results = claims.map((claim) => {
    const arm = armNamed(protocol, choices, claim.arm) as string;
    const against = armNamed(protocol, choices, claim.against) as string;
    const recordOf = (name: string, seed: number) =>
      tested.find((record) => record.arm === name && record.seed === seed) as RunRecord;
    const differences = test.seeds.flatMap((seed) => {
      const [one, other] = [recordOf(arm, seed), recordOf(against, seed)];
      if (claim.measure === 'drops') {
        if (one.drops === undefined || other.drops === undefined) return [];
        return [one.drops.evaluations - other.drops.evaluations];
      }
      // An event at step 0 has no logarithm; it came before the first step at which another could.
      const logarithm = ({ event: step, budget }: RunRecord) =>
        Math.log(Math.max(step ?? budget, event.every));
      return [logarithm(one) - logarithm(other)];
    });
    const { level, resamples, seed } = statistics;
    const interval =
      differences.length < 2
        ? {
            estimate: mean([...differences, 0]),
            low: Number.NEGATIVE_INFINITY,
            high: Number.POSITIVE_INFINITY,
          }
        : pairedBootstrap(differences, { level, resamples, seed });
    const shown = (value: number) => (claim.measure === 'event' ? Math.exp(value) : value);
    return {
      claim,
      arm,
      against,
      pairs: differences.length,
      estimate: shown(interval.estimate),
      low: shown(interval.low),
      high: shown(interval.high),
      p: differences.length === 0 ? 1 : signFlipTest(differences, seed),
    };
  });
  const adjusted = holm(results.map(({ p }) => p));
  return results.map((result, i) => ({ ...result, adjustedP: adjusted[i] as number }));
}
