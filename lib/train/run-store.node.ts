/**
 * @file The folder a training run leaves behind: what was asked (`config.json`), how it went (`metrics.csv`), the
 * parameters and optimiser state (`checkpoint.safetensors`), and the outcome (`summary.json`). Each file is replaced as a
 * whole, so a run that is killed at any moment leaves valid files.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ArgumentError, FileError } from '../errors';
import { makeFolder, readWholeFile, removeFile, temporaryPath, writeFileAtomic } from './files.node';
import { formatMetrics, metricsHeader, parseMetrics } from './metrics-csv';
import type { Evaluation } from './progress';
import { decodeSafetensors, type TensorFile } from './safetensors';

/** The names of the files of a run folder. */
export const RUN_FILES = {
  config: 'config.json',
  metrics: 'metrics.csv',
  checkpoint: 'checkpoint.safetensors',
  summary: 'summary.json',
} as const;

/** A metrics file up to this size, some 1,400 rows, is rewritten at every append. */
const ALWAYS_REWRITTEN = 2 ** 16;

/**
 * A larger one is rewritten once the rows that wait reach this part of what it has above that limit. The bytes written
 * in a long run then grow in proportion to its rows (50,000 rows: some 75 times the final file), not to their square.
 */
const REWRITTEN_PART = 1 / 32;

/** Writes the files of one run. One process at a time may hold a folder. */
export class RunStore {
  #written: string;
  #waiting = '';
  #lastEpoch = -1;

  private constructor(readonly directory: string) {
    this.#written = metricsHeader();
    writeFileAtomic(this.path('metrics'), this.#written);
  }

  /**
   * Makes the folder, with those above it, and puts a metrics file without rows into it, so that a folder that cannot be
   * written fails here and not after the training.
   *
   * @param options `overwrite` removes the files of a run that is already there; other files are never touched
   * @throws {FileError} if the folder cannot be made or written, or holds a run and `overwrite` is not set
   */
  static create(directory: string, { overwrite = false }: { readonly overwrite?: boolean } = {}): RunStore {
    makeFolder(directory);
    const paths = Object.values(RUN_FILES).map((name) => join(directory, name));
    const present = paths.find((path) => existsSync(path));
    if (present !== undefined && !overwrite) {
      throw new FileError(
        `${directory} already holds a run (${present}): choose another folder, or replace it by --overwrite.`,
      );
    }
    for (const path of paths) {
      removeFile(path);
      removeFile(temporaryPath(path));
    }
    return new RunStore(directory);
  }

  /** Where one of the run's files is, or will be. */
  path(file: keyof typeof RUN_FILES): string {
    return join(this.directory, RUN_FILES[file]);
  }

  /**
   * Saves the configuration as indented JSON.
   *
   * @throws {FileError} if it cannot be written
   */
  saveConfig(config: object): void {
    this.#saveJson('config', config);
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
    this.#waiting += formatMetrics(rows);
    if (this.#waiting.length >= (this.#written.length - ALWAYS_REWRITTEN) * REWRITTEN_PART)
      this.flushMetrics();
  }

  /**
   * Writes the metrics that wait.
   *
   * @throws {FileError} if the file cannot be written; they then go on waiting
   */
  flushMetrics(): void {
    if (this.#waiting === '') return;
    const text = this.#written + this.#waiting;
    writeFileAtomic(this.path('metrics'), text);
    this.#written = text;
    this.#waiting = '';
  }

  /**
   * Replaces the checkpoint, after the metrics that led to it.
   *
   * @param bytes a safetensors file
   * @throws {FileError} if it cannot be written; the old checkpoint is then still there
   */
  saveCheckpoint(bytes: Uint8Array): void {
    this.flushMetrics();
    writeFileAtomic(this.path('checkpoint'), bytes);
  }

  /**
   * Saves the outcome as indented JSON, after the metrics. JSON has no NaN or infinity: they become null.
   *
   * @throws {FileError} if it cannot be written
   */
  saveSummary(summary: object): void {
    this.flushMetrics();
    this.#saveJson('summary', summary);
  }

  #saveJson(file: 'config' | 'summary', value: object): void {
    writeFileAtomic(this.path(file), `${JSON.stringify(value, null, 2)}\n`);
  }
}

/**
 * Reads a checkpoint, or any safetensors file.
 *
 * @throws {FileError} if the file is missing, unreadable, cut off or damaged
 */
export function readCheckpoint(path: string): TensorFile {
  return decodeSafetensors(readWholeFile(path), path);
}

/**
 * Reads the `metrics.csv` of a run.
 *
 * @throws {FileError} if the file is missing, unreadable or not such a table
 */
export function readMetrics(path: string): Evaluation[] {
  return parseMetrics(new TextDecoder().decode(readWholeFile(path)), path);
}
