/**
 * @file The folder of a comparison: its protocol, a file of records for each phase, one line a run, and the curves of the test
 * runs. Any number of processes may add to it at once.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FileError } from '../../errors';
import { makeFolder, readWholeFile, reasonOf, writeFileAtomic } from '../../files.node';
import { formatMetrics, metricsHeader } from '../../train/metrics-csv';
import type { Evaluation } from '../../train/progress';
import { thinEvaluations } from '../../train/publish.node';
import { waitForClaim } from './claim';
import { COMPARISON_PHASES, type ComparisonPhase } from './plan';
import { type ComparisonProtocol, parseProtocol } from './protocol';
import { parseRecords, type RunRecord } from './record';
import { readStepTimes, type StepTimes } from './step-times';

/** Evaluations kept of a test run, about 14 KB: all of a run of 2,400 steps that is evaluated every 10. */
const MOST_ROWS = 240;

/** Holds the lock of the records while one is added; git ignores it. */
const LOCK_FOLDER = '.lock';

/** A comparison as far as it has come. */
export interface Comparison {
  readonly protocol: ComparisonProtocol;
  readonly records: Readonly<Record<ComparisonPhase, readonly RunRecord[]>>;
  readonly times: StepTimes;
}

/** Where the records of a phase are. */
export function recordsFile(folder: string, phase: ComparisonPhase): string {
  return join(folder, `${phase}.jsonl`);
}

/** Where the curve of a test run is: its name tells runs of different protocols apart. */
export function curveFile(folder: string, { id, digest }: Pick<RunRecord, 'id' | 'digest'>): string {
  return join(folder, 'curves', `${id}_${digest}.csv`);
}

/**
 * Reads a comparison's `protocol.json` and the records and times of a step that lie beside it.
 *
 * @throws {FileError} if the protocol is missing or not fit, or a line is no record
 */
export function readComparison(folder: string): Comparison {
  const file = join(folder, 'protocol.json');
  const protocol = parseProtocol(new TextDecoder().decode(readWholeFile(file)), file);
  const records = Object.fromEntries(COMPARISON_PHASES.map((phase) => [phase, readRecords(folder, phase)]));
  return { protocol, records: records as unknown as Comparison['records'], times: readStepTimes(folder) };
}

/** The records of a phase; none without the file. @throws {FileError} if a line is no record, or it cannot be read */
export function readRecords(folder: string, phase: ComparisonPhase): RunRecord[] {
  const file = recordsFile(folder, phase);
  return parseRecords(contentOf(file), file);
}

function contentOf(file: string): string {
  try {
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  } catch (error) {
    throw new FileError(`cannot read ${file}: ${reasonOf(error)}; make it readable.`);
  }
}

/**
 * Adds a line to the records of its phase, unless the run has one: the file is replaced as a whole, under a lock that lies
 * beside it, so that no other process's line is lost, none is ever half there, and no run is recorded twice, also where
 * processes with work folders of their own record into this one.
 *
 * @returns whether the line was added
 * @throws {FileError} if the file cannot be written, or others hold the lock for half a minute
 */
export async function addRecord(folder: string, record: RunRecord): Promise<boolean> {
  const file = recordsFile(folder, record.phase);
  const claim = await waitForClaim(join(folder, LOCK_FOLDER));
  try {
    const content = contentOf(file);
    if (parseRecords(content, file).some(({ digest }) => digest === record.digest)) return false;
    makeFolder(dirname(file));
    writeFileAtomic(file, `${content}${JSON.stringify(record)}\n`);
    return true;
  } finally {
    claim.release();
  }
}

/** Writes the curve of a test run, thinned to some 240 evaluations. @throws {FileError} if it cannot be written */
export function saveCurve(folder: string, record: RunRecord, evaluations: readonly Evaluation[]): void {
  const file = curveFile(folder, record);
  makeFolder(dirname(file));
  writeFileAtomic(file, metricsHeader() + formatMetrics(thinEvaluations(evaluations, MOST_ROWS)));
}
