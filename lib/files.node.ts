/**
 * @file Reading and writing whole files, with errors a user understands. A file is replaced atomically: the new content
 * goes to a temporary file beside it, is flushed to the disk and then takes the old one's name, so that whoever looks,
 * and whatever is killed or full at whatever moment, finds either the old content or the new.
 *
 * Written here because the packages for this job install handlers for the process's signals, which the training loop
 * owns.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FileError } from './errors';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of this path is a file, not a folder',
  EEXIST: 'a file of this name is in the way',
  EISDIR: 'it is a folder, not a file',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
};

/** The reason why the file system refused, in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && REASONS[code]) || (message.split('\n')[0] as string);
}

/** What to do about it. */
function adviceOn(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'free some space' : 'choose a place that can be written to';
}

/** Where the new content of a file waits until it is complete. */
export function temporaryPath(path: string): string {
  return `${path}.tmp`;
}

/**
 * Makes a folder and those above it; does nothing if it exists.
 *
 * @throws {FileError} if that is not possible; its `cause` is the system's error
 */
export function makeFolder(path: string): void {
  // One level at a time: Node's recursive form never returns where the file system answers that no such folder can be
  // made in a folder that exists, as /proc does.
  const missing: string[] = [];
  let folder = resolve(path);
  while (!existsSync(folder) && dirname(folder) !== folder) {
    missing.unshift(folder);
    folder = dirname(folder);
  }
  try {
    for (const next of missing) makeLevel(next);
    if (!statSync(path).isDirectory()) throw Object.assign(new Error(), { code: 'EEXIST' });
  } catch (error) {
    throw new FileError(`cannot make the folder ${path}: ${reasonOf(error)}; choose another one.`, {
      cause: error,
    });
  }
}

/** Makes one folder, unless another process has just made it. */
function makeLevel(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** Flushes the names in a folder to the disk, where the system has such a call: without it a power cut may undo a renaming. */
function flushFolder(path: string): void {
  try {
    const folder = openSync(path, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // Windows opens no folders, and some file systems flush none: they keep the order of renamings by themselves.
  }
}

/**
 * Gives a file a second name, which replaces what had that name. The first name stays, so that there is no moment without
 * it; where the file system knows only one name a file, the file is renamed.
 */
function keepAs(path: string, second: string): void {
  const temporary = temporaryPath(second);
  rmSync(temporary, { force: true });
  try {
    linkSync(path, temporary);
  } catch {
    renameSync(path, second);
    return;
  }
  try {
    renameSync(temporary, second);
  } finally {
    // Where both names were one file's already, renaming does nothing.
    rmSync(temporary, { force: true });
  }
}

export interface WriteOptions {
  /** Path under which the file's old content, if it has one, is kept instead of what is there. */
  readonly previous?: string;
}

/**
 * Replaces the content of a file, or makes it, atomically. Two processes must not write the same file at once.
 *
 * @throws {FileError} if the file cannot be written; the old content is then still there
 */
export function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  { previous }: WriteOptions = {},
): void {
  let temporary = temporaryPath(path);
  try {
    // What a symbolic link points to is replaced, not the link; a pipe or device is written to as it is.
    const target = existsSync(path) ? realpathSync(path) : path;
    temporary = temporaryPath(target);
    if (existsSync(target) && !statSync(target).isFile()) {
      writeFileSync(target, content);
      return;
    }
    writeFileSync(temporary, content, { flush: true });
    if (previous !== undefined && existsSync(target)) keepAs(target, previous);
    renameSync(temporary, target);
    flushFolder(dirname(target));
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // What counts is why the writing failed, not that its remains could not be removed.
    }
    throw new FileError(`cannot write ${path}: ${reasonOf(error)}; ${adviceOn(error)}.`);
  }
}

/**
 * Gives a file the name of another one, whose content is lost.
 *
 * @throws {FileError} if that is not possible; both are then still there
 */
export function renameFile(from: string, to: string): void {
  try {
    renameSync(from, to);
    flushFolder(dirname(to));
  } catch (error) {
    throw new FileError(`cannot rename ${from} to ${to}: ${reasonOf(error)}; ${adviceOn(error)}.`);
  }
}

/**
 * Removes a file if it exists.
 *
 * @throws {FileError} if it exists and cannot be removed
 */
export function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw new FileError(
      `cannot remove ${path}: ${reasonOf(error)}; remove it yourself or choose another folder.`,
    );
  }
}

/** A file open for reading. */
export interface OpenFile {
  readonly size: number;
  /**
   * Bytes `begin` to `end`, in memory of their own.
   *
   * @throws {FileError} if they cannot be read, or the file has shrunk
   */
  read(begin: number, end: number): Uint8Array;
}

/**
 * Opens a file, hands it to a function and closes it again.
 *
 * @throws {FileError} if the file is missing, not a regular file or cannot be read
 */
export function withOpenFile<T>(path: string, use: (file: OpenFile) => T): T {
  const failed = (reason: string) => new FileError(`cannot read ${path}: ${reason}; check the path.`);
  const attempt = <R>(action: () => R): R => {
    try {
      return action();
    } catch (error) {
      throw failed(reasonOf(error));
    }
  };
  // Looked at before opening, which would wait for whoever writes into a pipe.
  const kind = attempt(() => statSync(path));
  if (kind.isDirectory()) throw failed(REASONS.EISDIR as string);
  if (!kind.isFile()) throw failed('it is not a regular file');
  const file = attempt(() => openSync(path, 'r'));
  try {
    return use({
      size: attempt(() => fstatSync(file)).size,
      read(begin, end) {
        const bytes = new Uint8Array(end - begin);
        let filled = 0;
        while (filled < bytes.length) {
          const count = attempt(() => readSync(file, bytes, filled, bytes.length - filled, begin + filled));
          if (count === 0) throw failed('it has become shorter while it was read');
          filled += count;
        }
        return bytes;
      },
    });
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a whole file.
 *
 * @throws {FileError} if it is missing, not a regular file or cannot be read
 */
export function readWholeFile(path: string): Uint8Array {
  return withOpenFile(path, ({ size, read }) => read(0, size));
}
