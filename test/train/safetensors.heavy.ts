import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../lib/errors';
import { readCheckpoint } from '../../lib/train/run-store.node';
import { messageOf } from '../support/one-line';
import { anyFile, fileOf, readOrRefuse } from '../support/safetensors-fuzz';

describe('reading a file that may be anything', () => {
  it('ends in its content or one error, 100,000 times', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyFile, (bytes) => {
        if (readOrRefuse(bytes)) accepted++;
      }),
      { numRuns: 100_000 },
    );
    // Both outcomes are common enough to mean something.
    expect(accepted).toBeGreaterThan(500);
    expect(accepted).toBeLessThan(50_000);
  });

  it('takes no memory for a large file that is none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'optimal-grokking-'));
    const path = join(folder, 'large.safetensors');
    writeFileSync(path, fileOf('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', new Uint8Array(8)));
    truncateSync(path, 2 ** 30);
    const before = process.memoryUsage().rss;
    expect(messageOf(FileError, () => readCheckpoint(path))).toContain('bytes follow the last tensor');
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 26);
    rmSync(folder, { recursive: true });
  });
});
