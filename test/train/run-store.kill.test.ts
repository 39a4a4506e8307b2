import * as fs from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { encodeCheckpoint } from '../../lib/train/checkpoint';
import { type RunConfig, runConfig } from '../../lib/train/config';
import { prepareRun } from '../../lib/train/prepare';
import { RunStore } from '../../lib/train/run-store.node';
import { temporaryFolder } from '../support/temporary';

/** The process is gone: from the call that it is killed in, nothing reaches the disk any more. */
class Killed extends Error {}
const machine = { calls: 0, killedAt: Number.POSITIVE_INFINITY };

/** Counts the calls that change the disk; the last one before the end is carried out by half, or not at all. */
const { alive } = vi.hoisted(() => ({ alive: { check: (_half?: () => void) => {} } }));
alive.check = (half) => {
  machine.calls++;
  if (machine.calls === machine.killedAt) half?.();
  if (machine.calls >= machine.killedAt) throw new Killed('killed');
};

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  const counted =
    <A extends unknown[], R>(action: (...args: A) => R) =>
    (...args: A): R => {
      alive.check();
      return action(...args);
    };
  return {
    ...real,
    // Nothing here needs to outlive the machine, so nothing is flushed.
    fsyncSync: () => {},
    writeFileSync: (path: string, content: string | Uint8Array) => {
      alive.check(() => real.writeFileSync(path, content.slice(0, content.length / 2)));
      real.writeFileSync(path, content);
    },
    renameSync: counted(real.renameSync),
    linkSync: counted(real.linkSync),
    rmSync: counted(real.rmSync),
    ftruncateSync: counted(real.ftruncateSync),
    writeSync: counted(real.writeSync),
  };
});

const root = temporaryFolder();
let folders = 0;
const newFolder = () => join(root, `run-${folders++}`);

const configOf = (steps: number) =>
  runConfig({ modulus: 5, trainFraction: 0.5, dModel: 4, heads: 1, steps, evalEvery: 4 });

const { initial } = prepareRun(configOf(1));
const stateAt = (step: number) => ({ ...initial, step: { ...initial.step, data: Int32Array.of(step) } });

/** Plays a run: evaluations every fourth step and at the last, a checkpoint every third. */
function play(directory: string, config: RunConfig, how: 'new' | 'resume' | 'overwrite'): void {
  const checkpointAt = (step: number) => encodeCheckpoint(stateAt(step), config);
  const store =
    how === 'resume'
      ? RunStore.resume(directory, config)
      : RunStore.create(directory, { overwrite: how === 'overwrite' });
  try {
    const { found } = store;
    if (found?.ended !== undefined) return;
    const from = found === undefined ? 0 : Number(found.checkpoint.metadata.step);
    store.begin(config, found?.extended ? checkpointAt(from) : undefined);
    store.saveSessions([]);
    for (let epoch = from; epoch < config.steps; epoch++) {
      if (epoch % 4 === 0 || epoch === config.steps - 1) {
        const loss = Math.fround(Math.sin(epoch + 1));
        store.appendMetrics([
          { epoch, trainAccuracy: 0.5, trainLoss: loss, validationAccuracy: 0.25, validationLoss: 2 },
        ]);
      }
      if (epoch % 3 === 2) store.saveCheckpoint(checkpointAt(epoch), epoch);
    }
    store.saveCheckpoint(checkpointAt(config.steps), config.steps);
    store.saveSummary({ steps: config.steps, stoppedBy: 'steps', sessions: [] });
  } finally {
    store.release();
  }
}

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
/** What else lies in the folder, but for what a kill may leave: a checkpoint before, and sessions that the summary has too. */
const left = (directory: string) =>
  fs.readdirSync(directory).filter((name) => !name.includes('previous') && name !== 'sessions.json');

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

  it('ends with the bytes of the larger budget, whichever call of the longer run it was', () => {
    const longer = configOf(10);
    const expected = newFolder();
    play(expected, longer, 'new');
    for (let at = 1; ; at += 2) {
      const directory = newFolder();
      play(directory, config, 'new');
      const killed = playKilled(at, directory, longer, 'resume');
      if (killed) play(directory, longer, 'resume');
      expect(result(directory)).toEqual(result(expected));
      if (!killed) break;
    }
  });
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
