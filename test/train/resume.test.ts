import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ArgumentError, FileError, TrainingError } from '../../lib/errors';
import { type RunOptions, runConfig } from '../../lib/train/config';
import { type RunSummary, requireFinite } from '../../lib/train/run';
import { RunLock } from '../../lib/train/run-lock.node';
import { RunStore } from '../../lib/train/run-store.node';
import { type TrainSettings, train } from '../../lib/train/train.node';
import { messageOf, rejectionOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';

const root = temporaryFolder();
let folders = 0;
const newFolder = () => join(root, `run-${folders++}`);

const GPT: RunOptions = { modulus: 7, trainFraction: 0.5, dModel: 8, heads: 2, steps: 40, evalEvery: 7 };

/** Trains in calls of one step, each with a checkpoint; dies once a step is reached, as with a full disk. */
function trainUntil(step: number, options: RunOptions, settings: TrainSettings) {
  const display = {
    update: (progress: { step: number }) => {
      if (progress.step >= step) throw new Error('killed');
    },
    finish: () => {},
    stop: () => {},
  };
  return train(options, { threads: 1, callSeconds: 0, checkpointSeconds: 0, display, ...settings });
}

const killedAt = async (step: number, options: RunOptions, settings: TrainSettings) =>
  expect(trainUntil(step, options, settings)).rejects.toThrow('killed');

const bytes = (folder: string) =>
  ['metrics.csv', 'checkpoint.safetensors'].map((name) => readFileSync(join(folder, name), 'hex'));
const summaryOf = (folder: string): RunSummary =>
  JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'));
const everything = (folder: string) =>
  readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'hex')]);

describe('a run that is continued', () => {
  it('ends with the bytes of one that was never stopped, also where rows are drawn', async () => {
    const options: RunOptions = { ...GPT, batchSize: 8, warmup: 5 };
    const whole = newFolder();
    const uninterrupted = await train(options, { out: whole, threads: 1 });
    const out = newFolder();
    // Before the first checkpoint, so that the next one begins anew.
    await killedAt(1, options, { out, resume: true });
    await killedAt(9, options, { out, resume: true });
    await killedAt(23, options, { out, resume: true });
    const lines: string[] = [];
    const resumed = await train(options, {
      out,
      threads: 2,
      resume: true,
      notify: (line) => void lines.push(line),
    });
    expect(bytes(out)).toEqual(bytes(whole));
    expect(lines).toEqual([
      'threads 1 before and 2 now: the results are the same, bit for bit',
      'going on from step 21 of 40',
    ]);
    expect(resumed.params).toEqual(uninterrupted.params);
    expect(resumed.evaluations).toEqual(uninterrupted.evaluations);

    const { sessions, seconds, threads, steps } = summaryOf(out);
    expect({ threads, steps }).toEqual({ threads: 2, steps: 40 });
    expect(sessions.map(({ fromStep, toStep }) => [fromStep, toStep])).toEqual([
      [0, 7],
      [7, 21],
      [21, 40],
    ]);
    expect(seconds).toBeCloseTo(
      sessions.reduce((sum, session) => sum + session.seconds, 0),
      9,
    );
    expect(sessions.every(({ started }) => new Date(started).toISOString() === started)).toBe(true);
    expect(existsSync(join(out, 'sessions.json'))).toBe(false);
  });

  it('ends so after Ctrl-C too', async () => {
    const [whole, out] = [newFolder(), newFolder()];
    await train(GPT, { out: whole, threads: 1 });
    const display = {
      update: ({ step }: { step: number }) => {
        if (step === 12) process.emit('SIGINT');
      },
      finish: () => {},
      stop: () => {},
    };
    const stopped = await train(GPT, { out, threads: 1, callSeconds: 0, display });
    expect(stopped.summary).toMatchObject({ stoppedBy: 'signal', steps: 12 });
    await train(GPT, { out, threads: 1, resume: true });
    expect(bytes(out)).toEqual(bytes(whole));
    expect(summaryOf(out)).toMatchObject({ steps: 40, stoppedBy: 'steps' });
    expect(summaryOf(out).sessions.map(({ toStep }) => toStep)).toEqual([12, 40]);
  });

  it('ends so in the steps after its target, and is then known to have ended', async () => {
    const options: RunOptions = { ...GPT, stopAtAccuracy: 0.01, stepsAfterTarget: 12 };
    const [whole, out] = [newFolder(), newFolder()];
    const { summary, evaluations } = await train(options, { out: whole, threads: 1 });
    const event = evaluations.find(({ validationAccuracy }) => validationAccuracy >= 0.01)?.epoch as number;
    expect(summary).toMatchObject({ stoppedBy: 'target', steps: event + 12 });
    await killedAt(event + 9, options, { out });
    await train(options, { out, threads: 1, resume: true, notify: () => {} });
    expect(bytes(out)).toEqual(bytes(whole));
    const lines: string[] = [];
    const again = await train(options, { out, resume: true, notify: (line) => void lines.push(line) });
    expect(lines).toEqual([`${out} holds this run, and it has ended: nothing to do.`]);
    expect(again.summary).toMatchObject({ stoppedBy: 'target', steps: event + 12 });
  });

  it('may be given more steps than before', async () => {
    const [whole, out] = [newFolder(), newFolder()];
    await train({ ...GPT, steps: 30 }, { out: whole, threads: 1 });
    await train({ ...GPT, steps: 17 }, { out, threads: 1 });
    await train({ ...GPT, steps: 30 }, { out, threads: 1, resume: true });
    expect(bytes(out)).toEqual(bytes(whole));
    expect(summaryOf(out)).toMatchObject({ steps: 30, stoppedBy: 'steps' });
    expect(summaryOf(out).sessions).toHaveLength(2);
  });
});

describe('a run that is given more steps again and again', () => {
  it('goes on from the end of each budget, to the bytes of the largest', async () => {
    const [whole, out] = [newFolder(), newFolder()];
    await train({ ...GPT, steps: 44 }, { out: whole, threads: 1 });
    const lines: string[] = [];
    const notify = (line: string) => void lines.push(line);
    for (const steps of [11, 22, 33, 44])
      await train({ ...GPT, steps }, { out, threads: 1, resume: true, notify });
    expect(lines).toEqual([
      'going on from step 11 of 22',
      'going on from step 22 of 33',
      'going on from step 33 of 44',
    ]);
    expect(bytes(out)).toEqual(bytes(whole));
    expect(summaryOf(out).sessions.map(({ fromStep }) => fromStep)).toEqual([0, 11, 22, 33]);
  });
});

describe('a run whose checkpoints are gone', () => {
  it.each([
    ['summary.json', 'reached step 17', []],
    ['metrics.csv', 'reached step 16', ['summary.json']],
  ])('begins anew, and %s tells how far it had got', async (file, reached, more) => {
    const out = newFolder();
    await train({ ...GPT, steps: 17 }, { out, threads: 1, checkpointSeconds: 0, callSeconds: 0 });
    const before = bytes(out);
    const gone = ['checkpoint.safetensors', 'checkpoint.previous.safetensors', ...more];
    for (const name of gone) rmSync(join(out, name));
    const lines: string[] = [];
    const notify = (line: string) => void lines.push(line);
    await train({ ...GPT, steps: 17 }, { out, threads: 1, resume: true, notify });
    expect(lines).toEqual([
      `${join(out, file)} is of a run that had ${reached}, but there is no checkpoint to go on from: it begins anew at step 0.`,
    ]);
    expect(bytes(out)).toEqual(before);
  });

  it('is not spoken of where none had got further than the first step', async () => {
    const out = newFolder();
    const store = RunStore.create(out);
    store.begin(runConfig({ ...GPT, steps: 2 }));
    store.appendMetrics([
      { epoch: 0, trainAccuracy: 0, trainLoss: 1, validationAccuracy: 0, validationLoss: 1 },
    ]);
    store.release();
    const lines: string[] = [];
    const notify = (line: string) => void lines.push(line);
    await train({ ...GPT, steps: 2 }, { out, threads: 1, resume: true, notify });
    expect(lines).toEqual([]);
  });
});

describe('checkpoints of a run', () => {
  it('are never more than 2 seconds apart where nothing else is asked for', async () => {
    // A clock that goes on by a tenth of a second whenever it is looked at.
    let time = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
      time += 100;
      return time;
    });
    const saves: number[] = [];
    const save = vi.spyOn(RunStore.prototype, 'saveCheckpoint').mockImplementation(() => {
      saves.push(time);
    });
    try {
      await train({ ...GPT, steps: 200 }, { out: newFolder(), threads: 1, callSeconds: 0 });
    } finally {
      clock.mockRestore();
      save.mockRestore();
    }
    const gaps = saves.slice(1).map((at, i) => at - (saves[i] as number));
    expect(gaps.length).toBeGreaterThan(10);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2000);
    // Nor much closer: each is written to the disk.
    expect(Math.max(...gaps)).toBeGreaterThan(1000);
  });
});

describe('a run that has ended', () => {
  it('is only read, and said to have ended', async () => {
    const out = newFolder();
    const first = await train({ ...GPT, steps: 3 }, { out, threads: 1 });
    // In a folder that cannot be written the lock could not be taken either: nobody needs it to look.
    const lock = RunLock.take(out);
    const before = everything(out);
    const changed = statSync(join(out, 'summary.json')).mtimeMs;
    const lines: string[] = [];
    const again = await train({ ...GPT, steps: 3 }, { out, resume: true, notify: (l) => void lines.push(l) });
    expect(lines).toEqual([`${out} holds this run, and it has ended: nothing to do.`]);
    expect(again).toEqual(first);
    expect(everything(out)).toEqual(before);
    expect(statSync(join(out, 'summary.json')).mtimeMs).toBe(changed);
    lock.release();
  });

  it('is continued where its summary is not one, instead of failing', async () => {
    const out = newFolder();
    const whole = await train({ ...GPT, steps: 3 }, { out, threads: 1 });
    const before = bytes(out);
    writeFileSync(join(out, 'summary.json'), '{"steps":3,"stoppedBy":"steps","sessions":[]}');
    const again = await train({ ...GPT, steps: 3 }, { out, threads: 1, resume: true, notify: () => {} });
    expect(bytes(out)).toEqual(before);
    expect(again.evaluations).toEqual(whole.evaluations);
    expect(summaryOf(out)).toMatchObject({ steps: 3, stoppedBy: 'steps' });
  });

  it('because its loss was not a number, is said to have ended so', async () => {
    const out = newFolder();
    const options = { ...GPT, learningRate: 1e30, weightDecay: 0 };
    const first = await train(options, { out, threads: 1 });
    const before = everything(out);
    const again = await train(options, { out, resume: true, notify: () => {} });
    expect(messageOf(TrainingError, () => requireFinite(again))).toBe(
      messageOf(TrainingError, () => requireFinite(first)),
    );
    expect(everything(out)).toEqual(before);
  });
});

describe('resuming refuses', () => {
  it('another configuration, with nothing changed', async () => {
    const out = newFolder();
    const store = RunStore.create(out);
    store.begin(runConfig(GPT));
    store.release();
    const before = everything(out);
    const message = await rejectionOf(FileError, train({ ...GPT, learningRate: 0.5 }, { out, resume: true }));
    expect(message).toContain('lr is 0.001 there and 0.5 here');
    expect(everything(out)).toEqual(before);
  });

  it('a folder that is in use', async () => {
    const out = newFolder();
    const store = RunStore.create(out);
    expect(await rejectionOf(FileError, train(GPT, { out, resume: true }))).toContain(
      `in use by process ${process.pid}`,
    );
    store.release();
  });

  it('to overwrite, no folder, and an interval that is none', async () => {
    const out = newFolder();
    expect(await rejectionOf(ArgumentError, train(GPT, { out, resume: true, overwrite: true }))).toContain(
      'resume and overwrite exclude each other',
    );
    expect(await rejectionOf(ArgumentError, train(GPT, { resume: true }))).toContain(
      'resume needs the folder',
    );
    expect(await rejectionOf(ArgumentError, train(GPT, { out, checkpointSeconds: -1 }))).toContain(
      'checkpoint-seconds is -1',
    );
    const endless = { out, checkpointSeconds: Number.POSITIVE_INFINITY };
    expect(await rejectionOf(ArgumentError, train(GPT, endless))).toContain('checkpoint-seconds is Infinity');
    expect(existsSync(out)).toBe(false);
  });
});

describe('overwriting', () => {
  it('leaves the old run where the new one cannot begin', async () => {
    const out = newFolder();
    const store = RunStore.create(out);
    store.begin(runConfig(GPT));
    store.release();
    writeFileSync(join(out, 'summary.json'), '{}');
    const before = everything(out);
    // Refused while compiling: there is no such number of threads of a program.
    await expect(train(GPT, { out, overwrite: true, threads: 0 })).rejects.toThrow('threads is 0');
    expect(everything(out)).toEqual(before);
  });
});
