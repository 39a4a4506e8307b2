/**
 * @file Reading and writing whole files, with errors a user understands. A file is replaced atomically: the new content
 * goes to a temporary file beside it, is flushed to the disk and then takes the old one's name, so that whoever looks,
 * and whatever is killed or full at whatever moment, finds either the old content or the new.
 *
 * Written here because the packages for this job install handlers for the process's signals, which the training loop
 * owns.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FileError } from '../errors';

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
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code !== undefined && REASONS[code]) || (message.split('\n')[0] as string);
}

/** Where the new content of a file waits until it is complete. */
export function temporaryPath(path: string): string {
  return `${path}.tmp`;
}

/**
 * Makes a folder and those above it; does nothing if it exists.
 *
 * @throws {FileError} if that is not possible
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
    for (const next of missing) mkdirSync(next);
    if (!statSync(path).isDirectory()) throw Object.assign(new Error(), { code: 'EEXIST' });
  } catch (error) {
    throw new FileError(`cannot make the folder ${path}: ${reasonOf(error)}; choose another one.`);
  }
}

/**
 * Replaces the content of a file, or makes it, atomically. Two processes must not write the same file at once.
 *
 * @throws {FileError} if the file cannot be written; the old content is then still there
 */
export function writeFileAtomic(path: string, content: string | Uint8Array): void {
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
    renameSync(temporary, target);
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // What counts is why the writing failed, not that its remains could not be removed.
    }
    throw new FileError(`cannot write ${path}: ${reasonOf(error)}; choose a place that can be written to.`);
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

/**
 * Reads a whole file.
 *
 * @throws {FileError} if it is missing, not a regular file or cannot be read
 */
export function readWholeFile(path: string): Uint8Array {
  let reason = 'it is not a regular file';
  try {
    const file = statSync(path);
    if (file.isFile()) return readFileSync(path);
    if (file.isDirectory()) reason = REASONS.EISDIR as string;
  } catch (error) {
    reason = reasonOf(error);
  }
  throw new FileError(`cannot read ${path}: ${reason}; check the path.`);
}
