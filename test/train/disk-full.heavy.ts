import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FileError } from '../../lib/errors';
import type { RunOptions } from '../../lib/train/config';
import { RunStore, readCheckpoint, readMetrics } from '../../lib/train/run-store.node';
import { train } from '../../lib/train/train.node';
import { rejectionOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';

const root = temporaryFolder();
const disk = join(root, 'disk');
mkdirSync(disk);

/** A real file system of 256 kB, which takes the right to mount one. */
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]).status === 0;
afterAll(() => {
  // Lazily: whatever still holds a file there, the folder has to go.
  if (mounted) spawnSync('umount', ['-l', disk]);
});

const filler = join(disk, 'filler');
function fillDisk(): void {
  for (const size of [65536, 4096, 512, 1]) {
    try {
      for (;;) appendFileSync(filler, Buffer.alloc(size));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    }
  }
}

const OPTIONS: RunOptions = {
  modulus: 7,
  trainFraction: 0.5,
  dModel: 16,
  heads: 2,
  steps: 60,
  evalEvery: 1,
};

describe.skipIf(!mounted)('a disk that becomes full', () => {
  const out = join(disk, 'run');

  it('ends the run with one clear line, keeps its last state, and lets it go on once there is space', async () => {
    const whole = join(root, 'whole');
    await train(OPTIONS, { out: whole, threads: 1 });
    const display = {
      update: ({ step }: { step: number }) => {
        if (step === 20) fillDisk();
      },
      finish: () => {},
      stop: () => {},
    };
    const settings = { out, threads: 1, callSeconds: 0, checkpointSeconds: 0 };
    const message = await rejectionOf(FileError, train(OPTIONS, { ...settings, display }));
    expect(message).toMatch(
      /^cannot write .+: the disk is full; free some space, then go on by --resume: the run is kept up to step \d+\.$/,
    );
    const step = Number(/step (\d+)/.exec(message)?.[1]);
    expect(step).toBeGreaterThan(15);
    expect(readCheckpoint(join(out, 'checkpoint.safetensors')).metadata.step).toBe(String(step));
    expect(readMetrics(join(out, 'metrics.csv')).length).toBeGreaterThanOrEqual(step);
    expect(readdirSync(out).filter((name) => /tmp|lock/.test(name))).toEqual([]);

    expect(await rejectionOf(FileError, train(OPTIONS, { ...settings, resume: true }))).toContain(
      'the disk is full',
    );
    rmSync(filler);
    await train(OPTIONS, { out, threads: 1, resume: true });
    for (const name of ['metrics.csv', 'checkpoint.safetensors']) {
      expect(readFileSync(join(out, name)).equals(readFileSync(join(whole, name)))).toBe(true);
    }
  });

  it('is told before any training where it is full already', () => {
    fillDisk();
    expect(() => RunStore.create(join(disk, 'another')).begin({})).toThrow('the disk is full');
    rmSync(filler);
  });
});
