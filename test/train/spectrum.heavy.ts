import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../lib/errors';
import type { RunOptions } from '../../lib/train/config';
import { encodeSpectrum } from '../../lib/train/spectrum';
import { readSpectrum } from '../../lib/train/spectrum.node';
import { type TrainSettings, train } from '../../lib/train/train.node';
import { messageOf } from '../support/one-line';
import { spectrumOf } from '../support/spectrum';
import { temporaryFolder } from '../support/temporary';

const root = temporaryFolder();
let folders = 0;
const newFolder = () => join(root, `run-${folders++}`);

const GPT: RunOptions = { modulus: 7, trainFraction: 0.5, dModel: 8, heads: 2, steps: 40, evalEvery: 7 };
const RECORD: TrainSettings = { threads: 1, spectrumEvery: 6 };

/** Trains in calls of one step, each with a checkpoint; dies once a step is reached. */
async function killedAt(step: number, options: RunOptions, settings: TrainSettings): Promise<void> {
  const display = {
    update: (progress: { step: number }) => {
      if (progress.step >= step) throw new Error('killed');
    },
    finish: () => {},
    stop: () => {},
  };
  const settingsOfKilled = { callSeconds: 0, checkpointSeconds: 0, display, notify: () => {}, ...settings };
  await expect(train(options, settingsOfKilled)).rejects.toThrow('killed');
}

const fileOf = (folder: string, name = 'spectrum.safetensors') => join(folder, name);
const bytes = (folder: string) =>
  ['metrics.csv', 'checkpoint.safetensors', 'spectrum.safetensors'].map((name) =>
    readFileSync(fileOf(folder, name), 'hex'),
  );

/** Goes on with a run, and what that told. */
async function goOn(out: string, settings: TrainSettings = RECORD, options = GPT) {
  const lines: string[] = [];
  const run = await train(options, {
    ...settings,
    out,
    resume: true,
    notify: (line) => void lines.push(line),
  });
  return { run, lines };
}

describe('train with spectrumEvery', () => {
  it('changes no number of the run and no other file of it', async () => {
    const [out, plain] = [newFolder(), newFolder()];
    const { spectrum, params } = await train(GPT, { ...RECORD, out });
    const without = await train(GPT, { threads: 1, out: plain });
    expect(without.spectrum).toBeUndefined();
    expect(params).toEqual(without.params);
    expect(readSpectrum(fileOf(out))).toEqual(spectrum);
    for (const name of ['metrics.csv', 'checkpoint.safetensors', 'config.json'])
      expect(readFileSync(fileOf(out, name), 'hex')).toBe(readFileSync(fileOf(plain, name), 'hex'));
  });

  it('after kills, ends with the bytes of a run that was never stopped', async () => {
    const settings = { ...RECORD, spectrumDense: 2 };
    const whole = newFolder();
    const { spectrum } = await train(GPT, { ...settings, out: whole });
    expect(spectrum?.steps.length).toBeGreaterThan(8);
    const out = newFolder();
    for (const step of [1, 9, 13, 26]) await killedAt(step, GPT, { ...settings, out, resume: true });
    const { lines } = await goOn(out, settings);
    expect(lines).toEqual([expect.stringMatching(/^going on from step/)]);
    expect(bytes(out)).toEqual(bytes(whole));
  });

  it('goes on under a larger budget as if that had been the first', async () => {
    const [whole, out] = [newFolder(), newFolder()];
    await train({ ...GPT, steps: 50 }, { ...RECORD, out: whole });
    await train(GPT, { ...RECORD, out, checkpointSeconds: 0, callSeconds: 0 });
    await goOn(out, RECORD, { ...GPT, steps: 50 });
    expect(bytes(out)).toEqual(bytes(whole));
  });

  it('stops at its target with the state that reached it, recorded once', async () => {
    const { spectrum, summary } = await train(
      { ...GPT, evalEvery: 4, stopAtAccuracy: 0.01, stopEvaluations: 1 },
      RECORD,
    );
    expect(summary.stoppedBy).toBe('target');
    expect(spectrum?.steps.at(-1)).toBe(summary.steps);
    expect(spectrum?.steps).toEqual([...new Set(spectrum?.steps)]);
  });

  it('ends, where the loss is NaN, with the last good state, recorded or not', async () => {
    for (const spectrumEvery of [1, 3]) {
      const { spectrum, summary } = await train(
        { ...GPT, learningRate: 1e38, weightDecay: 0 },
        { threads: 1, spectrumEvery },
      );
      expect(summary.stoppedBy).toBe('nan');
      expect(spectrum?.steps.at(-1)).toBe(summary.steps);
      expect(
        spectrum?.matrices.every(({ singularValues: rows }) =>
          rows.every((row) => row.every(Number.isFinite)),
        ),
      ).toBe(true);
    }
  });
});

describe('a run that goes on with its singular values', () => {
  const started = async () => {
    const out = newFolder();
    await killedAt(20, GPT, { ...RECORD, out });
    return out;
  };

  it.each([
    ['missing', (path: string) => rmSync(path), 'is missing'],
    ['cut off', (path: string) => writeFileSync(path, readFileSync(path).subarray(0, -5)), 'not a whole'],
    [
      'changed',
      (path: string) => {
        const content = readFileSync(path);
        content[content.length - 7] = (content[content.length - 7] as number) ^ 1;
        writeFileSync(path, content);
      },
      'is damaged',
    ],
    [
      'another model',
      (path: string) => writeFileSync(path, encodeSpectrum(spectrumOf([0], { w: [[1]] }))),
      'another model',
    ],
    ['another file', (path: string) => writeFileSync(path, 'hello'), 'spectrum.safetensors'],
  ])('whose file is %s is told so in one line, and records from there on', async (_, damage, part) => {
    const out = await started();
    damage(fileOf(out));
    const { run, lines } = await goOn(out);
    const told = lines.filter((line) => line.includes('spectrum.safetensors'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(part);
    expect(told[0]).toMatch(/the singular values before step \d+ are not recorded\.$/);
    expect(run.spectrum?.steps.at(-1)).toBe(40);
    expect(run.spectrum?.steps[0]).toBeGreaterThanOrEqual(18);
    expect(readSpectrum(fileOf(out))).toEqual(run.spectrum);
  });

  it('in other steps tells of it and keeps what there is', async () => {
    const out = await started();
    const { run, lines } = await goOn(out, { ...RECORD, spectrumEvery: 10, spectrumDense: 5 });
    expect(lines.join()).toContain(
      'was recorded every 6 steps; the run goes on with every 10 steps, 5 where accuracy moves',
    );
    expect(run.spectrum?.steps.slice(0, 4)).toEqual([0, 6, 12, 20]);
    expect(run.spectrum?.steps).toContain(30);
    expect(run.spectrum?.steps.at(-1)).toBe(40);
  });

  it('after a session without it tells of the gap', async () => {
    const out = await started();
    await killedAt(34, GPT, { out, threads: 1, resume: true });
    expect((await goOn(out)).lines.join()).toMatch(/no singular values of steps after 18 and before 3\d\./);
  });

  it('that has ended without them says so', async () => {
    const out = newFolder();
    await train(GPT, { threads: 1, out });
    const { run, lines } = await goOn(out);
    expect(lines.join()).toContain('singular values cannot be read');
    expect(run.spectrum).toBeUndefined();
  });
});

describe('a folder with singular values', () => {
  it('loses them where the run is replaced by one that records none', async () => {
    const out = newFolder();
    await train(GPT, { ...RECORD, out });
    await train(GPT, { threads: 1, out, overwrite: true });
    expect(messageOf(FileError, () => readSpectrum(fileOf(out)))).toContain('no such file');
  });
});
