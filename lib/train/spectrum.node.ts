/** @file The file of a run's singular values: reading it, and what a run that goes on takes from it. */
import { existsSync } from 'node:fs';
import { FileError } from '../errors';
import { type NamedShape, weightMatrixShapes } from '../models/weight-matrices';
import { formatCount } from './number-format';
import { readCheckpoint } from './run-files.node';
import { type Spectrum, type SpectrumSchedule, spectrumIn } from './spectrum';
import type { SpectrumRecorderOptions } from './spectrum-recorder';

/**
 * Reads the `spectrum.safetensors` of a run.
 *
 * @throws {FileError} if the file is missing, unreadable, damaged or not such a file
 */
export function readSpectrum(path: string): Spectrum {
  return spectrumIn(readCheckpoint(path), path);
}

/** What a run that goes on had recorded. */
export interface ContinuedSpectrum {
  /** Absent where nothing of it can be used. */
  readonly before?: Spectrum;
  /** What a user should know: lines. */
  readonly notices: readonly string[];
}

/**
 * What was recorded before the step that a run goes on from. A file that is missing, damaged or of other matrices is told of,
 * and nothing of it is used: the parameters before that step are gone.
 *
 * @param step of the checkpoint that the run goes on from
 */
export function continuedSpectrum(
  path: string,
  step: number,
  { model, ...schedule }: Pick<SpectrumRecorderOptions, 'model' | keyof SpectrumSchedule>,
): ContinuedSpectrum {
  if (step === 0) return { notices: [] };
  const lost = `the singular values before step ${formatCount(step)} are not recorded`;
  if (!existsSync(path)) return { notices: [`${path} is missing: ${lost}.`] };
  let found: Spectrum;
  try {
    found = readSpectrum(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return { notices: [`${error.message.replace(/; [^;]*$/, '')}: ${lost}.`] };
  }
  if (!sameMatrices(found.matrices, weightMatrixShapes(model))) {
    return { notices: [`${path} is of another model: ${lost}.`] };
  }
  const count = found.steps.filter((recorded) => recorded < step).length;
  const before: Spectrum = {
    ...found,
    steps: found.steps.slice(0, count),
    matrices: found.matrices.map((matrix) => ({
      ...matrix,
      singularValues: matrix.singularValues.slice(0, count),
    })),
  };
  return { before, notices: [...changeOf(path, found.schedule, schedule), ...gapOf(path, before, step)] };
}

const sameMatrices = (one: readonly NamedShape[], other: readonly NamedShape[]) =>
  JSON.stringify(one.map(({ name, shape }) => [name, shape])) ===
  JSON.stringify(other.map(({ name, shape }) => [name, shape]));

const inWords = ({ every, dense }: SpectrumSchedule) =>
  `every ${formatCount(every)} steps${dense === undefined ? '' : `, ${formatCount(dense)} where accuracy moves`}`;

function changeOf(path: string, was: SpectrumSchedule, is: SpectrumSchedule): string[] {
  if (was.every === is.every && was.dense === is.dense) return [];
  return [`${path} was recorded ${inWords(was)}; the run goes on with ${inWords(is)}.`];
}

/** Whether a part of the run went on without being recorded. */
function gapOf(path: string, { schedule, steps }: Spectrum, step: number): string[] {
  const last = steps.at(-1);
  if (last !== undefined && step - last <= schedule.every) return [];
  const from = last === undefined ? '' : ` after ${formatCount(last)} and`;
  return [`${path} has no singular values of steps${from} before ${formatCount(step)}.`];
}
