/** @file The files of a run folder by name, and reading them. */
import { FileError } from '../errors';
import { readWholeFile, withOpenFile } from '../files.node';
import { checkSeal } from './digest.node';
import { parseMetrics } from './metrics-csv';
import type { Evaluation } from './progress';
import { readSafetensors, type TensorFile } from './safetensors';

/** The names of the files of a run folder. */
export const RUN_FILES = {
  config: 'config.json',
  checkpoint: 'checkpoint.safetensors',
  /** The checkpoint before that one. */
  previous: 'checkpoint.previous.safetensors',
  metrics: 'metrics.csv',
  /** Only where they are recorded: singular values. */
  spectrum: 'spectrum.safetensors',
  /** Only of a run that has ended, or was stopped by a signal. */
  summary: 'summary.json',
  /** Only of a run that is under way, or was killed. */
  sessions: 'sessions.json',
} as const;

function readTensors(path: string, sealRequired: boolean): TensorFile {
  return withOpenFile(path, (file) => {
    const tensors = readSafetensors(file, path);
    const seal = checkSeal(file);
    if (seal === 'broken') {
      throw new FileError(`${path} is damaged: its digest is another one; give a whole copy of it.`);
    }
    if (seal === 'absent' && sealRequired) {
      throw new FileError(`${path} has no digest, as the checkpoints of a run have; give one of those.`);
    }
    return tensors;
  });
}

/**
 * Reads a checkpoint, or any safetensors file. Where it has a digest, that is compared.
 *
 * @throws {FileError} if the file is missing, unreadable, cut off or damaged
 */
export function readCheckpoint(path: string): TensorFile {
  return readTensors(path, false);
}

/**
 * Reads a checkpoint as a run folder holds it.
 *
 * @throws {FileError} as `readCheckpoint`, and for a file without a digest
 */
export function readSealedCheckpoint(path: string): TensorFile {
  return readTensors(path, true);
}

/** The text of a file. @throws {FileError} if it is missing or unreadable */
export function readText(path: string): string {
  return new TextDecoder().decode(readWholeFile(path));
}

/**
 * Reads the `metrics.csv` of a run.
 *
 * @throws {FileError} if the file is missing, unreadable or not such a table
 */
export function readMetrics(path: string): Evaluation[] {
  return parseMetrics(readText(path), path);
}
