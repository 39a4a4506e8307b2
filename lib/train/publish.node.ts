/**
 * @file Keeps a finished run in the repository: configuration, outcome, thinned metrics and, where there are any or they are
 * wanted, singular values and weights.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, writeFileAtomic } from '../files.node';
import { encodeParameters } from './checkpoint';
import { sealed } from './digest.node';
import { formatMetrics, metricsHeader } from './metrics-csv';
import type { Evaluation } from './progress';
import { encodeSpectrum, type Spectrum } from './spectrum';
import type { TrainedRun } from './train.node';

/** Most rows of a published metrics file, and most steps with singular values. */
const MOST_ROWS = 500;

/** Names of the files of a published run; the summary is written last and marks it complete. */
export const PUBLISHED_FILES = {
  config: 'config.json',
  metrics: 'metrics.csv',
  weights: 'weights.safetensors',
  spectrum: 'spectrum.safetensors',
  summary: 'summary.json',
} as const;

/**
 * At most `most` evaluations, spaced evenly on a logarithmic axis: the first, the last, and of those between always the
 * nearest before each mark.
 */
export function thinEvaluations(rows: readonly Evaluation[], most = MOST_ROWS): Evaluation[] {
  const kept = thinIndices(
    rows.map(({ epoch }) => epoch),
    most,
  );
  return kept.map((i) => rows[i] as Evaluation);
}

/** The same for a run's singular values. */
export function thinSpectrum({ schedule, steps, matrices }: Spectrum, most = MOST_ROWS): Spectrum {
  const kept = thinIndices(steps, most);
  return {
    schedule,
    steps: kept.map((i) => steps[i] as number),
    matrices: matrices.map((matrix) => ({
      ...matrix,
      singularValues: kept.map((i) => matrix.singularValues[i] as Float32Array),
    })),
  };
}

/** Which of some steps, in order, are kept. */
function thinIndices(steps: readonly number[], most: number): number[] {
  const last = steps.at(-1);
  if (steps.length <= most || last === undefined) return steps.map((_, i) => i);
  const kept = new Set([steps.length - 1]);
  const marks = most - 1;
  let next = 0;
  for (let mark = 0; mark < marks; mark++) {
    const limit = (last + 1) ** (mark / (marks - 1)) - 1;
    while (next + 1 < steps.length && (steps[next + 1] as number) <= limit) next++;
    kept.add(next);
  }
  return [...kept].sort((one, other) => one - other);
}

/** Whether a run of this name is complete. */
export function isPublished(folder: string): boolean {
  return existsSync(join(folder, PUBLISHED_FILES.summary));
}

/** What of a run is kept. */
export interface PublishOptions {
  readonly weights: boolean;
  /** Most steps with singular values; default 500. */
  readonly records?: number;
}

/**
 * Writes a run's files.
 * @throws FileError where the folder cannot be written.
 */
export function publishRun(
  run: TrainedRun,
  folder: string,
  { weights, records = MOST_ROWS }: PublishOptions,
): void {
  makeFolder(folder);
  const write = (file: keyof typeof PUBLISHED_FILES, content: string | Uint8Array) =>
    writeFileAtomic(join(folder, PUBLISHED_FILES[file]), content);
  write('config', `${JSON.stringify(run.config, null, 2)}\n`);
  write('metrics', metricsHeader() + formatMetrics(thinEvaluations(run.evaluations)));
  if (run.spectrum !== undefined)
    write('spectrum', sealed(encodeSpectrum(thinSpectrum(run.spectrum, records))));
  if (weights) write('weights', sealed(encodeParameters(run.params, run.config, run.summary.steps)));
  write('summary', `${JSON.stringify(run.summary, null, 2)}\n`);
}
