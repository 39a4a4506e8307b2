import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../lib/errors';
import { encodeCheckpoint } from '../../lib/train/checkpoint';
import { type RunConfig, runConfig } from '../../lib/train/config';
import { type FoundRun, findRun } from '../../lib/train/find-run.node';
import { prepareRun } from '../../lib/train/prepare';
import type { Evaluation } from '../../lib/train/progress';
import { RUN_FILES } from '../../lib/train/run-files.node';
import { RunStore, readMetrics } from '../../lib/train/run-store.node';
import { messageOf } from '../support/one-line';
import { summaryOf as endOf, sessionTo } from '../support/play-run';
import { temporaryFolder } from '../support/temporary';

const root = temporaryFolder();
let folders = 0;
const newFolder = () => join(root, `run-${folders++}`);

const OPTIONS = { modulus: 5, trainFraction: 0.5, dModel: 4, heads: 1, steps: 50, evalEvery: 10 } as const;
const config = runConfig(OPTIONS);
const { initial } = prepareRun(config);
const stateAt = (step: number) => ({ ...initial, step: { ...initial.step, data: Int32Array.of(step) } });
const checkpointAt = (step: number, of: RunConfig = config) => encodeCheckpoint(stateAt(step), of);

const evaluation = (epoch: number): Evaluation => ({
  epoch,
  trainAccuracy: 0.5,
  trainLoss: Math.fround(1 / (epoch + 3)),
  validationAccuracy: 0.25,
  validationLoss: 2,
});

/** A run with checkpoints at steps 20 and 30 and evaluations until then; killed a little later. */
function killedRun(): string {
  const store = RunStore.create(newFolder());
  store.begin(config);
  store.saveSessions([sessionTo(0)]);
  store.appendMetrics([0, 10].map(evaluation));
  store.saveCheckpoint(checkpointAt(20), 20);
  store.appendMetrics([20, 30].map(evaluation));
  store.saveCheckpoint(checkpointAt(30), 30);
  store.appendMetrics([evaluation(40)]);
  store.release();
  return store.directory;
}

const template = killedRun();
function damaged(damage: (path: (file: keyof typeof RUN_FILES) => string) => void): string {
  const folder = newFolder();
  cpSync(template, folder, { recursive: true });
  damage((file) => join(folder, RUN_FILES[file]));
  return folder;
}

const flip = (path: string, place: number) => {
  const bytes = readFileSync(path);
  bytes[place] = (bytes[place] as number) ^ 4;
  writeFileSync(path, bytes);
};

const summaryOf = ({ checkpoint, evaluations, usesPrevious, notices }: FoundRun) => ({
  step: Number(checkpoint.metadata.step),
  epochs: evaluations.map(({ epoch }) => epoch),
  usesPrevious,
  notices: notices.filter((notice) => !notice.includes('how long')),
});

describe('a run that was killed', () => {
  it('goes on from its newest checkpoint with the evaluations before it', () => {
    expect(summaryOf(findRun(template, config) as FoundRun)).toEqual({
      step: 30,
      epochs: [0, 10, 20],
      usesPrevious: false,
      notices: [],
    });
  });

  it.each<[string, Parameters<typeof damaged>[0], string]>([
    ['torn', (path) => truncateSync(path('checkpoint'), 700), 'is not a whole safetensors file'],
    ['empty', (path) => truncateSync(path('checkpoint'), 0), 'it has 0 bytes'],
    ['one bit flipped in a number', (path) => flip(path('checkpoint'), 3000), 'its digest is another one'],
    ['one bit flipped in the header', (path) => flip(path('checkpoint'), 100), 'checkpoint.safetensors'],
    ['removed', (path) => rmSync(path('checkpoint')), 'there is no such file'],
    [
      'of another origin',
      (path) => writeFileSync(path('checkpoint'), checkpointAt(30)),
      'checkpoint.safetensors has no digest',
    ],
  ])('goes on from the checkpoint before where the newest is %s, and says so', (_, damage, problem) => {
    const { notices, ...found } = summaryOf(findRun(damaged(damage), config) as FoundRun);
    expect(found).toEqual({ step: 20, epochs: [0, 10], usesPrevious: true });
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(problem);
    expect(notices[0]).toMatch(/: the run goes on from the checkpoint before, of step 20\.$/);
  });

  const cutMetrics = (bytes: number) => (path: (file: 'metrics') => string) =>
    truncateSync(path('metrics'), readFileSync(path('metrics')).length - bytes);
  const inMetrics = (from: string, to: string) => (path: (file: 'metrics') => string) =>
    writeFileSync(path('metrics'), readFileSync(path('metrics'), 'utf8').replace(from, to));

  it.each([
    ['the row after the checkpoint torn', cutMetrics(5)],
    ['the rows after the checkpoint missing', inMetrics('\n40,', '\n')],
    ['other words after the checkpoint', inMetrics('\n40,', '\nforty,')],
  ])('does not mind %s', (_, damage) => {
    expect(summaryOf(findRun(damaged(damage), config) as FoundRun).step).toBe(30);
  });

  it.each<[string, Parameters<typeof damaged>[0]]>([
    ['missing', inMetrics('\n20,', '\n21,')],
    ['changed in a digit', inMetrics('\n20,0.5', '\n20,0.6')],
    ['torn', inMetrics('\n20,0.5', '\n20')],
    ['gone with the whole file', (path) => rmSync(path('metrics'))],
    ['not read, after a flipped bit in the header', (path) => flip(path('metrics'), 2)],
  ])('takes the evaluations from the checkpoint where a row before it is %s, and says so', (_, damage) => {
    const folder = damaged(damage);
    const { notices, ...found } = summaryOf(findRun(folder, config) as FoundRun);
    expect(found).toEqual({ step: 30, epochs: [0, 10, 20], usesPrevious: false });
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain('metrics.csv');
    expect(notices[0]).toMatch(/: it is written anew from the checkpoint\.$/);
    const store = RunStore.resume(folder, config);
    store.begin(config);
    store.release();
    expect(readMetrics(store.path('metrics'))).toEqual([0, 10, 20].map(evaluation));
  });

  it.each<[string, string | undefined]>([
    ['a value changed', JSON.stringify({ ...config, evalEvery: 4 })],
    ['no JSON any more', '{"evalEvery'],
    ['removed', undefined],
  ])('takes the configuration from the checkpoint where config.json is %s, and says so', (_, text) => {
    const folder = damaged((path) =>
      text === undefined ? rmSync(path('config')) : writeFileSync(path('config'), text),
    );
    const { step, notices } = summaryOf(findRun(folder, config) as FoundRun);
    expect(step).toBe(30);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(/config\.json .*: it is written anew from the checkpoint\.$/);
  });

  it('is refused where neither checkpoint can be used, and stays as it is', () => {
    const folder = damaged((path) => {
      flip(path('checkpoint'), 3000);
      truncateSync(path('previous'), 100);
    });
    const before = readdirSync(folder);
    const message = messageOf(FileError, () => findRun(folder, config));
    expect(message).toContain(`no checkpoint in ${folder} can be continued: `);
    expect(message).toContain('its digest is another one');
    expect(message).toContain('checkpoint.previous.safetensors is not a whole safetensors file');
    expect(message).toContain('--overwrite');
    expect(readdirSync(folder)).toEqual(before);
  });

  it('begins anew where there is no checkpoint yet', () => {
    const folder = damaged((path) => {
      rmSync(path('checkpoint'));
      rmSync(path('previous'));
    });
    expect(findRun(folder, config)).toBeUndefined();
    const store = RunStore.resume(folder, config);
    store.begin(config);
    expect(readMetrics(store.path('metrics'))).toEqual([]);
    store.release();
    expect(findRun(join(root, 'missing'), config)).toBeUndefined();
  });
});

describe('another configuration', () => {
  it('is refused in one line that names what differs with both values', () => {
    const message = messageOf(FileError, () =>
      findRun(template, runConfig({ ...OPTIONS, learningRate: 0.25, stopAtAccuracy: 0.5 })),
    );
    expect(message).toContain(`${template} holds a run of another configuration: `);
    expect(message).toContain('lr is 0.001 there and 0.25 here');
    expect(message).toContain('stop-at-accuracy is not set there and 0.5 here');
  });

  it('of which much differs is refused by the first few of it', () => {
    const other = runConfig({ preset: 'decoder', modulus: 5, trainRows: 10 });
    const message = messageOf(FileError, () => findRun(template, other));
    expect(message).toContain(': preset is "gpt" there and "decoder" here, model is "gpt" there');
    expect(message).toMatch(/, and \d+ more differ; give the same values, /);
    expect(message.split(' there and ')).toHaveLength(5);
    expect(message.length - template.length).toBeLessThan(360);
  });

  it('is refused also where only the checkpoint still tells', () => {
    const folder = damaged((path) => rmSync(path('config')));
    expect(summaryOf(findRun(folder, config) as FoundRun).step).toBe(30);
    const other = runConfig({ ...OPTIONS, seed: 5 });
    expect(messageOf(FileError, () => findRun(folder, other))).toContain('seed is 0 there and 5 here');
  });

  it('is refused before the first checkpoint too', () => {
    const store = RunStore.create(newFolder());
    store.begin(config);
    store.release();
    const other = runConfig({ ...OPTIONS, weightDecay: 0.5 });
    expect(messageOf(FileError, () => findRun(store.directory, other))).toContain('weight-decay is 1 there');
  });

  it('may have a larger budget, not a smaller one', () => {
    const larger = findRun(template, runConfig({ ...OPTIONS, steps: 60 })) as FoundRun;
    expect(larger.extended).toBe(true);
    const message = messageOf(FileError, () => findRun(template, runConfig({ ...OPTIONS, steps: 40 })));
    expect(message).toContain('steps is 50 there and 40 here (a budget can grow, not shrink)');
  });
});

describe('a larger budget', () => {
  /** A run of 45 steps that used them all: its last evaluation is due to its being the last. */
  const short = runConfig({ ...OPTIONS, steps: 45 });
  const finished = () => {
    const store = RunStore.create(newFolder());
    store.begin(short);
    store.appendMetrics([0, 10, 20, 30, 40, 44].map(evaluation));
    store.saveCheckpoint(checkpointAt(45, short), 45);
    store.saveSummary(endOf(short, [0, 10, 20, 30, 40, 44].map(evaluation)));
    store.release();
    return store.directory;
  };

  it('takes away the evaluation that only the smaller one asked for', () => {
    const found = findRun(finished(), config) as FoundRun;
    expect(found.ended).toBeUndefined();
    expect(found.evaluations.map(({ epoch }) => epoch)).toEqual([0, 10, 20, 30, 40]);
    expect((findRun(finished(), short) as FoundRun).ended).toMatchObject({ stoppedBy: 'steps' });
  });

  it.each([
    ['the end of the smaller one', 42, 45],
    ['the step before, if that was kept: the loss may not be finite at the end', 44, 44],
  ])('begins with %s', (_, previous, step) => {
    const store = RunStore.create(newFolder());
    store.begin(short);
    store.saveCheckpoint(checkpointAt(previous, short), previous);
    store.saveCheckpoint(checkpointAt(45, short), 45);
    store.release();
    expect(summaryOf(findRun(store.directory, config) as FoundRun)).toMatchObject({
      step,
      usesPrevious: step < 45,
      notices: [],
    });
    expect(summaryOf(findRun(store.directory, short) as FoundRun)).toMatchObject({ step: 45 });
  });

  it('can be continued after a kill at any moment of its beginning', () => {
    const store = RunStore.resume(finished(), config);
    store.begin(config, checkpointAt(45, config));
    store.release();
    const found = findRun(store.directory, config) as FoundRun;
    expect(found).toMatchObject({ extended: false, usesPrevious: false });
    expect(found.evaluations.map(({ epoch }) => epoch)).toEqual([0, 10, 20, 30, 40]);
    expect(existsSync(store.path('summary'))).toBe(false);
    // As if it had been killed before the metrics were cut: the row of the smaller budget is still there.
    writeFileSync(store.path('metrics'), readFileSync(join(finished(), 'metrics.csv')));
    expect((findRun(store.directory, config) as FoundRun).evaluations).toHaveLength(5);
  });
});

describe('a summary', () => {
  const rows = [0, 10, 20, 30, 40, 49].map(evaluation);
  const whole = endOf(config, rows);
  const withSummary = (summary: unknown, of: RunConfig = config) => {
    const store = RunStore.create(newFolder());
    store.begin(of);
    store.appendMetrics(rows);
    store.saveCheckpoint(checkpointAt(50, of), 50);
    store.saveSummary(summary as object);
    store.release();
    return findRun(store.directory, of) as FoundRun;
  };

  it('of a run that used its budget ends it', () => {
    expect(withSummary(whole).ended).toEqual(whole);
  });

  it.each<[string, object]>([
    ['of two fields', { steps: 50, stoppedBy: 'steps' }],
    ['that is a list', [whole]],
    ['without sessions', { ...whole, sessions: [] }],
    ['with sessions that are none', { ...whole, sessions: [{ toStep: 50 }] }],
    ['without a machine', { ...whole, machine: null }],
    ['of another step', { ...whole, steps: 51 }],
    ['with other results', { ...whole, validationAccuracy: 0.75 }],
    ['of a target that the configuration does not have', { ...whole, stoppedBy: 'target' }],
    ['of a loss that became NaN at no step', { ...whole, stoppedBy: 'nan' }],
    ['that ended for no reason', { ...whole, stoppedBy: 'lunch' }],
  ])('%s is none: the run has not ended', (_, summary) => {
    expect(withSummary(summary).ended).toBeUndefined();
  });

  it('of a target that was not reached is none', () => {
    const aimed = runConfig({ ...OPTIONS, stopAtAccuracy: 0.9 });
    expect(withSummary({ ...whole, stoppedBy: 'target' }, aimed).ended).toBeUndefined();
  });
});
