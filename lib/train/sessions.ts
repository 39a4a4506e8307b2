/**
 * @file The sessions of a run. One that was never stopped has one; each resumption adds another. They hold what may differ
 * between two runs of equal results: when, how long and where. So they are kept apart from the metrics and the checkpoint.
 */
import type { RunEnvironment } from './run';

/** One process's share of a run. */
export interface TrainingSession extends RunEnvironment {
  /** When training began, as ISO 8601. */
  readonly started: string;
  /** Updates done before. */
  readonly fromStep: number;
  /** Updates done at its last checkpoint; what a kill cost is not counted, nor the time it took. */
  readonly toStep: number;
  /** Seconds of training until then, compilation left out. */
  readonly seconds: number;
  readonly compileSeconds: number;
}

/** The times of all sessions together. */
export function totalTimes(sessions: readonly TrainingSession[]): {
  readonly seconds: number;
  readonly compileSeconds: number;
} {
  return {
    seconds: sessions.reduce((sum, { seconds }) => sum + seconds, 0),
    compileSeconds: sessions.reduce((sum, { compileSeconds }) => sum + compileSeconds, 0),
  };
}

/** Threads up to which a program gives the same bits, as tested. */
const MOST_EQUAL_THREADS = 4;

/**
 * What is different where a run is continued, in one line, or `undefined`: another number of threads, up to
 * four, gives the same numbers; anything else may change their last digits.
 */
export function environmentChange(before: RunEnvironment, now: RunEnvironment): string | undefined {
  const differences = [
    ['device', before.device, now.device],
    ['processor', before.machine.cpu, now.machine.cpu],
    ...Object.keys(now.versions).map((name) => [name, before.versions[name], now.versions[name]]),
  ].filter(([, one, other]) => one !== other);
  const threads = before.threads !== now.threads;
  if (differences.length === 0 && !threads) return undefined;
  const changes = [...differences, ...(threads ? [['threads', before.threads, now.threads]] : [])]
    .map(([name, one, other]) => `${name} ${one} before and ${other} now`)
    .join(', ');
  const same = differences.length === 0 && Math.max(before.threads, now.threads) <= MOST_EQUAL_THREADS;
  return `${changes}: ${
    same
      ? 'the results are the same, bit for bit'
      : 'the last digits may differ from a run that was never stopped'
  }`;
}
