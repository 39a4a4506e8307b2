/** @file A lock between processes of this checkout: a file in `.cache` that names the process holding it. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { alive, root } from '../lib-build.mjs';

/**
 * Waits for the lock and takes it; one left by a process that is gone is taken over.
 * @param {string} name
 * @param {() => void} onWait called once if another process holds it
 * @returns {Promise<() => void>} gives it back
 */
export async function holdLock(name, onWait) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const file = join(root, '.cache', `${name}.lock`);
  for (let waited = false; ; ) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    let holder = Number.NaN;
    try {
      holder = Number(readFileSync(file, 'utf8'));
    } catch {
      continue;
    }
    if (holder && !alive(holder)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!waited) onWait();
    waited = true;
    await sleep(300);
  }
}
