/** @file How much memory this process has and had, in bytes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const RESET = '/proc/self/clear_refs';
const STATUS = '/proc/self/status';

/** Collects garbage, twice because finalisers of native memory run in between. */
export async function collectGarbage() {
  for (let pass = 0; pass < 2; pass++) {
    if (global.gc === undefined) throw new Error('run this with `node --expose-gc`');
    global.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * Starts to look for the largest resident set anew.
 *
 * @returns {() => number} the largest since then. On Linux it is exact; elsewhere the kernel's record cannot be set back,
 *   and where it is not exceeded the present size takes its place, which is close, because the runtime keeps the memory
 *   that it has once needed.
 */
export function watchPeak() {
  if (existsSync(RESET)) {
    writeFileSync(RESET, '5');
    return () => 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(STATUS, 'utf8'))?.[1]);
  }
  const before = process.resourceUsage().maxRSS;
  return () => {
    const { maxRSS } = process.resourceUsage();
    return maxRSS > before ? 1024 * maxRSS : process.memoryUsage.rss();
  };
}
