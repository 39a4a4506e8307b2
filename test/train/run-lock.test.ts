import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../lib/errors';
import { RunLock } from '../../lib/train/run-lock.node';
import { messageOf } from '../support/one-line';
import { temporaryFolder } from '../support/temporary';

const root = temporaryFolder();
let folders = 0;
function newFolder(): string {
  const folder = join(root, `run-${folders++}`);
  mkdirSync(folder);
  return folder;
}

/** Another process that takes the lock of a folder as a run does, says so, and stays. */
async function holder(folder: string) {
  const library = createRequire(import.meta.url).resolve('fs-native-extensions');
  const script = `
    const { openSync, writeSync } = require('node:fs');
    const file = openSync(process.argv[1], 'a+');
    if (!require(process.argv[2]).tryLock(file, 2 ** 20, 1)) process.exit(1);
    writeSync(file, process.pid + ' ' + require('node:os').hostname() + '\\n');
    console.log('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', script, join(folder, 'run.lock'), library]);
  await once(child.stdout, 'data');
  return child;
}

describe('the lock of a run folder', () => {
  it('is held by one at a time, also within one process, and leaves nothing behind', () => {
    const folder = newFolder();
    const lock = RunLock.take(folder);
    const message = messageOf(FileError, () => RunLock.take(folder));
    expect(message).toBe(
      `${folder} is in use by process ${process.pid}: wait until that run ends, or choose another folder.`,
    );
    lock.release();
    expect(existsSync(join(folder, 'run.lock'))).toBe(false);
    RunLock.take(folder).release();
  });

  it('does not let go what another one has taken since', () => {
    const folder = newFolder();
    const first = RunLock.take(folder);
    first.release();
    const second = RunLock.take(folder);
    first.release();
    messageOf(FileError, () => RunLock.take(folder));
    second.release();
  });

  it('names the process that holds it, and is free the moment that one is killed', async () => {
    const folder = newFolder();
    const child = await holder(folder);
    expect(messageOf(FileError, () => RunLock.take(folder))).toContain(`in use by process ${child.pid}: `);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(join(folder, 'run.lock'))).toBe(true);
    const lock = RunLock.take(folder);
    expect(readFileSync(join(folder, 'run.lock'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
    lock.release();
  });

  it('is not stopped by a file that names a process which never took the lock: a number may be used again', () => {
    const folder = newFolder();
    writeFileSync(join(folder, 'run.lock'), `${process.pid} elsewhere\n`);
    RunLock.take(folder).release();
  });

  it('is that of the file of this name: one that was moved away does not count', () => {
    const folder = newFolder();
    const lock = RunLock.take(folder);
    renameSync(join(folder, 'run.lock'), join(folder, 'moved.lock'));
    RunLock.take(folder).release();
    lock.release();
  });

  it('refuses a folder that is not there', () => {
    const folder = join(root, 'missing');
    expect(messageOf(FileError, () => RunLock.take(folder))).toContain(
      `cannot write ${join(folder, 'run.lock')}`,
    );
  });
});
