/** @file The runs of a comparison, phase by phase, and the rule that picks each arm's setting from its tuning. */
import { createHash } from 'node:crypto';
import { ArgumentError } from '../../errors';
import { type RunConfig, type RunOptions, runConfig } from '../../train/config';
import { type Edge, edgesOf, type Trial } from './grid';
import type { Arm, ComparisonProtocol, PhasePlan, Setting } from './protocol';
import type { RunRecord } from './record';

/** The phases, in order. */
export const COMPARISON_PHASES = ['pilot', 'tune', 'test', 'sensitivity', 'explore'] as const;

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

/** What tuning says of a trial. */
export interface TunedTrial {
  readonly arm: string;
  /** The trial's place in the grid. */
  readonly trial: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** The sides of the grid on which it lies; none for a trial in its middle. */
  readonly atEdge: readonly Edge[];
  /** Mean over the tuning seeds of the event's step; a censored run counts as the budget. */
  readonly meanStep: number;
  /** Tuning seeds without an event within the budget. */
  readonly censored: number;
  /** Mean over the tuning seeds of the last validation loss; infinite where one is not finite. */
  readonly meanLoss: number;
}

/** What tuning says of an arm: its best trial, and all of them. */
export interface Choice extends TunedTrial {
  /** Best first: this one, the second-ranked, and so on. */
  readonly ranked: readonly TunedTrial[];
}

/**
 * Ranks each arm's trials and picks the first: the least mean step over the tuning seeds, a censored run counting as the budget;
 * of equal ones that of the least mean last validation loss; of those the first of the grid.
 *
 * @param records of the tuning phase
 * @returns the arms whose tuning is complete, in the protocol's order
 */
export function chooseTrials(protocol: ComparisonProtocol, records: readonly RunRecord[]): Choice[] {
  const found = new Map(records.map((record) => [record.digest, record]));
  const runs = tuningRuns(protocol);
  return protocol.arms.flatMap((arm) => {
    const trials = arm.grid.map((trial, index) => {
      const own = runs.filter((run) => run.arm === arm.name && run.trial === index);
      const results = own.flatMap(({ digest }) => found.get(digest) ?? []);
      if (results.length < own.length) return undefined;
      const mean = (value: (record: RunRecord) => number) =>
        results.reduce((sum, record) => sum + value(record), 0) / results.length;
      return {
        ...placed(arm, trial, index),
        meanStep: mean(({ event }) => event ?? protocol.tuning.budget),
        censored: results.filter(({ event }) => event === null).length,
        meanLoss: mean(({ validationLoss }) => validationLoss ?? Number.POSITIVE_INFINITY),
      };
    });
    const complete = trials.filter((trial) => trial !== undefined);
    return complete.length < trials.length ? [] : choiceOf(complete.sort(byRank));
  });
}

function placed(arm: Arm, trial: Trial, index: number) {
  const [learningRate, weightDecay] = trial;
  return { arm: arm.name, trial: index, learningRate, weightDecay, atEdge: edgesOf(arm.grid, trial) };
}

/** The best of some trials, if there is one. */
function choiceOf(ranked: readonly TunedTrial[]): Choice[] {
  return ranked.slice(0, 1).map((best) => ({ ...best, ranked }));
}

/** The order of the rule; sorting keeps the grid's order of what is equal. */
function byRank(a: TunedTrial, b: TunedTrial): number {
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
  return runsOnTestSeeds(protocol, 'test', choices, protocol.test);
}

/** Of the arms that the protocol names the second-ranked trial, on the seeds of the test, to the event alone. */
export function sensitivityRuns(protocol: ComparisonProtocol, choices: readonly Choice[]): PlannedRun[] {
  const { test, sensitivity } = protocol;
  const seconds = choices
    .filter(({ arm }) => sensitivity.arms.includes(arm))
    .flatMap(({ ranked }) => ranked[1] ?? []);
  return runsOnTestSeeds(protocol, 'sensitivity', seconds, {
    ...test,
    expectedSteps: sensitivity.expectedSteps,
  });
}

/** Tuned trials on the seeds of the test, seed by seed. */
function runsOnTestSeeds(
  protocol: ComparisonProtocol,
  phase: 'test' | 'sensitivity',
  trials: readonly TunedTrial[],
  plan: ComparisonProtocol['test'],
): PlannedRun[] {
  return protocol.test.seeds.flatMap((seed) =>
    trials.map(({ arm, trial, learningRate, weightDecay }) =>
      plannedRun(protocol, {
        phase,
        arm: armOf(protocol, arm),
        trial: [learningRate, weightDecay],
        index: trial,
        seed,
        plan,
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

/** The runs of a phase that can be said by now; those of the last three phases are of the arms that have a choice. */
export function plannedRuns(
  protocol: ComparisonProtocol,
  phase: ComparisonPhase,
  choices: readonly Choice[],
): PlannedRun[] {
  if (phase === 'pilot') return pilotRuns(protocol);
  if (phase === 'tune') return tuningRuns(protocol);
  if (phase === 'sensitivity') return sensitivityRuns(protocol, choices);
  return phase === 'test' ? testRuns(protocol, choices) : exploratoryRuns(protocol, choices);
}

/** The given choices, and of every arm without one its trials as the grid has them: to count and check runs before tuning. */
export function standInChoices(protocol: ComparisonProtocol, choices: readonly Choice[] = []): Choice[] {
  const unknown = {
    meanStep: protocol.tuning.budget,
    censored: protocol.tuning.seeds.length,
    meanLoss: Number.POSITIVE_INFINITY,
  };
  return protocol.arms.flatMap((arm) => {
    const choice = choices.find((one) => one.arm === arm.name);
    if (choice !== undefined) return choice;
    return choiceOf(arm.grid.map((trial, index) => ({ ...placed(arm, trial, index), ...unknown })));
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
