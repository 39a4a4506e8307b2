/**
 * @file Carries out one run of a comparison, unless it is there or another process is at it. Whatever stops a process, at
 * whatever moment, the run is afterwards either recorded, once, or goes on from its last checkpoint when it is asked for again.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FinishedRun } from '../../train/run';
import { train } from '../../train/train.node';
import { takeClaim } from './claim';
import { addRecord, readRecords, saveCurve } from './folder';
import type { PlannedRun } from './plan';
import type { ComparisonProtocol } from './protocol';
import { type RunRecord, recordOf } from './record';

/** What became of a run: recorded now, there already, held by another process, or told to stop. */
export type CarriedOut =
  | { readonly outcome: 'recorded'; readonly record: RunRecord }
  | { readonly outcome: 'there' | 'busy' | 'stopped' };

/** Where a comparison's files are. */
export interface ComparisonPlaces {
  /** Of the protocol and the records. */
  readonly folder: string;
  /** Of runs under way; shared by all processes that work on this comparison. */
  readonly work: string;
}

/** How to carry out a run. */
export interface CarryOutOptions {
  /** Default 1: two runs beside one another on a thread each are faster than one after the other on two. */
  readonly threads?: number;
  /** Most seconds of training between two checkpoints. Default 30. */
  readonly checkpointSeconds?: number;
  /** Of the library, for the record. */
  readonly commit?: string | undefined;
}

/**
 * Trains a planned run in this process, and records it. SIGINT and SIGTERM stop it with a checkpoint.
 *
 * @throws what `train` throws, and {FileError} where the record cannot be written
 */
export async function carryOut(
  protocol: Pick<ComparisonProtocol, 'event' | 'drops'>,
  run: PlannedRun,
  { folder, work }: ComparisonPlaces,
  { threads = 1, checkpointSeconds = 30, commit }: CarryOutOptions = {},
): Promise<CarriedOut> {
  const own = join(work, `${run.id}_${run.digest}`);
  const claim = takeClaim(own);
  if (claim === undefined) return { outcome: 'busy' };
  try {
    const out = join(own, 'run');
    const removeRun = () => rmSync(out, { recursive: true, force: true });
    // Only now: another process may have recorded it between our last look and our claim.
    if (readRecords(folder, run.phase).some(({ digest }) => digest === run.digest)) {
      removeRun();
      return { outcome: 'there' };
    }
    const finished: FinishedRun = await train(run.options, {
      out,
      resume: true,
      threads,
      checkpointSeconds,
      notify: () => {},
    });
    if (finished.summary.stoppedBy === 'signal') return { outcome: 'stopped' };
    const record = recordOf(protocol, run, finished, commit);
    if (run.phase === 'test') saveCurve(folder, record, finished.evaluations);
    const added = await addRecord(folder, record);
    removeRun();
    return added ? { outcome: 'recorded', record } : { outcome: 'there' };
  } finally {
    claim.release();
  }
}
