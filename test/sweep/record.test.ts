import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../lib/errors';
import { carryOut } from '../../lib/sweep/comparison/carry-out';
import {
  addRecord,
  curveFile,
  readComparison,
  readRecords,
  recordsFile,
} from '../../lib/sweep/comparison/folder';
import { type PlannedRun, standInChoices, testRuns, tuningRuns } from '../../lib/sweep/comparison/plan';
import { parseRecords, type RunRecord, recordOf } from '../../lib/sweep/comparison/record';
import { parseMetrics } from '../../lib/train/metrics-csv';
import type { FinishedRun } from '../../lib/train/run';
import { RunLock } from '../../lib/train/run-lock.node';
import { messageOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';
import { tinyProtocol } from './tiny-protocol';
import { choices, tuned } from './tiny-records';

const root = temporaryFolder();
const protocol = tinyProtocol();

describe('recordOf', () => {
  const run = testRuns(protocol, choices)[0] as PlannedRun;
  /** A run evaluated every 5 steps with these accuracies, as it ended. */
  const finished = (stoppedBy: string, ...accuracies: number[]) =>
    ({
      config: run.config,
      summary: {
        steps: 5 * accuracies.length,
        stoppedBy,
        seconds: 1,
        msPerStep: null,
        device: 'cpu',
        threads: 1,
        versions: {},
        machine: {},
      },
      evaluations: accuracies.map((validationAccuracy, i) => ({
        epoch: 5 * i,
        trainAccuracy: 1,
        trainLoss: 0,
        validationAccuracy,
        validationLoss: 0,
      })),
    }) as unknown as FinishedRun;

  it('counts what a run no longer evaluates after its event as below, if its loss is not finite any more', () => {
    // Four evaluations are due in the 20 steps after the event at 5; two were made.
    const nan = recordOf(protocol, run, finished('nan', 0, 1, 1, 1));
    expect(nan).toMatchObject({
      event: 5,
      drops: { evaluations: 2, episodes: 1, observed: 10, lowest: 1 },
    });
    const falling = recordOf(protocol, run, finished('nan', 0, 1, 1, 0.1));
    expect(falling.drops).toEqual({ evaluations: 3, episodes: 1, lowest: 0.1, observed: 10 });
    const whole = recordOf(protocol, run, finished('target', 0, 1, 1, 1, 0.1, 1, 1));
    expect(whole.drops).toEqual({ evaluations: 1, episodes: 1, lowest: 0.1, observed: 20 });
  });

  it('censors a run whose loss is not finite before its event', () => {
    const record = recordOf(protocol, run, finished('nan', 0, 1));
    expect(record).toMatchObject({ event: null, budget: 60, stoppedBy: 'nan' });
    expect(record).not.toHaveProperty('drops');
  });
});

describe('the folder', () => {
  it('holds one line a run, read back as it was; a line that is none is named', async () => {
    const folder = join(root, 'lines');
    mkdirSync(folder);
    writeFileSync(join(folder, 'protocol.json'), JSON.stringify(protocol));
    const [one, two] = tuned as [RunRecord, RunRecord];
    const added = await Promise.all([one, two, one].map((record) => addRecord(folder, record)));
    // A run is recorded once, whoever made it again.
    expect(added.filter(Boolean)).toHaveLength(2);
    expect(readdirSync(folder).sort()).toEqual(['protocol.json', 'tune.jsonl']);
    expect(new Set(readComparison(folder).records.tune)).toEqual(new Set([one, two]));
    expect(readFileSync(recordsFile(folder, 'tune'), 'utf8').match(/\n/g)).toHaveLength(2);
    const line = JSON.stringify(one);
    expect(messageOf(FileError, () => parseRecords(`${line}\n${line.slice(0, 50)}`, 'f'))).toContain(
      'f line 2',
    );
    expect(messageOf(FileError, () => parseRecords(line.replace('"seed":10', '"seed":"x"'), 'f'))).toContain(
      'seed',
    );
    expect(messageOf(FileError, () => readComparison(join(root, 'nowhere')))).toContain('protocol.json');
  });
});

describe('carryOut', () => {
  const places = { folder: join(root, 'published'), work: join(root, 'work') };
  // One right answer of 25, twice in a row, is soon there.
  const easy = tinyProtocol({ event: { accuracy: 0.04, evaluations: 2, every: 5 } });
  const run = testRuns(easy, standInChoices(easy))[0] as PlannedRun;

  it('records a run once, with its curve, and leaves nothing behind', async () => {
    const first = await carryOut(easy, run, places);
    expect(first.outcome).toBe('recorded');
    const [record] = readRecords(places.folder, 'test');
    expect(record).toEqual((first as { record: RunRecord }).record);
    expect(record).toMatchObject({ id: run.id, digest: run.digest, threads: 1, budget: 60 });
    const file = curveFile(places.folder, run);
    const curve = parseMetrics(readFileSync(file, 'utf8'));
    expect(curve.map(({ epoch }) => epoch).slice(0, 3)).toEqual([0, 5, 10]);
    // The first of two in a row, and twenty steps more.
    expect(record?.event).toBeTypeOf('number');
    expect(curve.find(({ epoch }) => epoch === record?.event)?.validationAccuracy).toBeGreaterThanOrEqual(
      0.04,
    );
    expect(record?.drops?.observed).toBe(20);
    expect(readFileSync(file).length).toBeLessThan(20_000);
    expect(existsSync(join(places.work, `${run.id}_${run.digest}`))).toBe(false);

    // What a process left that was killed after another one had recorded the run.
    mkdirSync(join(places.work, `${run.id}_${run.digest}`, 'run'), { recursive: true });
    expect(await carryOut(easy, run, places)).toEqual({ outcome: 'there' });
    expect(existsSync(join(places.work, `${run.id}_${run.digest}`))).toBe(false);
    expect(readRecords(places.folder, 'test')).toHaveLength(1);
  });

  it('leaves a run alone that another process is at', async () => {
    const other = tuningRuns(protocol)[0] as PlannedRun;
    const folder = join(places.work, `${other.id}_${other.digest}`);
    mkdirSync(folder, { recursive: true });
    const lock = RunLock.take(folder);
    expect(await carryOut(protocol, other, places)).toEqual({ outcome: 'busy' });
    lock.release();
    expect((await carryOut(protocol, other, places)).outcome).toBe('recorded');
  });
});
