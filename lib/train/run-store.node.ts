/**
 * @file Writes the folder that a training run leaves behind: what was asked (`config.json`), how it went (`metrics.csv`), the
 * parameters and optimiser state (`checkpoint.safetensors`, and the one before), the outcome (`summary.json`), and, where wanted,
 * the singular values on the way (`spectrum.safetensors`). Each file is replaced as a whole and the checkpoint holds all
 * that continuing the run takes, the evaluations included, so a run that is killed at any moment can be continued.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ArgumentError, FileError } from '../errors';
import {
  makeFolder,
  reasonOf,
  removeFile,
  renameFile,
  temporaryPath,
  type WriteOptions,
  writeFileAtomic,
} from '../files.node';
import type { RunConfig } from './config';
import { sealed } from './digest.node';
import { type FoundRun, findRun } from './find-run.node';
import { historyTensors } from './history';
import { formatMetrics, metricsHeader } from './metrics-csv';
import type { Evaluation } from './progress';
import { stepOf } from './restore';
import type { RunSink } from './run';
import { RUN_FILES } from './run-files.node';
import { LOCK_FILE, RunLock } from './run-lock.node';
import type { TrainingSession } from './sessions';
import { encodeSpectrum, type Spectrum } from './spectrum';

export { RUN_FILES, readCheckpoint, readMetrics } from './run-files.node';

type RunFile = keyof typeof RUN_FILES;

/** A metrics file up to this size, some 1,400 rows, is rewritten at every append. */
const ALWAYS_REWRITTEN = 2 ** 16;

/**
 * A larger one is rewritten once the rows that wait reach this part of what it has above that limit. The bytes written
 * in a long run then grow in proportion to its rows (50,000 rows: some 75 times the final file), not to their square.
 */
const REWRITTEN_PART = 1 / 32;

/** Writes the files of one run. One store at a time may hold a folder, in all processes together. */
export class RunStore implements RunSink {
  /** The run that goes on, or has ended; absent for one that begins. */
  readonly found: FoundRun | undefined;
  /** Absent where a run that has ended is only looked at. */
  #lock: RunLock | undefined;
  #written = '';
  #waiting = '';
  #lastEpoch = -1;
  /** All rows, of which each checkpoint takes those before its step along. */
  readonly #rows: Evaluation[] = [];
  #savedStep: number | undefined;

  private constructor(
    readonly directory: string,
    lock: RunLock | undefined,
    found?: FoundRun,
  ) {
    this.#lock = lock;
    this.found = found;
  }

  /**
   * Makes the folder, with those above it, and takes its lock, so that a folder that cannot be written fails here and not
   * after the training. A run that is to be overwritten stays until `begin`.
   *
   * @param options `overwrite` replaces a run that is already there; other files are never touched
   * @throws {FileError} if the folder cannot be made or written, is in use, holds a run and `overwrite` is not set, or holds
   *   other files and no run
   */
  static create(directory: string, { overwrite = false }: { readonly overwrite?: boolean } = {}): RunStore {
    return RunStore.#open(directory, () => {
      const present = Object.values(RUN_FILES).find((name) => existsSync(join(directory, name)));
      if (present !== undefined && !overwrite) {
        throw new FileError(
          `${directory} already holds a run (${present}): go on with it by --resume, replace it by --overwrite, or choose another folder.`,
        );
      }
      return undefined;
    });
  }

  /**
   * Like `create`, for a run that goes on where it was stopped; see `found`. It begins anew where the folder is missing or
   * holds no checkpoint yet. Nothing is changed until `begin`. A run that has ended is read without taking the lock, so also
   * where the folder cannot be written.
   *
   * @throws {FileError} if the folder cannot be made or written, is in use, holds a run of another configuration, one
   *   whose checkpoints are all damaged, or other files and no run
   */
  static resume(directory: string, config: RunConfig): RunStore {
    const ended = endedRun(directory, config);
    if (ended !== undefined) return new RunStore(directory, undefined, ended);
    return RunStore.#open(directory, () => findRun(directory, config));
  }

  static #open(directory: string, look: () => FoundRun | undefined): RunStore {
    makeFolder(directory);
    refuseOtherFiles(directory);
    const lock = RunLock.take(directory);
    try {
      return new RunStore(directory, lock, look());
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Where one of the run's files is, or will be. */
  path(file: RunFile): string {
    return join(this.directory, RUN_FILES[file]);
  }

  /**
   * Begins the run: of one that goes on, what comes after its checkpoint is taken away; otherwise all files of a run that
   * is there. Then the configuration is written, as indented JSON.
   *
   * @param checkpoint the checkpoint that the run goes on from, encoded for this configuration, where it is for another
   *   budget
   * @throws {FileError} if a file cannot be written or removed
   */
  begin(config: object, checkpoint?: Uint8Array): void {
    this.#lock ??= RunLock.take(this.directory);
    // In this order, a kill in between leaves a run that can be continued as what it was or what it becomes.
    if (this.found === undefined) this.#clear();
    else this.#goOn(this.found, checkpoint);
    this.#saveJson('config', config);
  }

  #clear(): void {
    for (const file of Object.keys(RUN_FILES) as RunFile[]) {
      removeFile(this.path(file));
      removeFile(temporaryPath(this.path(file)));
    }
    this.#written = metricsHeader();
    this.#write('metrics', this.#written);
  }

  #goOn(found: FoundRun, checkpoint: Uint8Array | undefined): void {
    const { sessions, usesPrevious, evaluations } = found;
    this.#savedStep = stepOf(found.checkpoint);
    this.saveSessions(sessions);
    removeFile(this.path('summary'));
    if (usesPrevious) renameFile(this.path('previous'), this.path('checkpoint'));
    this.#append(evaluations);
    if (checkpoint !== undefined) this.#saveCheckpoint(checkpoint, Number.POSITIVE_INFINITY, true);
    this.#written = metricsHeader() + this.#waiting;
    this.#waiting = '';
    this.#write('metrics', this.#written);
  }

  /**
   * Saves what sessions the run has had, as indented JSON.
   *
   * @throws {FileError} if it cannot be written
   */
  saveSessions(sessions: readonly TrainingSession[]): void {
    this.#saveJson('sessions', sessions);
  }

  /**
   * Adds evaluations to the metrics. Beyond some 1,400 rows, the newest 3 % may wait in memory until there are more of
   * them; saving a checkpoint or the summary, or `flushMetrics`, writes them.
   *
   * @param rows with epochs that increase, from the last one appended on
   * @throws {ArgumentError} if an epoch does not come after the one before
   * @throws {FileError} if the file cannot be written
   */
  appendMetrics(rows: readonly Evaluation[]): void {
    this.#append(rows);
    if (this.#waiting.length >= (this.#written.length - ALWAYS_REWRITTEN) * REWRITTEN_PART)
      this.flushMetrics();
  }

  #append(rows: readonly Evaluation[]): void {
    let before = this.#lastEpoch;
    for (const { epoch } of rows) {
      if (!(epoch > before)) {
        throw new ArgumentError(
          `metrics of epoch ${epoch} come after epoch ${before}: append them in order, once.`,
        );
      }
      before = epoch;
    }
    this.#lastEpoch = before;
    for (const row of rows) this.#rows.push(row);
    this.#waiting += formatMetrics(rows);
  }

  /**
   * Writes the metrics that wait.
   *
   * @throws {FileError} if the file cannot be written; they then go on waiting
   */
  flushMetrics(): void {
    if (this.#waiting === '') return;
    const text = this.#written + this.#waiting;
    this.#write('metrics', text);
    this.#written = text;
    this.#waiting = '';
  }

  /**
   * Replaces the checkpoint, after the metrics that led to it; the one before is kept beside it, if it is of another step.
   *
   * @param bytes a safetensors file; it is saved with the evaluations before its step and a digest of it all
   * @param step updates that it has behind it, at least as many as the one before
   * @throws {FileError} if it cannot be written; the old checkpoint is then still there
   */
  saveCheckpoint(bytes: Uint8Array, step: number): void {
    this.flushMetrics();
    this.#saveCheckpoint(bytes, step, step !== this.#savedStep);
    this.#savedStep = step;
  }

  #saveCheckpoint(bytes: Uint8Array, step: number, keepPrevious: boolean): void {
    const content = sealed(bytes, historyTensors(this.#rows.filter(({ epoch }) => epoch < step)));
    this.#write('checkpoint', content, keepPrevious ? { previous: this.path('previous') } : {});
  }

  /**
   * Replaces the singular values recorded so far, with a digest.
   *
   * @throws {FileError} if they cannot be written
   */
  saveSpectrum(spectrum: Spectrum): void {
    this.#write('spectrum', sealed(encodeSpectrum(spectrum)));
  }

  /**
   * Saves the outcome as indented JSON, after the metrics. JSON has no NaN or infinity: they become null.
   *
   * @throws {FileError} if it cannot be written
   */
  saveSummary(summary: object): void {
    this.flushMetrics();
    this.#saveJson('summary', summary);
    removeFile(this.path('sessions'));
  }

  /** Lets the folder go, for other runs. */
  release(): void {
    this.#lock?.release();
  }

  #saveJson(file: 'config' | 'summary' | 'sessions', value: object): void {
    this.#write(file, `${JSON.stringify(value, null, 2)}\n`);
  }

  /** Writes a file; if that fails, the message says what can still be done with the run. */
  #write(file: RunFile, content: string | Uint8Array, options?: WriteOptions): void {
    try {
      writeFileAtomic(this.path(file), content, options);
    } catch (error) {
      if (!(error instanceof FileError) || this.#savedStep === undefined) throw error;
      throw new FileError(
        `${error.message.replace(/\.$/, '')}, then go on by --resume: the run is kept up to step ${this.#savedStep}.`,
      );
    }
  }
}

/** Files that tell of a run among other files: a `config.json` or `summary.json` may be anybody's. */
const TELLING: readonly string[] = [
  RUN_FILES.checkpoint,
  RUN_FILES.previous,
  RUN_FILES.metrics,
  RUN_FILES.sessions,
];

/** What a run may leave behind in a folder, whatever became of it. */
const isOfRun = (name: string) =>
  name === LOCK_FILE || name.endsWith('.tmp') || (Object.values(RUN_FILES) as string[]).includes(name);

/** @throws {FileError} for a folder with other files and no run, where a mistaken name would mix the two */
function refuseOtherFiles(directory: string): void {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    throw new FileError(`cannot read the folder ${directory}: ${reasonOf(error)}; choose another one.`);
  }
  if (names.every(isOfRun) || names.some((name) => TELLING.includes(name))) return;
  throw new FileError(`${directory} holds other files and no run; choose an empty or a new folder.`);
}

/** The run in a folder, if it has ended. What is wrong with another one is told under the lock, when nobody writes in it. */
function endedRun(directory: string, config: RunConfig): FoundRun | undefined {
  try {
    const found = findRun(directory, config);
    return found?.ended === undefined ? undefined : found;
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}
