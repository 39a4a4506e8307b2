import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMetrics } from '../../lib/train/run-store.node';
import { simpleTrain } from '../../lib/train/simple-train.node';
import { expectDamageNoticed } from '../support/damaged';
import { temporaryFolder } from '../support/temporary';

const folder = join(temporaryFolder(), 'out');

describe('simpleTrain', () => {
  it('keeps the four numbers of every epoch and the model, trained as the write-up does when asked to', async () => {
    const { config, metricsFile, modelFile } = await simpleTrain(
      { trainRows: 20, modulus: 7, dModel: 8, dFF: 12, heads: 2, layers: 1, epochs: 5, asWritten: true },
      { folder, threads: 1 },
    );
    expect(readdirSync(folder).sort()).toEqual(['20_8_12', '20_8_12.csv', '20_8_12.safetensors']);
    expect(readMetrics(metricsFile as string).map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3, 4]);
    expectDamageNoticed(modelFile as string);
    expect(config).toMatchObject({ mask: 'additive', optimizer: 'adam', dropoutInValidation: true });
  });
});
