/**
 * @file What a run folder holds, for whoever wants to continue it. A checkpoint counts if its digest is right and the
 * metrics that led to it are there, unchanged, as another digest in it tells; of the two checkpoints the newest that counts
 * is taken. So what is continued ends with the very bytes of a run that was never stopped, or is refused.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../errors';
import type { RunConfig } from './config';
import { checkSameRun } from './config-difference';
import { type ReadableMetrics, readableMetrics } from './metrics-csv';
import type { Evaluation } from './progress';
import { stepOf } from './restore';
import type { Continuation, RunSummary } from './run';
import { METRICS_DIGEST, metricsDigest, RUN_FILES, readSealedCheckpoint, readText } from './run-files.node';
import type { TensorFile } from './safetensors';
import type { TrainingSession } from './sessions';

/** A run that can be continued, or has ended. */
export interface FoundRun extends Continuation {
  /** Whether the newest checkpoint cannot be used and the one before is taken. */
  readonly usesPrevious: boolean;
  /** For a run that has ended, but not by a signal. */
  readonly ended?: RunSummary;
  /** What a user should know: lines. */
  readonly notices: readonly string[];
}

type Plain = Readonly<Record<string, unknown>>;

const isPlain = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A JSON file's content; `undefined` if it is missing or damaged. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readText(path));
  } catch {
    return undefined;
  }
}

/** What an error says is wrong, without its advice. */
const problemOf = (error: FileError) => error.message.replace(/; [^;]*$/, '').replace(/: give [^:]*$/, '');

/** The evaluations that a configuration asks for. */
const scheduled =
  ({ evalEvery, steps }: Pick<RunConfig, 'evalEvery' | 'steps'>) =>
  ({ epoch }: Evaluation) =>
    epoch % evalEvery === 0 || epoch === steps - 1;

interface Candidate {
  readonly file: TensorFile;
  readonly step: number;
  readonly config: Plain & Pick<RunConfig, 'evalEvery' | 'steps'>;
}

/** @throws {FileError} for what is no whole checkpoint of a run */
function readCandidate(path: string): Candidate {
  const file = readSealedCheckpoint(path);
  const step = stepOf(file);
  let config: unknown;
  try {
    config = JSON.parse(file.metadata.config ?? '');
  } catch {
    // Told below, as one that is no configuration.
  }
  if (step === undefined || !isPlain(config)) {
    throw new FileError(`${path} does not say of which run and step it is; give a checkpoint of a run.`);
  }
  return { file, step, config: config as Candidate['config'] };
}

/** The evaluations that led to a checkpoint. @throws {FileError} if they are not in the metrics */
function leadingTo({ file, step, config }: Candidate, { rows, damage }: ReadableMetrics, path: string) {
  const before = rows.filter((row) => row.epoch < step);
  if (metricsDigest(before.filter(scheduled(config))) === file.metadata[METRICS_DIGEST]) return before;
  throw damage ?? new FileError(`${path} lacks or changed evaluations before step ${step}; restore it.`);
}

function readMetricsAsFarAsPossible(path: string): ReadableMetrics {
  try {
    return readableMetrics(readText(path), path);
  } catch (error) {
    if (error instanceof FileError) return { rows: [], damage: error };
    throw error;
  }
}

const isSession = (value: unknown): value is TrainingSession =>
  isPlain(value) &&
  ['fromStep', 'toStep', 'seconds', 'compileSeconds', 'threads'].every((key) =>
    Number.isFinite(value[key]),
  ) &&
  isPlain(value.machine) &&
  isPlain(value.versions);

const isSummary = (value: unknown): value is RunSummary & Plain =>
  isPlain(value) && Number.isSafeInteger(value.steps) && typeof value.stoppedBy === 'string';

/** The sessions so far: where both files are there, the summary is the newer one. */
function sessionsOf(directory: string, summary: unknown): readonly TrainingSession[] | undefined {
  const sessions = isPlain(summary) ? summary.sessions : readJson(join(directory, RUN_FILES.sessions));
  return Array.isArray(sessions) && sessions.every(isSession) ? sessions : undefined;
}

/**
 * Looks for a run of this configuration.
 *
 * @returns `undefined` if the folder holds no checkpoint, so that the run begins
 * @throws {FileError} if the folder holds a run of another configuration, naming what differs; or if no checkpoint of it can
 *   be used
 */
export function findRun(directory: string, config: RunConfig): FoundRun | undefined {
  const at = (file: keyof typeof RUN_FILES) => join(directory, RUN_FILES[file]);
  const saved = readJson(at('config'));
  if (isPlain(saved)) checkSameRun(saved, config, directory);
  if (!existsSync(at('checkpoint')) && !existsSync(at('previous'))) return undefined;

  const metrics = readMetricsAsFarAsPossible(at('metrics'));
  const problems: string[] = [];
  const attempt = <T>(action: () => T): T | undefined => {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      problems.push(problemOf(error));
      return undefined;
    }
  };
  for (const name of ['checkpoint', 'previous'] as const) {
    const candidate = attempt(() => readCandidate(at(name)));
    if (candidate === undefined) continue;
    checkSameRun(candidate.config, config, directory);
    const evaluations = attempt(() => leadingTo(candidate, metrics, at('metrics')));
    if (evaluations !== undefined) {
      const complete = name === 'checkpoint' && isPlain(saved) && metrics.damage === undefined;
      return foundAt(directory, config, { name, candidate, evaluations, metrics, problems, complete });
    }
  }
  throw new FileError(
    `no checkpoint in ${directory} can be continued: ${[...new Set(problems)].join('; ')}; restore the files from a copy, or begin again by --overwrite.`,
  );
}

interface Chosen {
  readonly name: 'checkpoint' | 'previous';
  readonly candidate: Candidate;
  readonly evaluations: readonly Evaluation[];
  readonly metrics: ReadableMetrics;
  readonly problems: readonly string[];
  /** Whether configuration, metrics and newest checkpoint are all there and whole. */
  readonly complete: boolean;
}

function foundAt(directory: string, config: RunConfig, chosen: Chosen): FoundRun {
  const { name, candidate, evaluations, metrics, problems, complete } = chosen;
  const { file, step } = candidate;
  const summary = readJson(join(directory, RUN_FILES.summary));
  const sessions = sessionsOf(directory, summary);
  const notices = problems.map(
    (problem) => `${problem}: the run goes on from the checkpoint before, of step ${step}.`,
  );
  if (sessions === undefined)
    notices.push(`${directory} does not say how long its run took until step ${step}.`);
  const extended = candidate.config.steps < config.steps;
  const found = {
    checkpoint: file,
    source: join(directory, RUN_FILES[name]),
    sessions: sessions ?? [],
    extended,
    usesPrevious: name === 'previous',
    notices,
  };
  const ended =
    isSummary(summary) &&
    summary.steps === step &&
    (summary.stoppedBy === 'target' ||
      summary.stoppedBy === 'nan' ||
      (summary.stoppedBy === 'steps' && step === config.steps)) &&
    !extended &&
    complete;
  // A run that reached its target was evaluated at the very step it ended at.
  if (ended) {
    return { ...found, ended: summary, evaluations: metrics.rows.filter(({ epoch }) => epoch <= step) };
  }
  return { ...found, evaluations: evaluations.filter(scheduled(config)) };
}
