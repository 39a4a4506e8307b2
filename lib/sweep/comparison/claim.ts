/** @file The right to something that only one process may do at a time, as a folder that exists no longer than it is held. */
import { rmdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { FileError } from '../../errors';
import { makeFolder } from '../../files.node';
import { FolderInUseError, RunLock } from '../../train/run-lock.node';

/** Milliseconds to wait for a claim. */
const PATIENCE = 30_000;

/** How often a folder is made that others take away: each time one of them got further, so this is never reached. */
const MOST_TRIES = 1000;

/** A right that ends with the process, if it is not released before. */
export interface FolderClaim {
  /** Lets it go, and takes the folder away if nothing else is in it. */
  release(): void;
}

/**
 * Claims a folder, which is made.
 *
 * @returns `undefined` while another process has it
 * @throws {FileError} if the folder cannot be made, written or locked
 */
export function takeClaim(folder: string): FolderClaim | undefined {
  for (let tries = 1; ; tries++) {
    makeFolder(folder);
    try {
      const lock = RunLock.take(folder);
      return {
        release() {
          lock.release();
          removeIfEmpty(folder);
        },
      };
    } catch (error) {
      if (error instanceof FolderInUseError) return undefined;
      // Its holder before took the folder away between our making it and locking it.
      if (!(isMissing(error) && tries < MOST_TRIES)) throw error;
    }
  }
}

/** The same, but waits. @throws {FileError} also if others have the claim for half a minute */
export async function waitForClaim(folder: string): Promise<FolderClaim> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const claim = takeClaim(folder);
    if (claim !== undefined) return claim;
    if (Date.now() > end) {
      throw new FileError(
        `${folder} has been in use for ${PATIENCE / 1000} s: end the process that holds it, and try again.`,
      );
    }
    await wait(20 + 30 * Math.random());
  }
}

function isMissing(error: unknown): boolean {
  const cause = error instanceof FileError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code === 'ENOENT';
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Something is left in it: a run, or the claim of the next process.
  }
}
