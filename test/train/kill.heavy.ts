import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../../lib/train/run';
import { temporaryFolder } from '../support/temporary';

const script = fileURLToPath(new URL('../../scripts/grok.mjs', import.meta.url));
const root = temporaryFolder();
let folders = 0;

/** Options of a run, and how often it is killed; more runs are begun where one ends too soon. */
const RUNS = [
  [
    'gpt',
    50,
    '--p 11 --train-fraction .5 --d-model 16 --steps 20000 --eval-every 40 --spectrum-every 200 --spectrum-dense 50',
  ],
  [
    'decoder',
    15,
    '--preset decoder --p 7 --train-rows 30 --d-model 8 --heads 2 --layers 1 --batch-size 8 --dropout .1 --weight-noise .01 --warmup 10 --steps 8000 --eval-every 20',
  ],
] as const;

function start(options: string, out: string, ...more: string[]) {
  const args = [script, 'train', ...options.split(' '), '--threads', '1', '--quiet', '--out', out, ...more];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let messages = '';
  child.stderr.on('data', (text: Buffer) => {
    messages += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  return { child, ended, messages: () => messages };
}

/** Resolves when the run has written something, which it first does when training begins. */
async function writes(out: string, ended: Promise<unknown>, name?: string): Promise<void> {
  let over = false;
  ended.then(() => {
    over = true;
  });
  while (!existsSync(join(out, 'run.lock')) && !over) await wait(5);
  if (over) return;
  await new Promise<void>((resolve) => {
    const watcher = watch(out, (_, file) => {
      if (file !== 'run.lock' && (name === undefined || file === name)) done();
    });
    const done = () => {
      watcher.close();
      resolve();
    };
    ended.then(done);
  });
}

const result = (folder: string) =>
  ['metrics.csv', 'checkpoint.safetensors', 'spectrum.safetensors']
    .filter((name) => existsSync(join(folder, name)))
    .map((name) => readFileSync(join(folder, name), 'hex'));

describe.skipIf(process.platform === 'win32')('grok train --resume after SIGKILL', () => {
  it.each(RUNS)(
    '%s: killed %i times, it ends with the bytes of a run that was never stopped',
    { timeout: 1_800_000 },
    async (name, kills, options) => {
      const whole = join(root, `${name}-whole`);
      const uninterrupted = start(options, whole);
      expect([await uninterrupted.ended, uninterrupted.messages()]).toEqual([0, '']);
      const counts = { kills: 0, inWrites: 0, runs: 0, sessions: 0, lines: 0 };
      while (counts.kills < kills) {
        const out = join(root, `run-${folders++}`);
        counts.runs++;
        for (let over = false; !over; ) {
          const last = counts.kills === kills;
          const run = start(options, out, '--resume', '--checkpoint-seconds', '0');
          if (!last) {
            // Every other time in the middle of a checkpoint, as far as a watcher is quick enough to see one.
            const aimed = counts.kills % 2 === 1;
            await writes(out, run.ended, aimed ? 'checkpoint.safetensors.tmp' : undefined);
            await wait(Math.random() * (aimed ? 20 : 800));
          }
          if (!last) run.child.kill('SIGKILL');
          const code = await run.ended;
          over = code !== null;
          if (over) expect({ code, messages: run.messages() }).toMatchObject({ code: 0 });
          else counts.kills++;
          counts.lines += run.messages().split('\n').length - 1;
          if (readdirSync(out).some((file) => file.endsWith('.tmp'))) counts.inWrites++;
        }
        expect(result(out)).toEqual(result(whole));
        const summary: RunSummary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'));
        counts.sessions += summary.sessions.length;
      }
      console.log(`${name}: ${JSON.stringify(counts)}`);
      expect(counts.kills).toBe(kills);
      expect(counts.sessions).toBeGreaterThan(counts.runs);
    },
  );
});
