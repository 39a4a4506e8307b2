import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { FileError } from '../../lib/errors';
import { RUN_FILES } from '../../lib/train/run-files.node';
import { RunStore } from '../../lib/train/run-store.node';
import { checkpointAt, configOf, play, sessionTo } from '../support/play-run';
import { temporaryFolder } from '../support/temporary';

// Without flushing, which takes most of the time.
vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  return {
    ...real,
    fsyncSync: () => {},
    writeFileSync: (path: string, content: string | Uint8Array) => real.writeFileSync(path, content),
  };
});

const root = temporaryFolder();
let folders = 0;
const newFolder = () => join(root, `run-${folders++}`);

const config = configOf(20);
const ended = newFolder();
play(ended, config, 'new');

/** The same run, killed after a checkpoint. */
const killed = newFolder();
const store = RunStore.create(killed);
store.begin(config);
store.saveSessions([sessionTo(0)]);
for (let epoch = 0; epoch < 17; epoch++) {
  if (epoch % 4 === 0) {
    const loss = Math.fround(Math.sin(epoch + 1));
    store.appendMetrics([
      { epoch, trainAccuracy: 0.5, trainLoss: loss, validationAccuracy: 0.25, validationLoss: 2 },
    ]);
  }
  if (epoch % 3 === 2) store.saveCheckpoint(checkpointAt(epoch, config), epoch);
}
store.release();
writeFileSync(join(killed, 'run.lock'), '1 elsewhere\n');

/** What a run leaves: the bytes of two files, and its configuration, in whatever layout. */
const result = (directory: string) => [
  ...['metrics.csv', 'checkpoint.safetensors'].map((name) => readFileSync(join(directory, name), 'hex')),
  JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')),
];

/** What is done to a file: a bit flipped at a place, all cut off from there on, or the file removed. */
interface Damage {
  readonly file: number;
  readonly kind: 'flip' | 'truncate' | 'delete';
  readonly place: number;
  readonly bit: number;
}

function damage(folder: string, { file, kind, place, bit }: Damage): void {
  const names = readdirSync(folder).sort();
  const path = join(folder, names[file % names.length] as string);
  const bytes = readFileSync(path);
  const at = Math.floor(place * bytes.length);
  if (kind === 'delete') rmSync(path);
  else if (kind === 'truncate' || bytes.length === 0) truncateSync(path, at);
  else {
    bytes[at] = (bytes[at] as number) ^ (1 << bit);
    writeFileSync(path, bytes);
  }
}

const damages = fc.record<Damage>({
  file: fc.nat(5),
  kind: fc.constantFrom('flip', 'flip', 'flip', 'truncate', 'delete'),
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  bit: fc.nat(7),
});

describe('a run folder with damaged files', () => {
  it.each([
    ['killed', killed],
    ['ended', ended],
  ])('of a run that was %s: is continued to the same bytes, or refused in one line', (_, template) => {
    fc.assert(
      fc.property(fc.array(damages, { minLength: 1, maxLength: 3 }), (list) => {
        const folder = newFolder();
        cpSync(template, folder, { recursive: true });
        for (const one of list) damage(folder, one);
        try {
          play(folder, config, 'resume');
          expect(result(folder)).toEqual(result(ended));
        } catch (error) {
          if (!(error instanceof FileError)) throw error;
          expect(error.message).not.toContain('\n');
        }
        rmSync(folder, { recursive: true });
      }),
      { numRuns: 50 },
    );
  });

  it.each(['metrics', 'config', 'summary', 'sessions', 'previous'] as const)(
    'is continued whatever single byte of its %s is another one',
    (file) => {
      for (const template of [killed, ended]) {
        const path = join(template, RUN_FILES[file]);
        if (!existsSync(path)) continue;
        const bytes = readFileSync(path);
        const step = Math.ceil(bytes.length / 12);
        for (let place = 0; place < bytes.length; place += step) {
          const folder = newFolder();
          cpSync(template, folder, { recursive: true });
          const changed = Buffer.from(bytes);
          changed[place] = (bytes[place] as number) ^ 1;
          writeFileSync(join(folder, RUN_FILES[file]), changed);
          play(folder, config, 'resume');
          expect(result(folder)).toEqual(result(ended));
        }
      }
    },
  );
});
