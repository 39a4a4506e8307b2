import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../lib/train/checkpoint';
import type { Evaluation } from '../../lib/train/progress';
import { isPublished, publishRun, thinEvaluations, thinSpectrum } from '../../lib/train/publish.node';
import { readCheckpoint, readMetrics } from '../../lib/train/run-store.node';
import type { Spectrum } from '../../lib/train/spectrum';
import { readSpectrum } from '../../lib/train/spectrum.node';
import { namedHostTensors } from '../../lib/train/state';
import { train } from '../../lib/train/train.node';
import { expectDamageNoticed } from '../support/damaged';
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

  it('keeps the singular values of the same steps in all matrices', () => {
    const steps = Array.from({ length: 1000 }, (_, i) => 10 * i);
    const matrix = (name: string, sign: number) => ({
      name,
      shape: [1, 2] as const,
      singularValues: steps.map((step) => Float32Array.of(sign * step)),
    });
    const spectrum: Spectrum = {
      schedule: { every: 10 },
      steps,
      matrices: [matrix('a', 1), matrix('b', -1)],
    };
    const thinned = thinSpectrum(spectrum, 50);
    expect(thinned.steps.length).toBeGreaterThan(20);
    expect(thinned.steps).toEqual(thinEvaluations(steps.map(row), 50).map(({ epoch }) => epoch));
    const [a, b] = thinned.matrices.map(({ singularValues }) => singularValues.map(([value]) => value));
    expect(a).toEqual(thinned.steps);
    expect(b).toEqual(thinned.steps.map((step) => (step === 0 ? -0 : -step)));
    expect(thinSpectrum(spectrum, 1000)).toEqual(spectrum);
  });
});

describe('publishing a run', () => {
  const folder = temporaryFolder();

  it('writes configuration, metrics, weights and summary, the summary marking it complete', async () => {
    const options = { modulus: 7, dModel: 8, steps: 30, seed: 2 };
    const run = await train(options, { threads: 1, spectrumEvery: 10 });
    const { spectrum, ...unwatched } = run;
    const [bare, full, few] = ['bare', 'full', 'few'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    expect(isPublished(full)).toBe(false);
    publishRun(unwatched, bare, { weights: false });
    publishRun(run, full, { weights: true });
    publishRun(run, few, { weights: false, records: 3 });
    expect(isPublished(full)).toBe(true);
    for (const file of ['weights.safetensors', 'spectrum.safetensors']) {
      expect([file, existsSync(join(bare, file))]).toEqual([file, false]);
    }
    expect(readSpectrum(join(full, 'spectrum.safetensors'))).toEqual(spectrum);
    expect(spectrum?.steps).toEqual([0, 10, 20, 30]);
    expect(readSpectrum(join(few, 'spectrum.safetensors')).steps).toEqual([0, 30]);
    const weights = join(full, 'weights.safetensors');
    const { params } = loadModel(readCheckpoint(weights), 'weights');
    expect(namedHostTensors(params)).toEqual(namedHostTensors(run.params));
    expect(readMetrics(join(full, 'metrics.csv'))).toEqual(run.evaluations);
    expect(JSON.parse(readFileSync(join(full, 'summary.json'), 'utf8'))).toEqual(run.summary);
    expect(JSON.parse(readFileSync(join(full, 'config.json'), 'utf8'))).toEqual(run.config);
    const bytes = readFileSync(weights);
    publishRun(run, full, { weights: true });
    expect(readFileSync(weights).equals(bytes)).toBe(true);
    expectDamageNoticed(weights);
  });
});
