import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { simpleTrain } from '../../lib/train/simple-train.node';
import { train } from '../../lib/train/train.node';

describe('settings that would be ignored are refused before training', () => {
  it.each([
    [() => train({}, { dir: 'x' } as never), "the settings of train have no 'dir', expected some of device"],
    [() => train({}, 'x' as never), "the settings of train are 'x'"],
    [() => simpleTrain(undefined as never), 'the options of simpleTrain are undefined'],
    [
      () => simpleTrain({ trainRows: 20 }, { out: 'x' } as never),
      "the settings of simpleTrain have no 'out', expected some of folder",
    ],
  ])('%o', async (call, expected) => {
    const error = await call().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ArgumentError);
    expect((error as Error).message).toContain(expected);
  });
});
