import * as fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ArgumentError, FileError } from '../../lib/errors';
import { runConfig } from '../../lib/train/config';
import { historyOf } from '../../lib/train/history';
import { parseMetrics } from '../../lib/train/metrics-csv';
import type { Evaluation } from '../../lib/train/progress';
import { RunStore, readCheckpoint, readMetrics } from '../../lib/train/run-store.node';
import { encodeSafetensors } from '../../lib/train/safetensors';
import { messageOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';

const half = (content: unknown) =>
  typeof content === 'string'
    ? content.slice(0, content.length / 2)
    : (content as Uint8Array).subarray(0, (content as Uint8Array).length / 2);

// The file system itself, but each call can be made to fail or be counted.
vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  return {
    ...real,
    writeFileSync: vi.fn(real.writeFileSync),
    renameSync: vi.fn(real.renameSync),
    linkSync: vi.fn(real.linkSync),
    mkdirSync: vi.fn(real.mkdirSync),
    writeSync: vi.fn(real.writeSync),
  };
});
const real = await vi.importActual<typeof import('node:fs')>('node:fs');

afterEach(() => {
  vi.mocked(fs.writeFileSync).mockReset().mockImplementation(real.writeFileSync);
  vi.mocked(fs.renameSync).mockReset().mockImplementation(real.renameSync);
  vi.mocked(fs.linkSync).mockReset().mockImplementation(real.linkSync);
});

const root = temporaryFolder();
let folders = 0;
const newFolder = () => join(root, `run-${folders++}`);

/** A store whose run has begun. */
function begun(directory = newFolder(), options?: { overwrite: boolean }): RunStore {
  const store = RunStore.create(directory, options);
  store.begin({});
  return store;
}

const evaluation = (epoch: number): Evaluation => ({
  epoch,
  trainAccuracy: 1,
  trainLoss: Math.fround(1 / (epoch + 3)),
  validationAccuracy: 0.5,
  validationLoss: Math.fround(1e-7 * epoch),
});
const evaluations = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => evaluation(from + index));

const checkpoint = (value: number) =>
  encodeSafetensors(new Map([['w', { dtype: 'F32', shape: [1], data: Float32Array.of(value) }]]), {
    step: '7',
  });

const read = (path: string) => real.readFileSync(path, 'utf8');

describe('a run', () => {
  it('leaves its files and nothing else', () => {
    const store = RunStore.create(join(newFolder(), 'nested', 'run'));
    expect(real.readdirSync(store.directory)).toEqual(['run.lock']);
    store.begin({ preset: 'gpt', modulus: 113 });
    store.saveSessions([]);
    store.appendMetrics(evaluations(3));
    store.saveCheckpoint(checkpoint(1), 2);
    store.saveCheckpoint(checkpoint(2), 3);
    store.saveSummary({ steps: 3, trainLoss: Number.NaN });
    store.release();
    expect(real.readdirSync(store.directory).sort()).toEqual([
      'checkpoint.previous.safetensors',
      'checkpoint.safetensors',
      'config.json',
      'metrics.csv',
      'summary.json',
    ]);
    expect(read(store.path('config'))).toBe('{\n  "preset": "gpt",\n  "modulus": 113\n}\n');
    expect(JSON.parse(read(store.path('summary')))).toEqual({ steps: 3, trainLoss: null });
    expect(readMetrics(store.path('metrics'))).toEqual(evaluations(3));
    const { tensors, metadata } = readCheckpoint(store.path('checkpoint'));
    expect(tensors.get('w')?.data).toEqual(Float32Array.of(2));
    expect(metadata).toEqual({
      step: '7',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(readCheckpoint(store.path('previous')).tensors.get('w')?.data).toEqual(Float32Array.of(1));
  });

  it('keeps the checkpoint before the newest one, also where the file system knows no second names', () => {
    for (const links of [true, false]) {
      if (!links) {
        vi.mocked(fs.linkSync).mockImplementation(() => {
          throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' });
        });
      }
      const store = begun();
      for (const value of [1, 2, 3]) {
        store.saveCheckpoint(checkpoint(value), value);
        expect(readCheckpoint(store.path('checkpoint')).tensors.get('w')?.data).toEqual(
          Float32Array.of(value),
        );
        if (value > 1) {
          expect(readCheckpoint(store.path('previous')).tensors.get('w')?.data).toEqual(
            Float32Array.of(value - 1),
          );
        }
      }
      expect(real.readdirSync(store.directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    }
  });

  it('keeps the checkpoint before where the newest is saved again', () => {
    const store = begun();
    for (const [value, step] of [1, 2, 2].entries()) store.saveCheckpoint(checkpoint(value), step);
    const numberIn = (file: 'checkpoint' | 'previous') =>
      readCheckpoint(store.path(file)).tensors.get('w')?.data;
    expect([numberIn('previous'), numberIn('checkpoint')]).toEqual([Float32Array.of(0), Float32Array.of(2)]);
  });

  it('gives the checkpoint the evaluations before its step', () => {
    const store = begun();
    store.appendMetrics(evaluations(10));
    for (const step of [0, 4, 5, 10, 11]) {
      const bytes = encodeSafetensors(new Map(), { step: String(step) });
      store.saveCheckpoint(bytes, step);
      const path = store.path('checkpoint');
      expect(historyOf(readCheckpoint(path), path)).toEqual(evaluations(Math.min(step, 10)));
    }
  });
});

describe('metrics', () => {
  it('are in the file at once while it is small', () => {
    const store = begun();
    for (let epoch = 0; epoch < 200; epoch++) {
      store.appendMetrics([evaluation(epoch)]);
      expect(readMetrics(store.path('metrics'))).toHaveLength(epoch + 1);
    }
  });

  it('are all there after flushing, however they were grouped', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 20 }), (groups) => {
        const store = begun();
        let count = 0;
        for (const size of groups) {
          store.appendMetrics(evaluations(size, count));
          count += size;
          expect(readMetrics(store.path('metrics')).length).toBeGreaterThanOrEqual(Math.floor(count * 0.96));
        }
        store.flushMetrics();
        expect(readMetrics(store.path('metrics'))).toEqual(evaluations(count));
      }),
      { numRuns: 10 },
    );
  });

  it('are written before the checkpoint and before the summary', () => {
    for (const save of ['saveCheckpoint', 'saveSummary'] as const) {
      const store = begun();
      store.appendMetrics(evaluations(5000));
      store.appendMetrics([evaluation(5000)]);
      expect(readMetrics(store.path('metrics'))).toHaveLength(5000);
      if (save === 'saveCheckpoint') store.saveCheckpoint(checkpoint(1), 5001);
      else store.saveSummary({});
      expect(readMetrics(store.path('metrics'))).toHaveLength(5001);
    }
  });

  it('are not rewritten at every append once there are many: 50,000 rows write less than 100 files of that size', () => {
    const store = begun();
    let written = 0;
    vi.mocked(fs.renameSync).mockImplementation(() => undefined);
    vi.mocked(fs.writeFileSync).mockImplementation((_, content) => {
      written += (content as string).length;
    });
    for (let epoch = 0; epoch < 50_000; epoch++) store.appendMetrics([evaluation(epoch)]);
    vi.mocked(fs.renameSync).mockImplementation(real.renameSync);
    vi.mocked(fs.writeFileSync).mockImplementation(real.writeFileSync);
    store.appendMetrics([evaluation(50_000)]);
    store.flushMetrics();
    expect(readMetrics(store.path('metrics'))).toHaveLength(50_001);
    expect(written).toBeLessThan(100 * real.statSync(store.path('metrics')).size);
  });

  it.each([3, 2, Number.NaN])('refuse epoch %s after epoch 3', (epoch) => {
    const store = begun();
    store.appendMetrics([evaluation(3)]);
    const message = messageOf(ArgumentError, () => store.appendMetrics([evaluation(epoch)]));
    expect(message).toContain(`epoch ${epoch} come after epoch 3`);
    store.flushMetrics();
    expect(readMetrics(store.path('metrics'))).toEqual([evaluation(3)]);
  });
});

describe('a run that stops halfway through a write', () => {
  const stops = {
    'while writing': () =>
      vi.mocked(fs.writeFileSync).mockImplementation((path, content) => {
        real.writeFileSync(path, half(content));
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      }),
    'before renaming': () =>
      vi.mocked(fs.renameSync).mockImplementation(() => {
        throw Object.assign(new Error('EACCES: permission denied, rename'), { code: 'EACCES' });
      }),
  };

  it.each(Object.entries(stops))('%s: leaves the old files whole', (_, stop) => {
    const store = begun();
    store.appendMetrics(evaluations(2));
    store.saveCheckpoint(checkpoint(1), 2);
    store.saveSessions([]);
    stop();
    expect(messageOf(FileError, () => store.saveSessions([]))).toContain(
      `cannot write ${store.path('sessions')}: `,
    );
    expect(messageOf(FileError, () => store.saveCheckpoint(checkpoint(2), 2))).toMatch(
      /(disk is full; free some space|permission denied; choose .*), then go on by --resume: the run is kept up to step 2\.$/,
    );
    messageOf(FileError, () => store.appendMetrics([evaluation(2)]));
    expect(JSON.parse(read(store.path('sessions')))).toEqual([]);
    expect(readCheckpoint(store.path('checkpoint')).tensors.get('w')?.data).toEqual(Float32Array.of(1));
    expect(readMetrics(store.path('metrics'))).toEqual(evaluations(2));
    expect(real.readdirSync(store.directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('and goes on later: the metrics that waited are not lost', () => {
    const store = begun();
    stops['while writing']();
    messageOf(FileError, () => store.appendMetrics([evaluation(0)]));
    vi.mocked(fs.writeFileSync).mockImplementation(real.writeFileSync);
    store.appendMetrics([evaluation(1)]);
    expect(readMetrics(store.path('metrics'))).toEqual(evaluations(2));
  });

  it('never shows a file that is not complete, at any call to the file system', () => {
    const directory = newFolder();
    const seen = new Set<number>();
    const look = () => {
      const path = join(directory, 'metrics.csv');
      if (real.existsSync(path)) seen.add(parseMetrics(read(path), path).length);
    };
    vi.mocked(fs.writeFileSync).mockImplementation((path, content, options) => {
      look();
      real.writeFileSync(path, half(content));
      look();
      real.writeFileSync(path, content, options);
      look();
    });
    vi.mocked(fs.renameSync).mockImplementation((from, to) => {
      look();
      real.renameSync(from, to);
      look();
    });
    const store = begun(directory);
    for (let epoch = 0; epoch < 20; epoch++) store.appendMetrics([evaluation(epoch)]);
    expect([...seen]).toEqual(Array.from({ length: 21 }, (_, count) => count));
  });
});

describe('RunStore.create', () => {
  it('refuses a folder that holds a run, unless told to overwrite it', () => {
    for (const name of ['config.json', 'metrics.csv', 'checkpoint.safetensors', 'summary.json']) {
      const directory = newFolder();
      real.mkdirSync(directory);
      real.writeFileSync(join(directory, name), 'old');
      const message = messageOf(FileError, () => RunStore.create(directory));
      expect(message).toContain(`${directory} already holds a run`);
      expect(message).toContain('--resume');
      expect(message).toContain(name);
      expect(read(join(directory, name))).toBe('old');
    }
  });

  it('overwrites the run alone, and not before the new one begins', () => {
    const directory = newFolder();
    real.mkdirSync(directory);
    const old = ['checkpoint.safetensors', 'checkpoint.safetensors.tmp', 'config.json', 'notes.txt'];
    for (const name of old) real.writeFileSync(join(directory, name), 'old');
    const abandoned = RunStore.create(directory, { overwrite: true });
    abandoned.release();
    expect(real.readdirSync(directory).sort()).toEqual(old);
    const store = begun(directory, { overwrite: true });
    store.release();
    expect(real.readdirSync(directory).sort()).toEqual(['config.json', 'metrics.csv', 'notes.txt']);
    expect(readMetrics(store.path('metrics'))).toEqual([]);
  });

  it.each([['notes.txt'], ['config.json', 'index.ts'], ['.git']])(
    'is not begun among other files where no run is: %s %s',
    (...names) => {
      const directory = newFolder();
      real.mkdirSync(directory);
      for (const name of names) real.writeFileSync(join(directory, name), '{}');
      for (const open of [
        () => RunStore.create(directory),
        () => RunStore.create(directory, { overwrite: true }),
        () => RunStore.resume(directory, runConfig()),
      ]) {
        expect(messageOf(FileError, open)).toBe(
          `${directory} holds other files and no run; choose an empty or a new folder.`,
        );
      }
      expect(real.readdirSync(directory).sort()).toEqual([...names].sort());
    },
  );

  it('is begun where only what a run leaves behind is left', () => {
    const directory = newFolder();
    real.mkdirSync(directory);
    for (const name of ['run.lock', 'metrics.csv.tmp']) real.writeFileSync(join(directory, name), '');
    begun(directory).release();
    expect(real.readdirSync(directory)).toContain('metrics.csv');
  });

  it('refuses a folder that another store holds, until that lets it go', () => {
    const store = begun();
    const message = messageOf(FileError, () => RunStore.create(store.directory, { overwrite: true }));
    expect(message).toContain(`${store.directory} is in use by process ${process.pid}: `);
    store.release();
    begun(store.directory, { overwrite: true }).release();
  });

  it('goes on where another process makes the same folders at the same time', () => {
    vi.mocked(fs.mkdirSync).mockImplementationOnce((path) => {
      real.mkdirSync(path);
      throw Object.assign(new Error('EEXIST: file already exists, mkdir'), { code: 'EEXIST' });
    });
    const directory = join(newFolder(), 'run');
    RunStore.create(directory).release();
    expect(real.existsSync(directory)).toBe(true);
  });

  it('takes the lock also where there is no room to note who holds it', () => {
    vi.mocked(fs.writeSync).mockImplementationOnce(() => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    });
    const store = RunStore.create(newFolder());
    expect(messageOf(FileError, () => RunStore.create(store.directory))).toContain(
      'in use by another process',
    );
    store.release();
  });

  it('refuses a path that is a file, or leads through one', () => {
    const path = join(root, 'a-file');
    real.writeFileSync(path, '');
    expect(messageOf(FileError, () => RunStore.create(path))).toContain(`cannot make the folder ${path}: `);
    const below = join(path, 'run');
    expect(messageOf(FileError, () => RunStore.create(below))).toContain(`cannot make the folder ${below}: `);
  });

  it('refuses a folder that cannot be written', () => {
    vi.mocked(fs.writeFileSync).mockImplementation(() => {
      throw Object.assign(new Error('EROFS: read-only file system, open'), { code: 'EROFS' });
    });
    expect(messageOf(FileError, () => begun())).toContain('the file system is read-only');
  });
});

describe('readCheckpoint', () => {
  it('refuses what is missing, a folder, cut off or something else, naming the path', () => {
    const missing = join(root, 'missing.safetensors');
    const cut = join(root, 'cut.safetensors');
    const other = join(root, 'other.json');
    real.writeFileSync(cut, checkpoint(1).subarray(0, -1));
    real.writeFileSync(other, '{"this is": "not a checkpoint"}');
    const cases = [
      [missing, 'there is no such file'],
      [root, 'it is a folder'],
      [join(other, 'below'), 'a part of this path is a file'],
      [cut, 'reaches beyond the 3 bytes of data'],
      [other, 'is not a safetensors file'],
    ] as const;
    for (const [path, expected] of cases) {
      const message = messageOf(FileError, () => readCheckpoint(path));
      expect(message).toContain(path);
      expect(message).toContain(expected);
    }
  });
});
