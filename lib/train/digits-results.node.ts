/** @file Reads the folder that `npm run digits` writes. */
import { join } from 'node:path';
import { readWholeFile } from '../files.node';
import { type DigitsProtocol, parseDigitsProtocol } from './digits-protocol';
import { type DigitsCurve, type DigitsRun, parseDigitsCurves, parseDigitsRuns } from './digits-results';

/** Names of the files of the check. */
export const DIGITS_FILES = {
  protocol: 'protocol.json',
  runs: 'runs.csv',
  curves: 'curves.csv',
  summary: 'summary.json',
} as const;

/** What the check was to do, and what it has done so far. */
export interface DigitsResults {
  readonly protocol: DigitsProtocol;
  readonly runs: readonly DigitsRun[];
  readonly curves: readonly DigitsCurve[];
}

/**
 * Reads the check's protocol and results.
 *
 * @param folder `output/published/digits`
 * @throws {FileError} if a file is missing or is not what the check writes
 */
export function readDigitsResults(folder: string): DigitsResults {
  const read = <T>(name: keyof typeof DIGITS_FILES, parse: (text: string, source: string) => T): T => {
    const path = join(folder, DIGITS_FILES[name]);
    return parse(new TextDecoder().decode(readWholeFile(path)), path);
  };
  return {
    protocol: read('protocol', parseDigitsProtocol),
    runs: read('runs', parseDigitsRuns),
    curves: read('curves', parseDigitsCurves),
  };
}
