/** @file Reads and writes the folder of `npm run digits`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readWholeFile, writeFileAtomic } from '../files.node';
import { digitsDigest } from './digits-digest.node';
import { type DigitsProtocol, parseDigitsProtocol } from './digits-protocol';
import {
  type DigitsCurve,
  type DigitsRun,
  type DigitsRunKey,
  endOf,
  formatDigitsCurves,
  formatDigitsRuns,
  parseDigitsCurves,
  parseDigitsRuns,
  runKey,
} from './digits-results';
import type { Evaluation } from './progress';
import { RunLock } from './run-lock.node';

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
  /** Those that were made with this protocol, in the file's order. */
  readonly runs: readonly DigitsRun[];
  /** Those of the test runs among them. */
  readonly curves: readonly DigitsCurve[];
}

/**
 * Reads the check's protocol and results. Runs that were made with another protocol are left aside.
 *
 * @param folder `output/published/digits`
 * @throws {FileError} if a file is missing or is not what the check writes
 */
export function readDigitsResults(folder: string): DigitsResults {
  const protocol = read(folder, 'protocol', parseDigitsProtocol);
  return resultsOf(
    protocol,
    read(folder, 'runs', parseDigitsRuns),
    read(folder, 'curves', parseDigitsCurves),
  );
}

/** The check's folder while one process carries the check out: no other one may. */
export class DigitsFolder {
  readonly protocol: DigitsProtocol;
  /** How many runs in the file were made with another protocol; they are gone with the next run that is added. */
  readonly leftAside: number;
  readonly #runs: DigitsRun[];
  readonly #curves: DigitsCurve[];

  private constructor(
    private readonly folder: string,
    private readonly lock: RunLock,
  ) {
    this.protocol = read(folder, 'protocol', parseDigitsProtocol);
    const present = <T>(name: keyof typeof DIGITS_FILES, parse: (text: string, source: string) => T[]) =>
      existsSync(join(folder, DIGITS_FILES[name])) ? read(folder, name, parse) : [];
    const all = present('runs', parseDigitsRuns);
    const { runs, curves } = resultsOf(this.protocol, all, present('curves', parseDigitsCurves));
    this.leftAside = all.length - runs.length;
    this.#runs = [...runs];
    this.#curves = [...curves];
  }

  /**
   * Takes the folder and reads what is in it; there may be a protocol only.
   *
   * @throws {FolderInUseError} if another process carries the check out
   * @throws {FileError} if a file is not what the check writes, or the folder cannot be written
   */
  static open(folder: string): DigitsFolder {
    const lock = RunLock.take(folder);
    try {
      return new DigitsFolder(folder, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** The runs made with this protocol, the oldest first. */
  get runs(): readonly DigitsRun[] {
    return this.#runs;
  }

  /** Whether a run has been made with this protocol. */
  has(key: DigitsRunKey): boolean {
    return this.#runs.some((run) => runKey(run) === runKey(key));
  }

  /**
   * Writes a run that has ended, and the curve of a test.
   *
   * @param commit of the library, as `DigitsRun` has it
   * @throws {FileError} if the files cannot be written
   */
  add(key: DigitsRunKey, history: readonly Evaluation[], commit = 'unknown'): DigitsRun {
    const protocol = digitsDigest(this.protocol, key);
    if (protocol === undefined) throw new Error(`${runKey(key)} is no run of the protocol`);
    const run = endOf({ ...key, protocol, commit }, history);
    const { stage, model, arm, seed } = key;
    // The curve first: one without its run is left aside when the folder is opened again, and the run made again.
    if (stage === 'test') {
      this.#curves.push({ model, arm, seed, history });
      this.#write('curves', formatDigitsCurves(this.#curves));
    }
    this.#runs.push(run);
    this.#write('runs', formatDigitsRuns(this.#runs));
    return run;
  }

  /**
   * Writes what the runs have come to and what they ran on; a file that has the same outcome is left as it is, because this
   * process has not made those runs.
   *
   * @throws {FileError} if the file cannot be written
   */
  summarize(outcome: readonly object[], environment: object): void {
    const summary = { outcome, runs: this.#runs.length, ...environment };
    const path = join(this.folder, DIGITS_FILES.summary);
    if (existsSync(path) && beginning(read(this.folder, 'summary', String)) === beginning(text(summary)))
      return;
    this.#write('summary', text(summary));
  }

  /** Lets the folder go. */
  close(): void {
    this.lock.release();
  }

  #write(name: keyof typeof DIGITS_FILES, text: string): void {
    writeFileAtomic(join(this.folder, DIGITS_FILES[name]), text);
  }
}

const text = (summary: object) => `${JSON.stringify(summary, null, 2)}\n`;

/** The text of a summary up to the environment. */
const beginning = (summary: string) => /^.*?\n {2}"runs": \d+/s.exec(summary)?.[0];

function read<T>(
  folder: string,
  name: keyof typeof DIGITS_FILES,
  parse: (text: string, source: string) => T,
): T {
  const path = join(folder, DIGITS_FILES[name]);
  return parse(new TextDecoder().decode(readWholeFile(path)), path);
}

/** What of the tables belongs to a protocol. */
function resultsOf(
  protocol: DigitsProtocol,
  allRuns: readonly DigitsRun[],
  allCurves: readonly DigitsCurve[],
): DigitsResults {
  const runs = allRuns.filter((run) => run.protocol === digitsDigest(protocol, run));
  const curveKey = ({ model, arm, seed }: Pick<DigitsRunKey, 'model' | 'arm' | 'seed'>) =>
    JSON.stringify([model, arm, seed]);
  const tested = new Set(runs.filter(({ stage }) => stage === 'test').map(curveKey));
  return { protocol, runs, curves: allCurves.filter((curve) => tested.has(curveKey(curve))) };
}
