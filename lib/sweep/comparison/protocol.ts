/**
 * @file What a comparison of optimisers is to do, written down before its first run: arms, grids, seeds, budgets, the rule
 * that picks a setting, the claims and their statistics. The file is the whole truth; the code here only carries it out.
 *
 * A comparison has five phases. A *pilot* may set the ranges of the grids and nothing else. In *tuning* every arm has the same
 * number of trials on the same few seeds. In the *test* every arm's chosen trial meets fresh seeds, the same for all arms.
 * *Sensitivity* takes some arms' second-ranked trials to the seeds of the test. What is *exploratory* takes the chosen settings
 * to other tasks.
 */
import { z } from 'zod';
import { FileError } from '../../errors';
import type { RunOptions } from '../../train/config';
import { GRID_SCHEMA, type Trial } from './grid';

/** One contender. */
export interface Arm {
  /** Short, of small letters, digits and hyphens; part of file names. */
  readonly name: string;
  /** What figures call it. */
  readonly title: string;
  /** Its differences from the base, learning rate and decay left out. */
  readonly options: RunOptions;
  /** What tuning tries. */
  readonly grid: readonly Trial[];
  /** Milliseconds of a step on one quiet thread, for the estimate of time alone. */
  readonly msPerStep: number;
}

/** Seeds and the last step at which an event counts. */
export interface PhasePlan {
  readonly seeds: readonly number[];
  /** A multiple of the steps between two evaluations. */
  readonly budget: number;
  /** Steps that a run is expected to take, for the estimate of time alone. */
  readonly expectedSteps: number;
}

/** Another task, on which the chosen settings are tried as they are. */
export interface Setting {
  readonly name: string;
  readonly title: string;
  readonly options: RunOptions;
  /** How much longer a step takes than in the base, for the estimate of time alone. */
  readonly cost: number;
}

/** A statement that the test decides. */
export interface Claim {
  readonly name: string;
  /** One sentence. */
  readonly text: string;
  /** `event`: ratio of the steps to the event; `drops`: difference of evaluations below the level after it. */
  readonly measure: 'event' | 'drops';
  /** The name of an arm, or of a group, of which the arm that tuning ranks first is meant. */
  readonly arm: string;
  /** The arm, or group, that it is compared with, on the same seeds. */
  readonly against: string;
}

/** A comparison. */
export interface ComparisonProtocol {
  readonly title: string;
  /** What a reader should know, a paragraph each. */
  readonly notes: readonly string[];
  /** What all runs have in common, as differences from a preset. */
  readonly base: RunOptions;
  /** The first of so many evaluations in a row with a validation accuracy of at least so much; evaluated every so many steps. */
  readonly event: { readonly accuracy: number; readonly evaluations: number; readonly every: number };
  /**
   * Test runs go on for so many steps after the event; an evaluation below the level is a drop. A claim on drops needs so many
   * pairs in which both had the event.
   */
  readonly drops: { readonly steps: number; readonly below: number; readonly leastPairs: number };
  readonly arms: readonly Arm[];
  /** Sets of arms, each standing for the one of them that tuning ranks first. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** By arm, the trials of the pilot. */
  readonly pilot: PhasePlan & { readonly grids: Readonly<Record<string, readonly Trial[]>> };
  readonly tuning: PhasePlan;
  readonly test: PhasePlan;
  /** Arms whose second-ranked trial is run too, on the seeds and within the budget of the test. */
  readonly sensitivity: { readonly arms: readonly string[]; readonly expectedSteps: number };
  readonly exploratory: PhasePlan & {
    /** Names of arms or groups. */
    readonly arms: readonly string[];
    readonly settings: readonly Setting[];
  };
  /** The family over which p-values are adjusted. */
  readonly claims: readonly Claim[];
  readonly statistics: {
    readonly level: number;
    readonly resamples: number;
    readonly seed: number;
    /** Ratios of steps between these two, around 1, are too small to be of interest. */
    readonly negligible: readonly [low: number, high: number];
  };
}

const name = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'expected small letters, digits and hyphens');
const text = z.string().min(1);
const positive = z.number().positive();
const steps = z.number().int().positive();
const share = z.number().gt(0).max(1);
const seeds = z.array(z.number().int().min(0)).min(1);
const options = z.record(z.string(), z.unknown());
const phase = { seeds, budget: steps, expectedSteps: steps };

const SCHEMA = z.strictObject({
  title: text,
  notes: z.array(text),
  base: options,
  event: z.strictObject({ accuracy: share, evaluations: steps, every: steps }),
  drops: z.strictObject({ steps, below: share, leastPairs: z.number().int().min(2) }),
  arms: z
    .array(z.strictObject({ name, title: text, options, grid: GRID_SCHEMA, msPerStep: positive }))
    .min(2),
  groups: z.record(name, z.array(name).min(1)),
  pilot: z.strictObject({ ...phase, grids: z.record(name, GRID_SCHEMA) }),
  tuning: z.strictObject(phase),
  test: z.strictObject(phase),
  sensitivity: z.strictObject({ arms: z.array(name), expectedSteps: steps }),
  exploratory: z.strictObject({
    ...phase,
    arms: z.array(name),
    settings: z.array(z.strictObject({ name, title: text, options, cost: positive })),
  }),
  claims: z.array(
    z.strictObject({ name: text, text, measure: z.enum(['event', 'drops']), arm: name, against: name }),
  ),
  statistics: z.strictObject({
    level: z.number().gt(0).lt(1),
    resamples: z.number().int().min(100),
    seed: z.number().int().min(0),
    negligible: z.tuple([z.number().gt(0).max(1), z.number().min(1)]),
  }),
});

/** What the runner sets itself, so that no arm can have it otherwise. */
const RESERVED = [
  'seed',
  'splitSeed',
  'steps',
  'evalEvery',
  'stopAtAccuracy',
  'stopEvaluations',
  'stepsAfterTarget',
  'learningRate',
  'weightDecay',
];

/**
 * Reads a protocol and checks that it is one: complete, without a misspelt key, and fair. Fair means as many trials for every
 * arm, none of them twice, no seed in two phases, and no arm on both sides of a claim. Grids are given back as trials.
 *
 * @param source what to call the file in a message
 * @throws {FileError} naming the place in the file and what was expected there
 */
export function parseProtocol(content: string, source = 'protocol.json'): ComparisonProtocol {
  const fail = (problem: string) => new FileError(`${source}: ${problem}.`);
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    throw fail(`no JSON, ${(error as Error).message.replaceAll(/\s+/g, ' ')}; give the file whole`);
  }
  const parsed = SCHEMA.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue?.path.join('.') || 'the file';
    throw fail(`${place} is wrong: ${issue?.message.replaceAll(/\s+/g, ' ')}; correct it`);
  }
  const protocol = parsed.data as ComparisonProtocol;
  const problem =
    unfairness(protocol) ??
    repeatedTrial(protocol) ??
    unknownName(protocol) ??
    claimOnItself(protocol) ??
    reservedOption(protocol);
  if (problem !== undefined) throw fail(problem);
  return protocol;
}

/** What would let one arm have more than another, or the test see what tuning saw. */
function unfairness(protocol: ComparisonProtocol): string | undefined {
  const { arms, event, drops } = protocol;
  const [first] = arms;
  const other = arms.find(({ grid: trials }) => trials.length !== first?.grid.length);
  if (other !== undefined) {
    return `the arm ${other.name} has ${other.grid.length} trials, ${first?.name} has ${first?.grid.length}; give all arms as many`;
  }
  const phases = ['pilot', 'tuning', 'test', 'exploratory'] as const;
  for (const [i, one] of phases.entries()) {
    const own = protocol[one].seeds;
    if (new Set(own).size < own.length) return `${one}.seeds has a seed twice; give every seed once`;
    for (const later of phases.slice(i + 1)) {
      const shared = protocol[later].seeds.find((seed) => own.includes(seed));
      if (shared !== undefined) return `seed ${shared} is in ${one} and in ${later}; give each its own seeds`;
    }
  }
  for (const one of phases) {
    if (protocol[one].budget % event.every !== 0) {
      return `${one}.budget is ${protocol[one].budget}, expected a multiple of event.every, ${event.every}`;
    }
  }
  if (drops.steps % event.every !== 0) {
    return `drops.steps is ${drops.steps}, expected a multiple of event.every, ${event.every}`;
  }
  return undefined;
}

/** A trial that a grid has twice would be a trial less than the others have. */
function repeatedTrial({ arms, pilot }: ComparisonProtocol): string | undefined {
  const grids: readonly (readonly [string, readonly Trial[]])[] = [
    ...arms.map((arm) => [`the arm ${arm.name}`, arm.grid] as const),
    ...Object.entries(pilot.grids).map(([arm, trials]) => [`pilot.grids.${arm}`, trials] as const),
  ];
  for (const [place, trials] of grids) {
    const texts = trials.map(([learningRate, weightDecay]) => `${learningRate}, ${weightDecay}`);
    const twice = texts.find((one, i) => texts.indexOf(one) !== i);
    if (twice !== undefined) return `${place} has the trial ${twice} twice; give every trial once`;
  }
  return undefined;
}

/** A claim whose two names may stand for the same arm. */
function claimOnItself({ claims, groups }: ComparisonProtocol): string | undefined {
  for (const claim of claims) {
    const against = groups[claim.against] ?? [claim.against];
    const shared = (groups[claim.arm] ?? [claim.arm]).find((arm) => against.includes(arm));
    if (shared !== undefined) {
      return `the claim ${claim.name} has ${shared} on both sides; compare it with something else`;
    }
  }
  return undefined;
}

function unknownName(protocol: ComparisonProtocol): string | undefined {
  const { arms, groups, claims, exploratory, pilot, sensitivity } = protocol;
  const armNames = arms.map((arm) => arm.name);
  const settings = exploratory.settings.map((setting) => setting.name);
  const twice = [armNames, settings, claims.map((claim) => claim.name)]
    .map((names) => names.find((one, i) => names.indexOf(one) !== i))
    .find((one) => one !== undefined);
  if (twice !== undefined)
    return `the name ${twice} is given twice; give every arm, setting and claim its own`;
  const groupNames = Object.keys(groups);
  const clash = groupNames.find((group) => armNames.includes(group));
  if (clash !== undefined) return `${clash} is an arm and a group; rename the group`;
  const both = [...armNames, ...groupNames];
  const asked: readonly (readonly [place: string, names: readonly string[], known: readonly string[]])[] = [
    ...Object.entries(groups).map(([group, members]) => [`groups.${group}`, members, armNames] as const),
    ['pilot.grids', Object.keys(pilot.grids), armNames],
    ['sensitivity.arms', sensitivity.arms, armNames],
    ['exploratory.arms', exploratory.arms, both],
    ['claims', claims.flatMap(({ arm, against }) => [arm, against]), both],
  ];
  for (const [place, names, known] of asked) {
    const unknown = names.find((one) => !known.includes(one));
    if (unknown !== undefined) return `${place} names ${unknown}, expected one of ${known.join(', ')}`;
  }
  return undefined;
}

function reservedOption({ base, arms, exploratory }: ComparisonProtocol): string | undefined {
  const places: readonly (readonly [string, RunOptions])[] = [
    ['base', base],
    ...arms.map((arm) => [`the arm ${arm.name}`, arm.options] as const),
    ...exploratory.settings.map((setting) => [`the setting ${setting.name}`, setting.options] as const),
  ];
  for (const [place, given] of places) {
    const reserved = RESERVED.find((key) => key in given);
    if (reserved !== undefined) {
      return `${place} has ${reserved}, which seeds, budgets, event and grids give; leave it out`;
    }
  }
  return undefined;
}
