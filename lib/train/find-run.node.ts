/**
 * @file What a run folder holds, for whoever wants to continue it. A checkpoint counts if its digest is right; it holds all
 * that continuing takes, and of the two checkpoints the newest that counts is taken. The folder's other files are compared
 * with it, and where one is damaged it is told and written anew. So what is continued ends with the very bytes of a run that
 * was never stopped, or is refused.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ArgumentError, FileError } from '../errors';
import { type RunConfig, type RunOptions, runConfig } from './config';
import { checkSameRun, differingOptions } from './config-difference';
import { historyOf } from './history';
import { formatMetrics, type ReadableMetrics, readableMetrics } from './metrics-csv';
import { formatCount } from './number-format';
import type { Evaluation } from './progress';
import { stepOf } from './restore';
import { type Continuation, measured, type RunSummary } from './run';
import { RUN_FILES, readSealedCheckpoint, readText } from './run-files.node';
import type { TensorFile } from './safetensors';
import { isPlain, sessionsIn, summaryIn } from './saved-record';
import { isEvaluated, targetEnd, targetOf } from './target';

/** A run that can be continued, or has ended. */
export interface FoundRun extends Continuation {
  /** Whether the checkpoint before the newest is taken: that one is damaged, or a larger budget may end before it. */
  readonly usesPrevious: boolean;
  /** For a run that has ended, but not by a signal. */
  readonly ended?: RunSummary;
  /** What a user should know: lines. */
  readonly notices: readonly string[];
}

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
  (config: Pick<RunConfig, 'evalEvery' | 'steps'>) =>
  ({ epoch }: Evaluation) =>
    isEvaluated(epoch, config);

interface Candidate {
  readonly name: 'checkpoint' | 'previous';
  readonly path: string;
  readonly file: TensorFile;
  readonly step: number;
  readonly config: Pick<RunConfig, 'evalEvery' | 'steps'>;
  /** Those before its step. */
  readonly evaluations: readonly Evaluation[];
}

/** @throws {FileError} for what is no whole checkpoint of a run */
function readCandidate(directory: string, name: Candidate['name']): Candidate {
  const path = join(directory, RUN_FILES[name]);
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
  const evaluations = historyOf(file, path);
  return { name, path, file, step, config: config as unknown as Candidate['config'], evaluations };
}

/**
 * Looks for a run of this configuration.
 *
 * @returns `undefined` if the folder holds no checkpoint, so that the run begins
 * @throws {FileError} if the folder holds a run of another configuration, naming what differs; or if no checkpoint of it can
 *   be used
 */
export function findRun(directory: string, config: RunConfig): FoundRun | undefined {
  const problems: string[] = [];
  const attempt = (name: Candidate['name']): Candidate | undefined => {
    let candidate: Candidate;
    try {
      candidate = readCandidate(directory, name);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      problems.push(problemOf(error));
      return undefined;
    }
    checkSameRun(candidate.config, config, directory);
    return candidate;
  };
  const newest = attempt('checkpoint');
  if (newest !== undefined) {
    // Where the loss is no longer finite at the end of a budget, the state a step earlier was kept before it, at which a
    // larger budget ends. Otherwise what was reached is on the way of the larger one.
    const usedUp = newest.step === newest.config.steps && newest.config.steps < config.steps;
    const before = usedUp ? attempt('previous') : undefined;
    return foundAt(directory, config, before?.step === newest.step - 1 ? before : newest, []);
  }
  const previous = attempt('previous');
  if (previous !== undefined) {
    const notice = `${problems[0]}: the run goes on from the checkpoint before, of step ${previous.step}.`;
    return foundAt(directory, config, previous, [notice]);
  }
  const saved = readJson(join(directory, RUN_FILES.config));
  if (isPlain(saved)) checkSameRun(saved, config, directory);
  const names = ['checkpoint', 'previous'] as const;
  if (!names.some((name) => existsSync(join(directory, RUN_FILES[name])))) return undefined;
  throw new FileError(
    `no checkpoint in ${directory} can be continued: ${problems.join('; ')}; restore the files from a copy, or begin again by --overwrite.`,
  );
}

/**
 * The options of the run in a folder, so that it can be continued without naming them again. They are as its `config.json`
 * has them, or, where that is missing or damaged, its checkpoint.
 *
 * @returns `undefined` if neither tells them
 */
export function savedOptions(directory: string): RunConfig | undefined {
  const sources = [
    () => readJson(join(directory, RUN_FILES.config)),
    () => readCandidate(directory, 'checkpoint').config,
    () => readCandidate(directory, 'previous').config,
  ];
  for (const read of sources) {
    try {
      const saved = read();
      if (isPlain(saved)) return runConfig(saved as RunOptions);
    } catch (error) {
      if (!(error instanceof FileError || error instanceof ArgumentError)) throw error;
    }
  }
  return undefined;
}

/**
 * What is lost where a run begins anew in a folder without a checkpoint, though its other files are those of one that had got
 * further: a line for the user, or `undefined`.
 */
export function lostProgress(directory: string): string | undefined {
  const summary = readJson(join(directory, RUN_FILES.summary));
  const { rows } = readMetricsAsFarAsPossible(join(directory, RUN_FILES.metrics));
  const steps = { summary: isPlain(summary) ? Number(summary.steps) : 0, metrics: rows.at(-1)?.epoch ?? 0 };
  const told = steps.summary >= steps.metrics ? 'summary' : 'metrics';
  if (!(steps[told] > 0)) return undefined;
  return `${join(directory, RUN_FILES[told])} is of a run that had reached step ${formatCount(steps[told])}, but there is no checkpoint to go on from: it begins anew at step 0.`;
}

function foundAt(
  directory: string,
  config: RunConfig,
  candidate: Candidate,
  problems: readonly string[],
): FoundRun {
  const { name, path, file, step } = candidate;
  const metrics = readMetricsAsFarAsPossible(join(directory, RUN_FILES.metrics));
  const saved = readJson(join(directory, RUN_FILES.config));
  const summary = readJson(join(directory, RUN_FILES.summary));
  const sessions =
    (isPlain(summary) ? sessionsIn(summary.sessions) : undefined) ??
    sessionsIn(readJson(join(directory, RUN_FILES.sessions)));
  const damages = [configDamage(saved, candidate, directory), metricsDamage(metrics, candidate, directory)];
  const extended = candidate.config.steps < config.steps;
  const found = {
    checkpoint: file,
    source: path,
    sessions: sessions ?? [],
    extended,
    usesPrevious: name === 'previous',
    notices: [
      ...problems,
      ...damages.flatMap((damage) =>
        damage === undefined ? [] : [`${damage}: it is written anew from the checkpoint.`],
      ),
      ...(sessions === undefined
        ? [`${directory} does not say how long its run took until step ${step}.`]
        : []),
    ],
  };
  const whole = name === 'checkpoint' && isPlain(saved) && differingOptions(saved, config).length === 0;
  if (whole && !extended) {
    // A run that its target ended was evaluated at the very step it ended at, where an evaluation was due.
    const evaluations = [...candidate.evaluations, ...metrics.rows.filter(({ epoch }) => epoch === step)];
    const ended = summaryIn(summary);
    const same = metrics.damage === undefined && sameRows(metrics.rows, evaluations);
    if (ended !== undefined && same && endsWith(ended, config, step, evaluations))
      return { ...found, ended, evaluations };
  }
  return { ...found, evaluations: candidate.evaluations.filter(scheduled(config)) };
}

const sameRows = (one: readonly Evaluation[], other: readonly Evaluation[]) =>
  formatMetrics(one) === formatMetrics(other);

function readMetricsAsFarAsPossible(path: string): ReadableMetrics {
  try {
    return readableMetrics(readText(path), path);
  } catch (error) {
    if (error instanceof FileError) return { rows: [], damage: error };
    throw error;
  }
}

/** What is wrong with the metrics before a checkpoint; rows that another budget asks for may have stayed there. */
function metricsDamage({ rows, damage }: ReadableMetrics, candidate: Candidate, directory: string) {
  const before = rows.filter(({ epoch }) => epoch < candidate.step).filter(scheduled(candidate.config));
  if (sameRows(before, candidate.evaluations)) return undefined;
  if (damage !== undefined) return problemOf(damage);
  return `${join(directory, RUN_FILES.metrics)} lacks or changed evaluations before step ${candidate.step}`;
}

/** What is wrong with the saved configuration; a run that is given a larger budget saves it after its checkpoint. */
function configDamage(saved: unknown, { config }: Candidate, directory: string): string | undefined {
  const path = join(directory, RUN_FILES.config);
  if (!isPlain(saved)) return `${path} is missing or damaged`;
  const changed = differingOptions(saved, config).filter((key) => key !== 'steps');
  return changed.length === 0
    ? undefined
    : `${path} has another ${changed.join(' and ')} than the checkpoint`;
}

/** Whether a summary is that of a run which has ended at this step with these evaluations. */
function endsWith(
  summary: RunSummary,
  config: RunConfig,
  step: number,
  evaluations: readonly Evaluation[],
): boolean {
  const { steps, seed } = config;
  const { stoppedBy, nanStep, sessions } = summary;
  const said = Object.entries(measured(evaluations)).every(
    // JSON has no NaN.
    ([key, value]) => JSON.stringify(value) === JSON.stringify(summary[key as keyof RunSummary]),
  );
  if (!said || summary.steps !== step || summary.seed !== seed || sessions.at(-1)?.toStep !== step)
    return false;
  if (stoppedBy === 'steps') return step === steps;
  // The loss of a kept state is finite, but where there is only the first one.
  if (stoppedBy === 'nan') return nanStep === step + 1 || (nanStep === 0 && step === 0);
  const target = targetOf(config);
  if (stoppedBy !== 'target' || target === undefined) return false;
  return (
    targetEnd(evaluations, target, steps) === step &&
    (!isEvaluated(step, config) || evaluations.at(-1)?.epoch === step)
  );
}
