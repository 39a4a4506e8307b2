/** @file Keeps a finished run in the repository: configuration, outcome, thinned metrics and, where wanted, weights. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, writeFileAtomic } from '../files.node';
import { encodeParameters } from './checkpoint';
import { formatMetrics, metricsHeader } from './metrics-csv';
import type { Evaluation } from './progress';
import type { FinishedRun } from './run';

/** Most rows of a published metrics file. */
const MOST_ROWS = 500;

/** Names of the files of a published run; the summary is written last and marks it complete. */
export const PUBLISHED_FILES = {
  config: 'config.json',
  metrics: 'metrics.csv',
  weights: 'weights.safetensors',
  summary: 'summary.json',
} as const;

/**
 * At most `most` evaluations, spaced evenly on a logarithmic axis: the first, the last, and of those between always the
 * nearest before each mark.
 */
export function thinEvaluations(rows: readonly Evaluation[], most = MOST_ROWS): Evaluation[] {
  const last = rows.at(-1);
  if (rows.length <= most || last === undefined) return [...rows];
  const kept = new Set<Evaluation>([last]);
  const marks = most - 1;
  let next = 0;
  for (let mark = 0; mark < marks; mark++) {
    const epoch = (last.epoch + 1) ** (mark / (marks - 1)) - 1;
    while (next + 1 < rows.length && (rows[next + 1] as Evaluation).epoch <= epoch) next++;
    kept.add(rows[next] as Evaluation);
  }
  return rows.filter((row) => kept.has(row));
}

/** Whether a run of this name is complete. */
export function isPublished(folder: string): boolean {
  return existsSync(join(folder, PUBLISHED_FILES.summary));
}

/**
 * Writes a run's files.
 * @throws FileError where the folder cannot be written.
 */
export function publishRun(
  run: FinishedRun,
  folder: string,
  { weights }: { readonly weights: boolean },
): void {
  makeFolder(folder);
  const write = (file: keyof typeof PUBLISHED_FILES, content: string | Uint8Array) =>
    writeFileAtomic(join(folder, PUBLISHED_FILES[file]), content);
  write('config', `${JSON.stringify(run.config, null, 2)}\n`);
  write('metrics', metricsHeader() + formatMetrics(thinEvaluations(run.evaluations)));
  if (weights) write('weights', encodeParameters(run.params, run.config, run.summary.steps));
  write('summary', `${JSON.stringify(run.summary, null, 2)}\n`);
}
