/** @file That a damaged file is not used as if it were whole. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { FileError } from '../../lib/errors';
import { readCheckpoint } from '../../lib/train/run-store.node';
import { messageOf } from './one-line';

/** Flips a bit in the last number of a safetensors file, which no check of its form can notice; reading it must fail. */
export function expectDamageNoticed(path: string): void {
  readCheckpoint(path);
  const bytes = readFileSync(path);
  bytes[bytes.length - 3] = (bytes.at(-3) as number) ^ 1;
  writeFileSync(path, bytes);
  expect(messageOf(FileError, () => readCheckpoint(path))).toBe(
    `${path} is damaged: its digest is another one; give a whole copy of it.`,
  );
}
