/** @file Whether what a run folder's JSON files hold is a record of a run: they are read after whatever happened to the disk. */
import type { RunEnvironment, RunSummary } from './run';
import type { TrainingSession } from './sessions';

type Check = (value: unknown) => boolean;
type Plain = Readonly<Record<string, unknown>>;

/** Whether a value of JSON is an object with names. */
export const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => Number.isFinite(value);
const isTime: Check = (value) => (value as number) >= 0 && isNumber(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const like =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isPlain(value) && Object.entries(checks).every(([name, check]) => check(value[name]));

type Checks<T> = { readonly [Key in keyof Required<T>]: Check };

const ENVIRONMENT: Checks<RunEnvironment> = {
  device: isText,
  deviceReason: optional(isText),
  threads: isCount,
  versions: (value) => isPlain(value) && Object.values(value).every(isText),
  machine: like({ cpu: isText, cores: isCount, platform: isText }),
};

const SESSION: Checks<TrainingSession> = {
  ...ENVIRONMENT,
  started: isText,
  fromStep: isCount,
  toStep: isCount,
  seconds: isTime,
  compileSeconds: isTime,
};

const areSessions: Check = (value) => Array.isArray(value) && value.every(like(SESSION));

const SUMMARY: Checks<RunSummary> = {
  ...ENVIRONMENT,
  steps: isCount,
  seconds: isTime,
  compileSeconds: isTime,
  msPerStep: orNull(isTime),
  trainAccuracy: orNull(isNumber),
  validationAccuracy: orNull(isNumber),
  trainLoss: orNull(isNumber),
  validationLoss: orNull(isNumber),
  firstStepTrain99: orNull(isCount),
  firstStepValidation99: orNull(isCount),
  stoppedBy: (value) => ['target', 'steps', 'nan', 'signal'].includes(value as string),
  seed: isNumber,
  nanStep: optional(isCount),
  nanCause: optional(isText),
  sessions: areSessions,
};

/** The sessions that a value of JSON is, or `undefined`. */
export function sessionsIn(value: unknown): readonly TrainingSession[] | undefined {
  return areSessions(value) ? (value as TrainingSession[]) : undefined;
}

/** The summary that a value of JSON is, or `undefined`. */
export function summaryIn(value: unknown): RunSummary | undefined {
  return like(SUMMARY)(value) ? (value as RunSummary) : undefined;
}
