/** @file The claims of a comparison, decided by its test: effects, intervals, p-values, and what may be said. */
import { mean, pairedBootstrap } from '../../analysis/bootstrap';
import { holm } from '../../analysis/holm';
import { signFlipTest } from '../../analysis/sign-flip';
import type { Choice } from './plan';
import { armNamed } from './plan';
import type { Claim, ComparisonProtocol } from './protocol';
import type { RunRecord } from './record';

/** The two sides of a claim. */
export interface Sides {
  readonly arm: number;
  readonly against: number;
}

/** An effect over pairs of seeds. */
export interface PairedEffect {
  /** Seeds that count: those that both arms have, and for `drops` had the event in both. */
  readonly pairs: number;
  /**
   * For `event` the ratio of the geometric means of min(step, budget), below 1 where the arm is sooner; for `drops` the
   * difference of means.
   */
  readonly estimate: number;
  /** Infinite, for a ratio 0 and infinite, with fewer than two pairs. */
  readonly low: number;
  readonly high: number;
  /**
   * Runs among the pairs that had no event within the budget. With any, the estimate is one within the budget; where only the
   * slower side has some, the ratio without a budget would lie further from 1.
   */
  readonly censored: Sides;
}

/** What may be said of a claim: `open` where the test does not settle it, or settles something too small to be of interest. */
export type Verdict = 'sooner' | 'later' | 'fewer' | 'more' | 'open' | 'not tested';

/** What the test says of a claim. */
export interface ClaimResult extends PairedEffect {
  readonly claim: Claim;
  /** The arms that the claim's names stand for. */
  readonly arm: string;
  readonly against: string;
  /** Tuning trials out of which each side was chosen: those of one arm, or of all arms of a group. */
  readonly trials: Sides;
  /** For `drops` the runs among the pairs that fell below the level at all. */
  readonly dropping?: Sides;
  /** Of the sign-flip test of the paired differences, of logarithms for `event`; 1 where the claim has too few pairs to be tested. */
  readonly p: number;
  /** By Holm over all claims of the protocol. */
  readonly adjustedP: number;
  readonly verdict: Verdict;
  /** For `event` the effect where both arms have their second-ranked setting, if the protocol asks for it and the runs are there. */
  readonly secondRanked?: PairedEffect;
}

/** What the claims are decided by. */
export interface ClaimRecords {
  /** One of every arm and seed of the test. */
  readonly test: readonly RunRecord[];
  /** One of every seed of the test and arm that was run with its second-ranked trial. */
  readonly sensitivity: readonly RunRecord[];
}

/** Decides all claims. */
export function claimResults(
  protocol: ComparisonProtocol,
  choices: readonly Choice[],
  records: ClaimRecords,
): ClaimResult[] {
  const { claims, groups, drops, statistics, arms } = protocol;
  const trialsOf = (name: string) =>
    arms
      .filter((arm) => (groups[name] ?? [name]).includes(arm.name))
      .reduce((sum, { grid }) => sum + grid.length, 0);
  const results = claims.map((claim) => {
    const arm = armNamed(protocol, choices, claim.arm) as string;
    const against = armNamed(protocol, choices, claim.against) as string;
    const all = pairsOf(protocol, records.test, arm, against);
    const counts = claim.measure === 'event' ? all : all.filter(hadEvent);
    const differences = counts.map(differenceIn(protocol, claim));
    const tested = differences.length >= (claim.measure === 'event' ? 1 : drops.leastPairs);
    const second = claim.measure === 'event' ? pairsOf(protocol, records.sensitivity, arm, against) : [];
    return {
      claim,
      arm,
      against,
      trials: { arm: trialsOf(claim.arm), against: trialsOf(claim.against) },
      ...effectOf(protocol, claim, counts),
      ...(claim.measure === 'drops' ? { dropping: count(counts, ({ drops: own }) => isDropping(own)) } : {}),
      tested,
      p: tested ? signFlipTest(differences, statistics.seed) : 1,
      ...(second.length === 0 ? {} : { secondRanked: effectOf(protocol, claim, second) }),
    };
  });
  const adjusted = holm(results.map(({ p }) => p));
  return results.map(({ tested, ...result }, i) => {
    const adjustedP = adjusted[i] as number;
    return { ...result, adjustedP, verdict: tested ? verdictOn(protocol, result, adjustedP) : 'not tested' };
  });
}

type Pair = readonly [one: RunRecord, other: RunRecord];

/** The records of two arms, seed by seed, where both have one. */
function pairsOf(
  { test }: ComparisonProtocol,
  records: readonly RunRecord[],
  arm: string,
  against: string,
): Pair[] {
  const find = (name: string, seed: number) =>
    records.find((record) => record.arm === name && record.seed === seed);
  return test.seeds.flatMap((seed) => {
    const [one, other] = [find(arm, seed), find(against, seed)];
    return one === undefined || other === undefined ? [] : [[one, other] as const];
  });
}

const hadEvent = (pair: Pair) => pair.every(({ drops }) => drops !== undefined);
const isDropping = (drops: RunRecord['drops']) => (drops?.evaluations ?? 0) > 0;

function count(pairs: readonly Pair[], isOne: (record: RunRecord) => boolean): Sides {
  return {
    arm: pairs.filter(([one]) => isOne(one)).length,
    against: pairs.filter(([, other]) => isOne(other)).length,
  };
}

function differenceIn({ event }: ComparisonProtocol, { measure }: Claim): (pair: Pair) => number {
  // An event at step 0 has no logarithm; it came before the first step at which another could.
  const logarithm = ({ event: step, budget }: RunRecord) => Math.log(Math.max(step ?? budget, event.every));
  const evaluations = ({ drops }: RunRecord) => drops?.evaluations ?? 0;
  const value = measure === 'event' ? logarithm : evaluations;
  return ([one, other]) => value(one) - value(other);
}

function effectOf(protocol: ComparisonProtocol, claim: Claim, pairs: readonly Pair[]): PairedEffect {
  const { level, resamples, seed } = protocol.statistics;
  const differences = pairs.map(differenceIn(protocol, claim));
  const interval =
    differences.length < 2
      ? {
          estimate: mean([...differences, ...(differences.length === 0 ? [0] : [])]),
          low: Number.NEGATIVE_INFINITY,
          high: Number.POSITIVE_INFINITY,
        }
      : pairedBootstrap(differences, { level, resamples, seed });
  const shown = (value: number) => (claim.measure === 'event' ? Math.exp(value) : value);
  return {
    pairs: pairs.length,
    estimate: shown(interval.estimate),
    low: shown(interval.low),
    high: shown(interval.high),
    censored: count(pairs, ({ event }) => event === null),
  };
}

function verdictOn(
  { statistics: { level, negligible } }: ComparisonProtocol,
  { claim, estimate, low, high }: Pick<ClaimResult, 'claim' | 'estimate' | 'low' | 'high'>,
  adjustedP: number,
): Verdict {
  // 1 − .95 is a little more than .05.
  if (adjustedP > 1 - level + 1e-12) return 'open';
  if (claim.measure === 'drops') return estimate < 0 ? 'fewer' : 'more';
  const [least, greatest] = negligible;
  if (high < least) return 'sooner';
  return low > greatest ? 'later' : 'open';
}
