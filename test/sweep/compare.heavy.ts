/** @file `npm run compare` end to end: whole, stopped, killed, two at once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readComparison } from '../../lib/sweep/comparison/folder';
import { chooseTrials } from '../../lib/sweep/comparison/plan';
import type { ComparisonProtocol } from '../../lib/sweep/comparison/protocol';
import type { RunRecord } from '../../lib/sweep/comparison/record';
import { temporaryFolder } from '../support/temporary';
import { tinyProtocol } from './tiny-protocol';

const script = fileURLToPath(new URL('../../scripts/compare.mjs', import.meta.url));
const root = temporaryFolder();

function comparison(name: string, protocol: ComparisonProtocol) {
  const folder = join(root, name);
  const work = join(root, `${name}-work`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'protocol.json'), JSON.stringify(protocol));
  const start = (...more: string[]) => {
    const child: ChildProcess = spawn(process.execPath, [
      script,
      '--folder',
      folder,
      '--work',
      work,
      ...more,
    ]);
    let [out, err] = ['', ''];
    child.stdout?.on('data', (text: Buffer) => {
      out += text;
    });
    child.stderr?.on('data', (text: Buffer) => {
      err += text;
    });
    const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
      child.on('close', (code) => resolve({ code, out, err })),
    );
    return { child, ended };
  };
  return { folder, work, start, run: (...more: string[]) => start(...more).ended };
}

/** What must not depend on how a run came about. */
const outcome = ({ id, digest, event, drops, steps, stoppedBy, validationLoss, trainLoss }: RunRecord) => ({
  id,
  digest,
  event,
  drops,
  steps,
  stoppedBy,
  validationLoss,
  trainLoss,
});
const outcomes = (records: readonly RunRecord[]) =>
  records.map(outcome).sort((a, b) => (a.id < b.id ? -1 : 1));

/** Runs of some seconds each, none of which ever has the event. */
const slow = tinyProtocol({
  event: { accuracy: 1, evaluations: 50, every: 50 },
  drops: { steps: 50, below: 0.5, leastPairs: 2 },
  tuning: { seeds: [10], budget: 12_000, expectedSteps: 12_000 },
  pilot: { seeds: [1], budget: 50, expectedSteps: 50, grids: {} },
  test: { seeds: [20], budget: 50, expectedSteps: 50 },
  sensitivity: { arms: [], expectedSteps: 50 },
  exploratory: { seeds: [30], budget: 50, expectedSteps: 50, arms: [], settings: [] },
});

describe('npm run compare', () => {
  it('makes every run of every phase once, tells what is missing, and reports', {
    timeout: 600_000,
  }, async () => {
    const { folder, work, run } = comparison('whole', tinyProtocol());
    const before = await run('--dry-run', '--workers', '2');
    expect(before).toMatchObject({ code: 0, err: '' });
    expect(before.out).toMatch(/tune: 0 of 8 runs are there, 8 missing/);
    expect(before.out).toMatch(/test: 0 of 6 runs are there, 6 missing/);
    expect(before.out).toMatch(/sensitivity: 0 of 3 runs are there, 3 missing/);
    expect(existsSync(join(folder, 'tune.jsonl'))).toBe(false);

    const early = await run('--phase', 'test');
    expect(early).toMatchObject({ code: 2, out: '' });
    expect(early.err).toBe('Tuning is not complete for adamw, adam-l2: run --phase tune first.\n');

    const all = await run('--workers', '2');
    expect(all).toMatchObject({ code: 0, err: '' });
    expect(all.out).toMatch(/\[8\/8\] tune_/);
    const { protocol, records } = readComparison(folder);
    expect(records.tune).toHaveLength(8);
    expect(records.test).toHaveLength(6);
    expect(records.sensitivity).toHaveLength(3);
    expect(records.explore).toHaveLength(1);
    expect(records.pilot).toHaveLength(0);
    expect(chooseTrials(protocol, records.tune)).toHaveLength(2);
    expect(readdirSync(join(folder, 'curves'))).toHaveLength(6);
    expect(readdirSync(work)).toEqual([]);

    const lines = readFileSync(join(folder, 'tune.jsonl'), 'utf8');
    const again = await run();
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(again.out).not.toContain('[');
    expect(readFileSync(join(folder, 'tune.jsonl'), 'utf8')).toBe(lines);

    const said = await run('--report');
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toMatch(/AdamW +0\.0[13] +1 +\S.* +3\/3/);
    expect(said.out).toContain('One is sooner.');
    expect(said.out).toMatch(/^commit: .*\(18 runs\)$/m);
    expect(said.out).not.toContain('Warning');
    expect(said.out).not.toContain('Pilot');
    const made = ['results.json', 'survival.png', 'events.png', 'effects.png'];
    expect(said.out).toContain(`Beside the protocol: ${made.join(', ')}.`);
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(made));
    expect(JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')).claims).toHaveLength(3);

    // Another protocol: what is recorded does not answer it, and is kept.
    const changed = tinyProtocol({ tuning: { seeds: [10, 12], budget: 50, expectedSteps: 40 } });
    writeFileSync(join(folder, 'protocol.json'), JSON.stringify(changed));
    const after = await run('--phase', 'tune', '--dry-run');
    expect(after.out).toMatch(
      /4 of 8 runs are there, 4 missing.*4 recorded under another protocol are ignored/,
    );
  });

  it('two at once share the work: every run is made once', { timeout: 600_000 }, async () => {
    const { folder, run } = comparison('two', tinyProtocol());
    const both = await Promise.all([run('--workers', '1'), run('--workers', '1')]);
    expect(both.map(({ code, err }) => [code, err])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    const { records } = readComparison(folder);
    for (const [phase, count] of [
      ['tune', 8],
      ['test', 6],
      ['sensitivity', 3],
      ['explore', 1],
    ] as const) {
      expect(records[phase]).toHaveLength(count);
      expect(new Set(records[phase].map(({ digest }) => digest)).size).toBe(count);
    }
    const made = both.map(({ out }) => out.match(/^\[/gm)?.length ?? 0);
    expect(made[0]).toBeGreaterThan(0);
    expect(made[1]).toBeGreaterThan(0);
    expect((made[0] as number) + (made[1] as number)).toBe(18);
    // What was made by two is what one makes.
    const alone = comparison('alone', tinyProtocol());
    expect(await alone.run('--phase', 'tune')).toMatchObject({ code: 0, err: '' });
    expect(outcomes(records.tune)).toEqual(outcomes(readComparison(alone.folder).records.tune));
  });

  it.skipIf(process.platform === 'win32')(
    'stopped by Ctrl-C or killed, it goes on to the same results',
    { timeout: 600_000 },
    async () => {
      const whole = comparison('slow-whole', slow);
      expect(await whole.run('--phase', 'tune', '--workers', '2')).toMatchObject({ code: 0, err: '' });

      const { folder, work, start } = comparison('slow-stopped', slow);
      // A run's list of sessions is written when it begins or goes on: of the newest, how many there are, and where each began.
      const begun = () =>
        (existsSync(work) ? readdirSync(work) : []).flatMap((name) => {
          const file = join(work, name, 'run', 'sessions.json');
          try {
            return [JSON.parse(readFileSync(file, 'utf8')) as { fromStep: number }[]];
          } catch {
            return []; // It is not there yet, or not any more.
          }
        });
      /** Waits for a run in its nth session, which went on from a checkpoint unless it is the first. */
      const training = async (session: number) => {
        for (;;) {
          const now = begun().find(({ length }) => length >= session);
          if (now !== undefined) return now;
          await wait(20);
        }
      };
      for (const [round, signal] of (['SIGINT', 'SIGTERM', 'SIGKILL'] as const).entries()) {
        const { child, ended } = start('--phase', 'tune', '--workers', '2');
        const sessions = await training(round + 1);
        expect(sessions.slice(1).every(({ fromStep }) => fromStep > 0)).toBe(true);
        // Some steps, so that there is something to go on from.
        await wait(1000);
        child.kill(signal);
        const { code, err } = await ended;
        expect(code).toBe(signal === 'SIGKILL' ? null : 130);
        if (signal !== 'SIGKILL') expect(err).toBe('Stopped. The same command goes on from here.\n');
      }
      const { ended } = start('--phase', 'tune', '--workers', '2');
      // What the kill orphaned saves by itself, and the next runner goes on from there.
      const sessions = await training(4);
      expect(sessions[3]?.fromStep).toBeGreaterThan(0);
      const { code, err } = await ended;
      expect({ code, err }).toEqual({ code: 0, err: '' });
      const [stopped, straight] = [folder, whole.folder].map((one) => readComparison(one).records.tune);
      expect(outcomes(stopped as RunRecord[])).toEqual(outcomes(straight as RunRecord[]));
    },
  );

  it.each([
    ['an unknown phase', ['--phase', 'tuning'], "There is no phase 'tuning'."],
    ['no workers', ['--workers', '0'], "--workers is '0'"],
    ['both ways of only telling', ['--report', '--dry-run'], '--report and --dry-run exclude each other.'],
    ['an unknown option', ['--fast'], "Unknown option '--fast'."],
    ['a folder without a protocol', ['--folder', join(root, 'none')], 'protocol.json'],
  ])('refuses %s in one line', async (_, args, part) => {
    const { run } = comparison(`wrong-${args.join('').replaceAll(/\W/g, '')}`, tinyProtocol());
    const { code, out, err } = await run(...args);
    expect(code).toBeGreaterThan(0);
    expect(out).toBe('');
    expect(err).toContain(part);
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});
