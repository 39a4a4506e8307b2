/** @file Folders that exist for one test file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Makes an empty folder outside the repository and removes it after the last test of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'optimal-grokking-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
