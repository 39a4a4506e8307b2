import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../lib/train/checkpoint';
import type { Evaluation } from '../../lib/train/progress';
import { isPublished, publishRun, thinEvaluations } from '../../lib/train/publish.node';
import { readCheckpoint, readMetrics } from '../../lib/train/run-store.node';
import { namedHostTensors } from '../../lib/train/state';
import { train } from '../../lib/train/train.node';
import { temporaryFolder } from '../support/temporary';

const row = (epoch: number): Evaluation => ({
  epoch,
  trainAccuracy: 0.5,
  trainLoss: 1,
  validationAccuracy: 0.25,
  validationLoss: 2,
});

describe('thinning', () => {
  it('keeps at most as many rows as asked, in order, with the first and the last', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 3, max: 500 }),
        fc.integer({ min: 1, max: 50 }),
        (count, most, every) => {
          const rows = Array.from({ length: count }, (_, i) => row(i * every));
          const kept = thinEvaluations(rows, most);
          expect(kept.length).toBeLessThanOrEqual(most);
          expect(kept.length === count || count > most).toBe(true);
          expect([kept[0], kept.at(-1)]).toEqual([rows[0], rows.at(-1)]);
          expect(kept.every((one, i) => i === 0 || one.epoch > (kept[i - 1] as Evaluation).epoch)).toBe(true);
        },
      ),
    );
  });

  it('keeps rows densely at the start and sparsely at the end', () => {
    const kept = thinEvaluations(
      Array.from({ length: 10_000 }, (_, i) => row(i)),
      100,
    );
    const between = (from: number, to: number) =>
      kept.filter(({ epoch }) => epoch >= from && epoch < to).length;
    expect(between(0, 100)).toBeGreaterThan(25);
    expect(between(1000, 10_000)).toBeLessThan(30);
  });
});

describe('publishing a run', () => {
  const folder = temporaryFolder();

  it('writes configuration, metrics, weights and summary, the summary marking it complete', async () => {
    const run = await train({ modulus: 7, dModel: 8, steps: 30, seed: 2 }, { threads: 1 });
    const [bare, full] = [join(folder, 'bare'), join(folder, 'full')];
    expect(isPublished(full)).toBe(false);
    publishRun(run, bare, { weights: false });
    publishRun(run, full, { weights: true });
    expect(isPublished(full)).toBe(true);
    expect(existsSync(join(bare, 'weights.safetensors'))).toBe(false);
    const { params } = loadModel(readCheckpoint(join(full, 'weights.safetensors')), 'weights');
    expect(namedHostTensors(params)).toEqual(namedHostTensors(run.params));
    expect(readMetrics(join(full, 'metrics.csv'))).toEqual(run.evaluations);
    expect(JSON.parse(readFileSync(join(full, 'summary.json'), 'utf8'))).toEqual(run.summary);
    expect(JSON.parse(readFileSync(join(full, 'config.json'), 'utf8'))).toEqual(run.config);
  });
});
