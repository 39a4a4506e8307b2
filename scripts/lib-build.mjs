/**
 * @file Builds `lib` when its sources are newer than its build. Install scripts are switched off in this project, so
 * every command that needs `lib/dist` calls `ensureBuilt()` first; with nothing to do it only reads file times.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const lib = join(root, 'lib');
const dist = join(lib, 'dist');
const lock = join(lib, '.building');
const stamp = join(dist, '.built');

/** Which build `lib/dist` holds, to be compared with what it holds later; empty while it is being built. */
export function buildStamp() {
  return existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
}

/** Every file the build depends on. @returns {string[]} */
function sources(directory = lib) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return ['dist', 'node_modules'].includes(entry.name) ? [] : sources(path);
    return /\.(ts|json)$/.test(entry.name) ? [path] : [];
  });
}

function fingerprint() {
  const hash = createHash('sha256');
  for (const path of [...sources(), join(root, 'tsconfig.json'), join(root, 'package-lock.json')].sort()) {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path}\0${mtimeMs}\0${size}\n`);
  }
  return hash.digest('hex');
}

function upToDate() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint();
}

/** Whether a process with this number runs. @param {number} pid */
export function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/** Takes the lock, waiting for another process that is building; one left by a process that is gone is taken over. */
function acquireLock() {
  for (let waited = false; ; waited = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
    if (holder > 0 && !alive(holder)) rmSync(lock, { force: true });
    if (!waited) console.error('Waiting for another command that is building lib …');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

/** Ends the process with one line unless `npm ci` has been run. */
export function requireDependencies() {
  if (existsSync(join(root, 'node_modules', 'typescript'))) return;
  console.error('The dependencies are not installed: run `npm ci` first.');
  process.exit(1);
}

/** Compiles `lib` to CommonJS and declarations if needed; ends the process with the compiler's messages if it fails. */
export function ensureBuilt() {
  if (upToDate()) return;
  requireDependencies();
  acquireLock();
  try {
    if (upToDate()) return;
    const before = fingerprint();
    // A process that loads the library meanwhile must be able to tell.
    rmSync(stamp, { force: true });
    // The compiler is named by its path: tslab installs another `tsc` into node_modules/.bin.
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const result = spawnSync(process.execPath, [tsc, '-p', lib], { cwd: root, stdio: ['ignore', 2, 2] });
    if (result.status !== 0) {
      rmSync(lock, { force: true });
      process.exit(1);
    }
    writeFileSync(stamp, before);
  } finally {
    rmSync(lock, { force: true });
  }
}
