/** @file What a suite needs of the machine: skipped where it is missing, or failed where that is asked for. */

/**
 * Whether something that comes with Chromium was not found, for `describe.skipIf`. Says so once.
 * @throws Error with the same words where the environment variable `REQUIRE_CHROMIUM` is set and not empty, so that an
 * automatic check cannot pass by skipping.
 */
export function isMissing(found: unknown, message: string): boolean {
  if (found !== undefined) return false;
  if (process.env.REQUIRE_CHROMIUM) throw new Error(message);
  console.warn(message);
  return true;
}
