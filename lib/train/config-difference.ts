/** @file Whether a run may be continued under a given configuration. */
import { FileError, optionName } from '../errors';
import { type RunConfig, runConfig } from './config';

/** How many options that differ are named with their values; two presets may differ in a dozen. */
const MOST_NAMED = 4;

const shown = (value: unknown) => (value === undefined ? 'not set' : JSON.stringify(value));

/** A saved configuration with the defaults of options that have come up since. */
function completed(saved: object): Readonly<Record<string, unknown>> {
  try {
    return { ...runConfig(saved) };
  } catch {
    return { ...saved };
  }
}

/** The options whose values differ between two configurations, either of them saved. */
export function differingOptions(one: object, other: object): string[] {
  const [before, now] = [completed(one), completed(other)];
  return [...new Set([...Object.keys(now), ...Object.keys(before)])].filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]),
  );
}

/**
 * Checks that a saved run is one of this configuration. Only the budget of steps may differ, and only grow: it decides
 * when a run ends and whether its last step is evaluated, nothing before that.
 *
 * @param saved the configuration in the run's folder
 * @param folder the folder's name, for messages
 * @throws {FileError} naming the options that differ with both values, of many the first few
 */
export function checkSameRun(saved: object, wanted: RunConfig, folder: string): void {
  const before = completed(saved);
  const now: Readonly<Record<string, unknown>> = { ...wanted };
  const differences = differingOptions(saved, wanted).filter(
    (key) => key !== 'steps' || !(Number(before.steps) <= wanted.steps),
  );
  if (differences.length === 0) return;
  const list = differences
    .slice(0, MOST_NAMED)
    .map((key) => `${optionName(key)} is ${shown(before[key])} there and ${shown(now[key])} here`);
  if (differences.length > MOST_NAMED) list.push(`and ${differences.length - MOST_NAMED} more differ`);
  const budget = differences.join() === 'steps' ? ' (a budget can grow, not shrink)' : '';
  throw new FileError(
    `${folder} holds a run of another configuration: ${list.join(', ')}${budget}; give the same values, choose another folder, or replace the run by --overwrite.`,
  );
}
