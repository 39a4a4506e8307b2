/** @file The outcome of one run of a comparison, as one line of a file. */
import { z } from 'zod';
import { type Drops, dropsAfter, eventStep } from '../../analysis/events';
import { FileError } from '../../errors';
import type { FinishedRun } from '../../train/run';
import { COMPARISON_PHASES, type PlannedRun } from './plan';
import type { ComparisonProtocol } from './protocol';

/** The outcome of one run. */
export interface RunRecord extends Pick<PlannedRun, 'phase' | 'id' | 'digest' | 'arm' | 'trial' | 'seed'> {
  readonly setting?: string;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Where the event, if it had not come, is censored. */
  readonly budget: number;
  /** The event's step; `null` where the run is censored. */
  readonly event: number | null;
  /**
   * Only of test runs that had the event. Of one whose loss was not finite any more after it, what is missing counts as below;
   * `observed` then says how far it came.
   */
  readonly drops?: Drops;
  /** Updates done. */
  readonly steps: number;
  readonly stoppedBy: string;
  /** Of the last evaluation; `null` for what is not finite. */
  readonly trainAccuracy: number | null;
  readonly validationAccuracy: number | null;
  readonly trainLoss: number | null;
  readonly validationLoss: number | null;
  /** As measured in the run, whatever else the machine did; the benchmark's figures are better. */
  readonly msPerStep: number | null;
  /** Training and evaluations. */
  readonly seconds: number;
  readonly device: string;
  readonly threads: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly platform: string };
  /** The last commit of the library's code, with a `+` where it had changes; absent outside a checkout. */
  readonly commit?: string;
  /** When the run ended, ISO 8601. */
  readonly finished: string;
}

const number = z.number().nullable();
const SCHEMA = z.object({
  phase: z.enum(COMPARISON_PHASES),
  id: z.string(),
  digest: z.string().length(16),
  arm: z.string(),
  setting: z.string().optional(),
  trial: z.number().int().min(0),
  seed: z.number().int().min(0),
  learningRate: z.number(),
  weightDecay: z.number(),
  budget: z.number().int().min(1),
  event: z.number().int().min(0).nullable(),
  drops: z
    .object({
      evaluations: z.number().int().min(0),
      episodes: z.number().int().min(0),
      lowest: number,
      observed: z.number().int().min(0),
    })
    .optional(),
  steps: z.number().int().min(0),
  stoppedBy: z.string(),
  trainAccuracy: number,
  validationAccuracy: number,
  trainLoss: number,
  validationLoss: number,
  msPerStep: number,
  seconds: z.number().min(0),
  device: z.string(),
  threads: z.number().int().min(1),
  versions: z.record(z.string(), z.string()),
  machine: z.object({ cpu: z.string(), cores: z.number(), platform: z.string() }),
  commit: z.string().optional(),
  finished: z.string(),
});

/**
 * What a finished run says.
 *
 * @param commit of the library, where it is known
 */
export function recordOf(
  { event: rule, drops }: Pick<ComparisonProtocol, 'event' | 'drops'>,
  planned: PlannedRun,
  { summary, evaluations, config }: FinishedRun,
  commit?: string,
): RunRecord {
  const { phase, id, digest, arm, setting, trial, seed, budget } = planned;
  const { steps, stoppedBy, seconds, msPerStep, device, threads, versions, machine } = summary;
  const event = eventStep(evaluations, { ...rule, budget });
  const finite = (value: number | null) => (Number.isFinite(value) ? value : null);
  return {
    phase,
    id,
    digest,
    arm,
    ...(setting === undefined ? {} : { setting }),
    trial,
    seed,
    learningRate: config.learningRate,
    weightDecay: config.weightDecay,
    budget,
    event,
    ...(phase === 'test' && event !== null
      ? {
          drops: dropsAfter(evaluations, {
            steps: drops.steps,
            below: drops.below,
            after: event,
            every: rule.every,
            missingIsBelow: stoppedBy === 'nan',
          }),
        }
      : {}),
    steps,
    stoppedBy,
    trainAccuracy: finite(summary.trainAccuracy),
    validationAccuracy: finite(summary.validationAccuracy),
    trainLoss: finite(summary.trainLoss),
    validationLoss: finite(summary.validationLoss),
    msPerStep: msPerStep === null ? null : Number(msPerStep.toPrecision(4)),
    seconds: Number(seconds.toPrecision(4)),
    device,
    threads,
    versions,
    machine,
    ...(commit === undefined ? {} : { commit }),
    finished: new Date().toISOString(),
  };
}

/**
 * Reads the lines of a file of records.
 *
 * @param source what to call the file in a message
 * @throws {FileError} naming the first line that is no record
 */
export function parseRecords(content: string, source = 'records'): RunRecord[] {
  return content.split('\n').flatMap((line, i) => {
    if (line === '') return [];
    const fail = (problem: string) =>
      new FileError(`${source} line ${i + 1} ${problem}: remove that line, and its run is made again.`);
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch {
      throw fail('is no JSON');
    }
    const parsed = SCHEMA.safeParse(json);
    if (parsed.success) return [parsed.data as RunRecord];
    const [issue] = parsed.error.issues;
    throw fail(`is no record, ${issue?.path.join('.')}: ${issue?.message.replaceAll(/\s+/g, ' ')}`);
  });
}
