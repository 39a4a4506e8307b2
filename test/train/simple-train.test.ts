import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpoint, readMetrics } from '../../lib/train/run-store.node';
import { simpleTrain } from '../../lib/train/simple-train.node';
import { temporaryFolder } from '../support/temporary';

const folder = temporaryFolder();
const TINY = { trainRows: 20, modulus: 7, dModel: 8, dFF: 12, heads: 2, epochs: 6 } as const;

describe('simpleTrain', () => {
  it('keeps the four numbers of every epoch and the model, under the names of the write-up', async () => {
    const run = await simpleTrain(TINY, { folder: join(folder, 'out'), threads: 1 });
    expect(readdirSync(join(folder, 'out')).sort()).toEqual(['20_8_12.csv', '20_8_12.safetensors']);
    const rows = readMetrics(run.metricsFile as string);
    expect(rows.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3, 4, 5]);
    const { tensors } = readCheckpoint(run.modelFile as string);
    expect([...tensors.keys()]).toEqual(
      expect.arrayContaining([
        'embed.weight',
        'embed.pe',
        'mask',
        'decoder.layers.1.norm2.bias',
        'linear.weight',
      ]),
    );
    expect([...tensors.keys()].filter((name) => name.startsWith('optim.'))).toEqual([]);
    expect(run.config).toMatchObject({ mask: 'causal', optimizer: 'adamw', dropoutInValidation: false });
  });

  it('does as the write-up does when asked to', async () => {
    const { config, evaluations } = await simpleTrain(
      { ...TINY, epochs: 2, asWritten: true },
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
