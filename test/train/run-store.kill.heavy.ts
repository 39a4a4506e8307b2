import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { runConfig } from '../../lib/train/config';
import { RunStore } from '../../lib/train/run-store.node';
import { checkpointAt, configOf, play } from '../support/play-run';
import { temporaryFolder } from '../support/temporary';

/** The process is gone: from the call that it is killed in, nothing reaches the disk any more. */
class Killed extends Error {}
const machine = { calls: 0, killedAt: Number.POSITIVE_INFINITY };
/** What was done to files, in order, by their names. */
const record: string[] = [];

/** Counts the calls that change the disk; the last one before the end is carried out by half, or not at all. */
const { alive } = vi.hoisted(() => ({
  alive: { check: (_half?: () => void) => {}, done: (_action: string, ..._paths: unknown[]) => {} },
}));
alive.done = (action, ...paths) => {
  record.push([action, ...paths.map((path) => basename(String(path)))].join(' '));
};
alive.check = (half) => {
  machine.calls++;
  if (machine.calls === machine.killedAt) half?.();
  if (machine.calls >= machine.killedAt) throw new Killed('killed');
};

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  const opened = new Map<number, string>();
  const counted =
    <A extends unknown[], R>(action: (...args: A) => R) =>
    (...args: A): R => {
      alive.check();
      return action(...args);
    };
  return {
    ...real,
    openSync: (path: string, ...more: [string]) => {
      const file = real.openSync(path, ...more);
      opened.set(file, path);
      return file;
    },
    // Nothing here needs to outlive the machine, so nothing is flushed.
    fsyncSync: (file: number) => alive.done('flush', opened.get(file)),
    writeFileSync: (path: string, content: string | Uint8Array, options?: { flush?: boolean }) => {
      alive.check(() => real.writeFileSync(path, content.slice(0, content.length / 2)));
      real.writeFileSync(path, content);
      alive.done(options?.flush ? 'write and flush' : 'write', path);
    },
    renameSync: counted((from: string, to: string) => {
      real.renameSync(from, to);
      alive.done('rename', from, to);
    }),
    linkSync: counted(real.linkSync),
    rmSync: counted(real.rmSync),
    ftruncateSync: counted(real.ftruncateSync),
    writeSync: counted(real.writeSync),
  };
});

const root = temporaryFolder();
let folders = 0;
const newFolder = () => join(root, `run-${folders++}`);

/** Plays a run that is killed in one of its calls to the disk; whether it came that far. */
function playKilled(killedAt: number, ...run: Parameters<typeof play>): boolean {
  machine.calls = 0;
  machine.killedAt = killedAt;
  try {
    play(...run);
    return false;
  } catch (error) {
    // Whatever was made of it on the way, it was the kill.
    if (machine.calls < killedAt) throw error;
    return true;
  } finally {
    machine.killedAt = Number.POSITIVE_INFINITY;
  }
}

const result = (directory: string) =>
  ['metrics.csv', 'checkpoint.safetensors', 'config.json', 'summary.json'].map((name) =>
    fs.readFileSync(join(directory, name), 'hex'),
  );
/** What else lies in the folder, but for what a kill may leave: a checkpoint before, sessions that the summary has too, and a free lock. */
const left = (directory: string) =>
  fs.readdirSync(directory).filter((name) => !/previous|sessions.json|run.lock/.test(name));

const config = configOf(8);
const whole = newFolder();
play(whole, config, 'new');

describe('a run that is killed in a call to the disk and continued', () => {
  it('ends with the same bytes, whichever call it was', () => {
    let at = 1;
    for (; ; at++) {
      const directory = newFolder();
      if (!playKilled(at, directory, config, 'new')) break;
      play(directory, config, 'resume');
      expect(result(directory)).toEqual(result(whole));
      expect(left(directory)).toEqual(left(whole));
    }
    expect(at).toBeGreaterThan(30);
  });

  it('ends with the same bytes however often it is killed', () => {
    const kills = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 6 });
    fc.assert(
      fc.property(kills, (places) => {
        const directory = newFolder();
        for (const at of places) playKilled(at, directory, config, 'resume');
        play(directory, config, 'resume');
        expect(result(directory)).toEqual(result(whole));
      }),
      { numRuns: 8 },
    );
  });

  // Of a budget of 8 the last checkpoint is taken, of 9 the one before, which is of the step before.
  it.each([8, 9])(
    'ends with the bytes of a larger budget than %i, whichever call of the longer run it was',
    (steps) => {
      const longer = configOf(10);
      const expected = newFolder();
      play(expected, longer, 'new');
      for (let at = 1; ; at += 2) {
        const directory = newFolder();
        play(directory, configOf(steps), 'new');
        const killed = playKilled(at, directory, longer, 'resume');
        if (killed) play(directory, longer, 'resume');
        expect(result(directory)).toEqual(result(expected));
        if (!killed) break;
      }
    },
  );
});

describe('a run that is killed while it overwrites another one', () => {
  it('leaves that one to be continued, or begins', () => {
    const other = runConfig({ ...config, seed: 9, splitSeed: 9 });
    const otherWhole = newFolder();
    play(otherWhole, other, 'new');
    let kept = 0;
    for (let at = 2; at < 20; at += 2) {
      const directory = newFolder();
      play(directory, other, 'new');
      playKilled(at, directory, config, 'overwrite');
      if (fs.existsSync(join(directory, 'checkpoint.safetensors'))) {
        kept++;
        play(directory, other, 'resume');
        expect(result(directory)).toEqual(result(otherWhole));
      } else {
        playKilled(at, directory, config, 'overwrite');
        play(directory, config, 'overwrite');
        expect(result(directory)).toEqual(result(whole));
      }
    }
    expect(kept).toBeGreaterThan(0);
  });
});

describe('a power cut', () => {
  it('finds no name on the disk before the content, and no later file before an earlier one', () => {
    const directory = newFolder();
    const store = RunStore.create(directory);
    store.begin(config);
    store.saveCheckpoint(checkpointAt(3, config), 3);
    record.length = 0;
    store.saveSessions([]);
    store.saveCheckpoint(checkpointAt(6, config), 6);
    store.release();
    expect(record).toEqual([
      'write and flush sessions.json.tmp',
      'rename sessions.json.tmp sessions.json',
      `flush ${basename(directory)}`,
      'write and flush checkpoint.safetensors.tmp',
      'rename checkpoint.previous.safetensors.tmp checkpoint.previous.safetensors',
      'rename checkpoint.safetensors.tmp checkpoint.safetensors',
      `flush ${basename(directory)}`,
    ]);
  });
});
