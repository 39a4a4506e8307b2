import { afterEach, expect, it, vi } from 'vitest';
import { isMissing } from './found';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('what is missing skips, and says so', () => {
  vi.stubEnv('REQUIRE_CHROMIUM', '');
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  expect([isMissing(undefined, 'no X'), isMissing('/usr/bin/x', 'no X')]).toEqual([true, false]);
  expect(warn.mock.calls).toEqual([['no X']]);
});

it('what is missing fails where it is required', () => {
  vi.stubEnv('REQUIRE_CHROMIUM', '1');
  expect(() => isMissing(undefined, 'no X')).toThrow('no X');
  expect(isMissing('/usr/bin/x', 'no X')).toBe(false);
});
