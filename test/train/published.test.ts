/** @file What `npm run published` is to make, and what it has made. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type RunOptions, runConfig } from '../../lib/train/config';
import { checkSchedule } from '../../lib/train/spectrum-recorder';

const published = fileURLToPath(new URL('../../output/published', import.meta.url));
const read = (...path: string[]) => JSON.parse(readFileSync(join(published, ...path), 'utf8'));

interface Entry {
  readonly folder: string;
  readonly seeds?: readonly number[];
  readonly options: RunOptions;
  readonly spectrum?: { readonly every: number; readonly dense?: number };
}
const entries: Entry[] = [...read('runs.json'), ...read('singular-values', 'protocol.json').runs];
const runs = entries.flatMap(({ folder, seeds, options, spectrum }) =>
  (seeds ?? [undefined]).map((seed) => ({
    folder: folder.replace('{seed}', String(seed)),
    config: runConfig(seed === undefined ? options : { ...options, seed }),
    spectrum,
  })),
);

describe('the list of published runs', () => {
  it('has a folder for each, and singular values that can be recorded', () => {
    expect(new Set(runs.map(({ folder }) => folder)).size).toBe(runs.length);
    const watched = entries.flatMap(({ spectrum }) => spectrum ?? []);
    expect(watched.length).toBeGreaterThan(0);
    for (const schedule of watched) checkSchedule(schedule);
  });

  it('is what the runs that are there were made from', () => {
    const there = runs.filter(({ folder }) => existsSync(join(published, folder, 'summary.json')));
    expect(there.length).toBeGreaterThan(0);
    for (const { folder, config, spectrum } of there) {
      // Runs of before an option was there do not name it.
      expect([folder, config]).toMatchObject([folder, read(folder, 'config.json')]);
      const recorded = existsSync(join(published, folder, 'spectrum.safetensors'));
      expect([folder, recorded]).toEqual([folder, spectrum !== undefined]);
    }
  });
});
