import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { FileError, TrainingError } from '../../lib/errors';
import { readCheckpoint, readMetrics } from '../../lib/train/run-store.node';
import { type SimpleTraining, simpleTrain } from '../../lib/train/simple-train.node';
import { rejectionOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';

const root = temporaryFolder();
const SIZES = { trainRows: 20, modulus: 7, dModel: 8, dFF: 12, heads: 2 } as const;
const TINY = { ...SIZES, layers: 1, epochs: 40 } as const;

const filesOf = ({ metricsFile, modelFile }: SimpleTraining) =>
  [metricsFile, modelFile].map((file) => readFileSync(file as string));

describe('simpleTrain', () => {
  const folder = join(root, 'whole');
  const settings = { folder, threads: 1 };
  let whole: SimpleTraining;
  beforeAll(async () => {
    whole = await simpleTrain(TINY, settings);
  });

  it('keeps the four numbers of every epoch and the model, under the names of the write-up', () => {
    expect(readdirSync(folder).sort()).toEqual(['20_8_12', '20_8_12.csv', '20_8_12.safetensors']);
    const rows = readMetrics(whole.metricsFile as string);
    expect(rows.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 40 }, (_, epoch) => epoch));
    const { tensors } = readCheckpoint(whole.modelFile as string);
    expect([...tensors.keys()]).toEqual(
      expect.arrayContaining([
        'embed.weight',
        'embed.pe',
        'mask',
        'decoder.layers.0.norm2.bias',
        'linear.weight',
      ]),
    );
    expect([...tensors.keys()].filter((name) => name.startsWith('optim.'))).toEqual([]);
    expect(whole.config).toMatchObject({ mask: 'causal', optimizer: 'adamw', dropoutInValidation: false });
  });

  it('only reads a training that has ended, and writes its files anew', async () => {
    const files = filesOf(whole);
    rmSync(whole.modelFile as string);
    const lines: string[] = [];
    const again = await simpleTrain(TINY, { ...settings, notify: (line) => lines.push(line) });
    expect(lines).toEqual([expect.stringContaining('it has ended')]);
    expect(again.summary).toEqual(whole.summary);
    expect(filesOf(again)).toEqual(files);
  });

  it('goes on where it was stopped, and ends with the files of a training that was not', async () => {
    const stopped = join(root, 'stopped');
    // As Ctrl-C does, at the first report of progress.
    const display = { update: () => void process.emit('SIGINT'), finish() {}, stop() {} };
    const half = await simpleTrain(TINY, { folder: stopped, threads: 1, display });
    expect(half.summary.stoppedBy).toBe('signal');
    expect(half.metricsFile ?? half.modelFile).toBeUndefined();
    expect(readdirSync(stopped)).toEqual(['20_8_12']);
    const resumed = await simpleTrain(TINY, { folder: stopped, threads: 1 });
    expect(half.summary.steps).toBeLessThan(40);
    expect(resumed.summary.sessions.map(({ toStep }) => toStep)).toEqual([half.summary.steps, 40]);
    expect(filesOf(resumed)).toEqual(filesOf(whole));
  });

  it('replaces a training of other options only when asked to, and by no model that failed', async () => {
    const files = filesOf(whole);
    const broken = { ...TINY, learningRate: 1e30 };
    expect(await rejectionOf(FileError, simpleTrain(broken, settings))).toContain('and 1e+30 here');
    const failed = simpleTrain(broken, { ...settings, overwrite: true });
    expect(await rejectionOf(TrainingError, failed)).toContain('became NaN or infinite');
    expect(filesOf(whole)).toEqual(files);
  });

  it('does as the write-up does when asked to', async () => {
    const { config, evaluations } = await simpleTrain(
      { ...SIZES, epochs: 2, asWritten: true },
      { threads: 1 },
    );
    expect(config).toMatchObject({
      mask: 'additive',
      optimizer: 'adam',
      weightDecay: 1e-2,
      learningRate: 3e-4,
      betas: [0.9, 0.98],
      dropout: 0.1,
      dropoutInValidation: true,
      batchSize: 'full',
      layers: 2,
    });
    expect(evaluations).toHaveLength(2);
  });
});
