/**
 * @file One process at a time writes a run folder. The lock is the operating system's, on a file in the folder: it ends with
 * the process, however that ends, so nothing stale is left by a kill or a power cut, and no process number that has been
 * given to another process can be mistaken for the holder. The file's content only tells others who it is.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { FileError } from '../errors';
import { reasonOf } from '../files.node';

/** The file's name in the folder. */
export const LOCK_FILE = 'run.lock';

/**
 * The byte that is locked, far behind the content: on Windows nobody else can read a byte that is locked.
 */
const LOCKED_BYTE = 2 ** 20;

/** A folder that another process is writing. */
export class FolderInUseError extends FileError {}

/** A folder that this process alone may write. */
export class RunLock {
  #file: number | undefined;

  private constructor(
    file: number,
    private readonly path: string,
  ) {
    this.#file = file;
  }

  /**
   * Takes the lock of a folder, at once or not at all.
   *
   * @throws {FolderInUseError} if another run holds it, naming its process
   * @throws {FileError} if the folder cannot be written or has no locks; its `cause` is the system's error
   */
  static take(directory: string): RunLock {
    const path = join(directory, LOCK_FILE);
    for (;;) {
      const file = openLockFile(path);
      let kept = false;
      try {
        if (!isFree(file, path)) {
          throw new FolderInUseError(
            `${directory} is in use by ${holderOf(path)}: wait until that run ends, or choose another folder.`,
          );
        }
        // The holder before removed the file between our opening and locking it: the lock of a file without a name is none.
        if (!isAt(file, path)) continue;
        sayWho(file);
        kept = true;
        return new RunLock(file, path);
      } catch (error) {
        if (error instanceof FileError) throw error;
        throw new FileError(`cannot write ${path}: ${reasonOf(error)}; choose another folder.`);
      } finally {
        if (!kept) closeSync(file);
      }
    }
  }

  /** Lets the folder go; does nothing the second time. */
  release(): void {
    if (this.#file === undefined) return;
    try {
      rmSync(this.path, { force: true });
    } catch {
      // The file is nothing without its lock.
    }
    closeSync(this.#file);
    this.#file = undefined;
  }
}

function openLockFile(path: string): number {
  try {
    return openSync(path, 'a+');
  } catch (error) {
    const message = `cannot write ${path}: ${reasonOf(error)}; choose a folder that can be written to.`;
    throw new FileError(message, { cause: error });
  }
}

function isFree(file: number, path: string): boolean {
  try {
    return tryLock(file, LOCKED_BYTE, 1);
  } catch (error) {
    throw new FileError(
      `cannot lock ${path}: ${reasonOf(error)}; choose a folder on a file system that has locks.`,
    );
  }
}

/** Writes who holds the lock, where there is room: it is held without. */
function sayWho(file: number): void {
  try {
    ftruncateSync(file, 0);
    writeSync(file, `${process.pid} ${hostname()}\n`);
  } catch {
    // Others then hear of another process.
  }
}

/** Whether the open file still is the one of that name. */
function isAt(file: number, path: string): boolean {
  const there = statSync(path, { bigint: true, throwIfNoEntry: false });
  const here = fstatSync(file, { bigint: true });
  return there !== undefined && there.ino === here.ino && there.dev === here.dev;
}

/** Who holds the lock, in words. */
function holderOf(path: string): string {
  try {
    const [, pid, host] = /^(\d+) (.*)\n$/.exec(readFileSync(path, 'utf8')) ?? [];
    if (pid !== undefined) return host === hostname() ? `process ${pid}` : `process ${pid} on ${host}`;
  } catch {
    // It may have ended just now.
  }
  return 'another process';
}
