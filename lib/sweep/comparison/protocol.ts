/**
 * @file What a comparison of optimisers is to do, written down before its first run: arms, grids, seeds, budgets, the rule
 * that picks a setting, the claims and their statistics. The file is the whole truth; the code here only carries it out.
 *
 * A comparison has four phases. A *pilot* may set the ranges of the grids and nothing else. In *tuning* every arm has the same
 * number of trials on the same few seeds. In the *test* every arm's chosen trial meets fresh seeds, the same for all arms. What
 * is *exploratory* takes the settings chosen there to other tasks.
 */
import { z } from 'zod';
import { FileError } from '../../errors';
import type { RunOptions } from '../../train/config';

/** Learning rate and weight decay of one trial. */
export type Trial = readonly [learningRate: number, weightDecay: number];

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
  /** Milliseconds of a step on one thread, for the estimate of time alone. */
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
  /** Test runs go on for so many steps after the event; an evaluation below the level is a drop. */
  readonly drops: { readonly steps: number; readonly below: number };
  readonly arms: readonly Arm[];
  /** Sets of arms, each standing for the one of them that tuning ranks first. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** By arm, the trials of the pilot. */
  readonly pilot: PhasePlan & { readonly grids: Readonly<Record<string, readonly Trial[]>> };
  readonly tuning: PhasePlan;
  readonly test: PhasePlan;
  readonly exploratory: PhasePlan & {
    /** Names of arms or groups. */
    readonly arms: readonly string[];
    readonly settings: readonly Setting[];
  };
  /** The family over which p-values are adjusted. */
  readonly claims: readonly Claim[];
  readonly statistics: { readonly level: number; readonly resamples: number; readonly seed: number };
}

const name = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'expected small letters, digits and hyphens');
const text = z.string().min(1);
const positive = z.number().positive();
const steps = z.number().int().positive();
const share = z.number().gt(0).max(1);
const seeds = z.array(z.number().int().min(0)).min(1);
const options = z.record(z.string(), z.unknown());
const grid = z.array(z.tuple([positive, z.number().min(0)])).min(1);
const phase = { seeds, budget: steps, expectedSteps: steps };

const SCHEMA = z.strictObject({
  title: text,
  notes: z.array(text),
  base: options,
  event: z.strictObject({ accuracy: share, evaluations: steps, every: steps }),
  drops: z.strictObject({ steps, below: share }),
  arms: z.array(z.strictObject({ name, title: text, options, grid, msPerStep: positive })).min(2),
  groups: z.record(name, z.array(name).min(1)),
  pilot: z.strictObject({ ...phase, grids: z.record(name, grid) }),
  tuning: z.strictObject(phase),
  test: z.strictObject(phase),
  exploratory: z.strictObject({
    ...phase,
    arms: z.array(name),
    settings: z.array(z.strictObject({ name, title: text, options, cost: positive })),
  }),
  claims: z.array(
    z.strictObject({ name: text, text, measure: z.enum(['event', 'drops']), arm: name, against: name }),
  ),
  statistics: z.strictObject({ level: share, resamples: steps, seed: z.number().int().min(0) }),
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
 * arm, and no seed in two of pilot, tuning and test.
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
  const problem = unfairness(protocol) ?? unknownName(protocol) ?? reservedOption(protocol);
  if (problem !== undefined) throw fail(problem);
  return protocol;
}

/** What would let one arm have more than another, or the test see what tuning saw. */
function unfairness(protocol: ComparisonProtocol): string | undefined {
  const { arms, event } = protocol;
  const [first] = arms;
  const other = arms.find(({ grid: trials }) => trials.length !== first?.grid.length);
  if (other !== undefined) {
    return `the arm ${other.name} has ${other.grid.length} trials, ${first?.name} has ${first?.grid.length}; give all arms as many`;
  }
  const phases = ['pilot', 'tuning', 'test'] as const;
  for (const [i, one] of phases.entries()) {
    const own = protocol[one].seeds;
    if (new Set(own).size < own.length) return `${one}.seeds has a seed twice; give every seed once`;
    for (const later of phases.slice(i + 1)) {
      const shared = protocol[later].seeds.find((seed) => own.includes(seed));
      if (shared !== undefined) return `seed ${shared} is in ${one} and in ${later}; give each its own seeds`;
    }
  }
  for (const one of [...phases, 'exploratory'] as const) {
    if (protocol[one].budget % event.every !== 0) {
      return `${one}.budget is ${protocol[one].budget}, expected a multiple of event.every, ${event.every}`;
    }
  }
  return undefined;
}

function unknownName(protocol: ComparisonProtocol): string | undefined {
  const { arms, groups, claims, exploratory, pilot } = protocol;
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
