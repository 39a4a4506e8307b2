/** @file The runs of a comparison, phase by phase, and the rule that picks each arm's setting from its tuning. */
import { createHash } from 'node:crypto';
import { ArgumentError } from '../../errors';
import { type RunConfig, type RunOptions, runConfig } from '../../train/config';
import type { Arm, ComparisonProtocol, PhasePlan, Setting, Trial } from './protocol';
import type { RunRecord } from './record';

/** The phases, in order. */
export const COMPARISON_PHASES = ['pilot', 'tune', 'test', 'explore'] as const;

/** A phase of a comparison. */
export type ComparisonPhase = (typeof COMPARISON_PHASES)[number];

/** One run to carry out. */
export interface PlannedRun {
  readonly phase: ComparisonPhase;
  /** Unique within the comparison; good as a file name. */
  readonly id: string;
  readonly arm: string;
  /** Only in the exploratory phase. */
  readonly setting?: string;
  /** Which of the arm's trials, counted from 0 in its grid; in the pilot, in the pilot's. */
  readonly trial: number;
  readonly seed: number;
  /** The last step at which the event counts. */
  readonly budget: number;
  readonly options: RunOptions;
  readonly config: RunConfig;
  /** Of the configuration: a result belongs to this run only if it has the same one. */
  readonly digest: string;
  /** A guess from the protocol. */
  readonly expectedSeconds: number;
}

/** The first 16 hexadecimal digits of the SHA-256 of a configuration's JSON. */
export function configDigest(config: RunConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 16);
}

/** The pilot's runs, which may only set the ranges of the grids. */
export function pilotRuns(protocol: ComparisonProtocol): PlannedRun[] {
  const { pilot } = protocol;
  return Object.entries(pilot.grids).flatMap(([name, grid]) =>
    grid.flatMap((trial, index) =>
      pilot.seeds.map((seed) =>
        plannedRun(protocol, { phase: 'pilot', arm: armOf(protocol, name), trial, index, seed, plan: pilot }),
      ),
    ),
  );
}

/** All trials of all arms, trial by trial, so that every arm has as many behind it whenever tuning is stopped. */
export function tuningRuns(protocol: ComparisonProtocol): PlannedRun[] {
  const { arms, tuning } = protocol;
  const trials = Math.max(...arms.map(({ grid }) => grid.length));
  return Array.from({ length: trials }, (_, index) =>
    arms.flatMap((arm) =>
      tuning.seeds.map((seed) =>
        plannedRun(protocol, {
          phase: 'tune',
          arm,
          trial: arm.grid[index] as Trial,
          index,
          seed,
          plan: tuning,
        }),
      ),
    ),
  ).flat();
}

/** What tuning says of an arm. */
export interface Choice {
  readonly arm: string;
  /** The trial's place in the grid. */
  readonly trial: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Mean over the tuning seeds of the event's step; a censored run counts as the budget. */
  readonly meanStep: number;
  /** Mean over the tuning seeds of the last validation loss; infinite where one is not finite. */
  readonly meanLoss: number;
}

/**
 * Picks each arm's trial: the least mean step over the tuning seeds, a censored run counting as the budget; of equal ones
 * that of the least mean last validation loss; of those the first of the grid.
 *
 * @param records of the tuning phase
 * @returns the arms whose tuning is complete, in the protocol's order
 */
export function chooseTrials(protocol: ComparisonProtocol, records: readonly RunRecord[]): Choice[] {
  const found = new Map(records.map((record) => [record.digest, record]));
  const runs = tuningRuns(protocol);
  return protocol.arms.flatMap((arm) => {
    const trials = arm.grid.map(([learningRate, weightDecay], trial) => {
      const own = runs.filter((run) => run.arm === arm.name && run.trial === trial);
      const results = own.flatMap(({ digest }) => found.get(digest) ?? []);
      if (results.length < own.length) return undefined;
      const mean = (value: (record: RunRecord) => number) =>
        results.reduce((sum, record) => sum + value(record), 0) / results.length;
      return {
        arm: arm.name,
        trial,
        learningRate,
        weightDecay,
        meanStep: mean(({ event }) => event ?? protocol.tuning.budget),
        meanLoss: mean(({ validationLoss }) => validationLoss ?? Number.POSITIVE_INFINITY),
      };
    });
    const complete = trials.filter((trial) => trial !== undefined);
    if (complete.length < trials.length) return [];
    return complete.sort(byRank).slice(0, 1);
  });
}

/** The order of the rule; sorting keeps the grid's order of what is equal. */
function byRank(a: Choice, b: Choice): number {
  return a.meanStep - b.meanStep || (a.meanLoss === b.meanLoss ? 0 : a.meanLoss - b.meanLoss);
}

/**
 * The arm that a name stands for: itself, or of a group the one that tuning ranks first by the rule that picks trials.
 *
 * @returns `undefined` where tuning has not settled it yet
 */
export function armNamed(
  { groups }: ComparisonProtocol,
  choices: readonly Choice[],
  name: string,
): string | undefined {
  const members = groups[name];
  if (members === undefined) return name;
  const ranked = choices.filter(({ arm }) => members.includes(arm));
  if (ranked.length < members.length) return undefined;
  return [...ranked].sort(byRank)[0]?.arm;
}

/** The test's runs, of the arms whose tuning is complete, seed by seed. */
export function testRuns(protocol: ComparisonProtocol, choices: readonly Choice[]): PlannedRun[] {
  const { test } = protocol;
  return test.seeds.flatMap((seed) =>
    choices.map(({ arm, trial, learningRate, weightDecay }) =>
      plannedRun(protocol, {
        phase: 'test',
        arm: armOf(protocol, arm),
        trial: [learningRate, weightDecay],
        index: trial,
        seed,
        plan: test,
      }),
    ),
  );
}

/** The exploratory runs, of the arms that tuning has settled, setting by setting. */
export function exploratoryRuns(protocol: ComparisonProtocol, choices: readonly Choice[]): PlannedRun[] {
  const { exploratory } = protocol;
  const arms = [...new Set(exploratory.arms.map((name) => armNamed(protocol, choices, name)))];
  return exploratory.settings.flatMap((setting) =>
    exploratory.seeds.flatMap((seed) =>
      choices
        .filter(({ arm }) => arms.includes(arm))
        .map(({ arm, trial, learningRate, weightDecay }) =>
          plannedRun(protocol, {
            phase: 'explore',
            arm: armOf(protocol, arm),
            trial: [learningRate, weightDecay],
            index: trial,
            seed,
            plan: exploratory,
            setting,
          }),
        ),
    ),
  );
}

/** The runs of a phase that can be said by now; those of the last two phases are of the arms that have a choice. */
export function plannedRuns(
  protocol: ComparisonProtocol,
  phase: ComparisonPhase,
  choices: readonly Choice[],
): PlannedRun[] {
  if (phase === 'pilot') return pilotRuns(protocol);
  if (phase === 'tune') return tuningRuns(protocol);
  return phase === 'test' ? testRuns(protocol, choices) : exploratoryRuns(protocol, choices);
}

/** The given choices, and the first trial of every arm without one: to count and check runs before tuning has settled them. */
export function standInChoices(protocol: ComparisonProtocol, choices: readonly Choice[] = []): Choice[] {
  return protocol.arms.map((arm) => {
    const [learningRate, weightDecay] = arm.grid[0] as Trial;
    const meanStep = protocol.tuning.budget;
    return (
      choices.find((choice) => choice.arm === arm.name) ?? {
        arm: arm.name,
        trial: 0,
        learningRate,
        weightDecay,
        meanStep,
        meanLoss: Number.POSITIVE_INFINITY,
      }
    );
  });
}

function armOf({ arms }: ComparisonProtocol, name: string): Arm {
  return arms.find((arm) => arm.name === name) as Arm;
}

interface Place {
  readonly phase: ComparisonPhase;
  readonly arm: Arm;
  readonly trial: Trial;
  readonly index: number;
  readonly seed: number;
  readonly plan: PhasePlan;
  readonly setting?: Setting;
}

/** @throws {ArgumentError} where the options make no run, naming the arm */
function plannedRun({ base, event, drops }: ComparisonProtocol, place: Place): PlannedRun {
  const { phase, arm, trial, index, seed, plan, setting } = place;
  const [learningRate, weightDecay] = trial;
  const after = phase === 'test' ? drops.steps : 0;
  const options: RunOptions = {
    ...base,
    ...setting?.options,
    ...arm.options,
    learningRate,
    weightDecay,
    seed,
    // One step more, so that the evaluation at the budget itself is made, and no other one between the regular ones.
    steps: plan.budget + after + 1,
    evalEvery: event.every,
    stopAtAccuracy: event.accuracy,
    stopEvaluations: event.evaluations,
    ...(after > 0 ? { stepsAfterTarget: after } : {}),
  };
  let config: RunConfig;
  try {
    config = runConfig(options);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    const where = setting === undefined ? '' : ` in the setting ${setting.name}`;
    throw new ArgumentError(`the arm ${arm.name}${where}: ${error.message}`);
  }
  const parts = [
    phase,
    ...(setting === undefined ? [] : [setting.name]),
    arm.name,
    ...(phase === 'pilot' || phase === 'tune' ? [`trial-${index}`] : []),
    `seed-${seed}`,
  ];
  return {
    phase,
    id: parts.join('_'),
    arm: arm.name,
    ...(setting === undefined ? {} : { setting: setting.name }),
    trial: index,
    seed,
    budget: plan.budget,
    options,
    config,
    digest: configDigest(config),
    expectedSeconds: (plan.expectedSteps * arm.msPerStep * (setting?.cost ?? 1)) / 1000,
  };
}
