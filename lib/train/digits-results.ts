/**
 * @file The tables that the check on handwritten digits writes: `runs.csv` with one line a run, `curves.csv` with one line an
 * evaluation of the test runs.
 */
import Papa from 'papaparse';
import { FileError, quoted } from '../errors';
import type { DigitsStage } from './digits-protocol';
import { shortestFloat32 } from './metrics-csv';
import type { Evaluation } from './progress';

/** What a run is, which no other one shares. */
export interface DigitsRunKey {
  /** `tuning`: on 7,000 images, judged by 1,000 others. `test`: on those 8,000, judged by the other 2,000. */
  readonly stage: DigitsStage;
  readonly model: string;
  readonly arm: string;
  readonly learningRate: number;
  readonly seed: number;
}

/** What a run was made with. */
export interface DigitsRunOrigin {
  /** `digitsDigest` of the protocol: 16 hexadecimal digits. */
  readonly protocol: string;
  /** The last commit of the library's code, with a `+` where it had changes; `unknown` outside a checkout. */
  readonly commit: string;
}

/** A run that has ended. How long it took is not recorded: runs share cores with whatever else a machine does. */
export interface DigitsRun extends DigitsRunKey, DigitsRunOrigin {
  readonly steps: number;
  /** Mean of the last minibatches' cross-entropy in nats; NaN for a run whose numbers became infinite. */
  readonly trainLoss: number;
  /** Of the images it is judged by, in nats. */
  readonly loss: number;
  /** Share of those images that are named right, 0 to 1; 0 where the loss is not finite. */
  readonly accuracy: number;
}

/** The evaluations of a test run: `validation…` are of the test images. */
export interface DigitsCurve extends Pick<DigitsRunKey, 'model' | 'arm' | 'seed'> {
  readonly history: readonly Evaluation[];
}

/** What a run has come to. */
export function endOf(key: DigitsRunKey & DigitsRunOrigin, history: readonly Evaluation[]): DigitsRun {
  const { epoch, trainLoss, validationLoss, validationAccuracy } = history.at(-1) as Evaluation;
  const accuracy = Number.isFinite(validationLoss) ? validationAccuracy : 0;
  return { ...key, steps: epoch, trainLoss, loss: validationLoss, accuracy };
}

type Cell = 'text' | 'number' | 'float32' | 'share' | 'whole' | 'stage' | 'digest' | 'commit';
type Columns<T> = readonly (readonly [title: string, key: keyof T & string, kind: Cell])[];

const RUN_COLUMNS: Columns<DigitsRun> = [
  ['Stage', 'stage', 'stage'],
  ['Model', 'model', 'text'],
  ['Arm', 'arm', 'text'],
  ['Learning Rate', 'learningRate', 'number'],
  ['Seed', 'seed', 'whole'],
  ['Steps', 'steps', 'whole'],
  ['Training Loss', 'trainLoss', 'float32'],
  ['Loss', 'loss', 'float32'],
  ['Accuracy', 'accuracy', 'share'],
  ['Protocol', 'protocol', 'digest'],
  ['Commit', 'commit', 'commit'],
];

type CurveRow = Omit<DigitsCurve, 'history'> & Evaluation;

const CURVE_COLUMNS: Columns<CurveRow> = [
  ['Model', 'model', 'text'],
  ['Arm', 'arm', 'text'],
  ['Seed', 'seed', 'whole'],
  ['Step', 'epoch', 'whole'],
  ['Training Accuracy', 'trainAccuracy', 'share'],
  ['Training Loss', 'trainLoss', 'float32'],
  ['Test Accuracy', 'validationAccuracy', 'share'],
  ['Test Loss', 'validationLoss', 'float32'],
];

/** The text of a `runs.csv`. */
export function formatDigitsRuns(runs: readonly DigitsRun[]): string {
  return format(RUN_COLUMNS, runs);
}

/** The text of a `curves.csv`. */
export function formatDigitsCurves(curves: readonly DigitsCurve[]): string {
  return format(
    CURVE_COLUMNS,
    curves.flatMap(({ history, ...key }) => history.map((row) => ({ ...key, ...row }))),
  );
}

/**
 * Reads the text of a `runs.csv`.
 *
 * @param source what to call the file in an error, such as its path
 * @throws {FileError} naming the first line that is wrong, or that repeats a run
 */
export function parseDigitsRuns(text: string, source = 'runs.csv'): DigitsRun[] {
  const runs = parse(RUN_COLUMNS, text, source);
  const keys = runs.map(runKey);
  const repeated = keys.findIndex((key, i) => keys.indexOf(key) !== i);
  if (repeated >= 0) throw lineError(source, repeated + 2, 'repeats a run');
  return runs;
}

/**
 * Reads the text of a `curves.csv`.
 *
 * @throws {FileError} naming the first line that is wrong
 */
export function parseDigitsCurves(text: string, source = 'curves.csv'): DigitsCurve[] {
  const curves = new Map<string, DigitsCurve & { history: Evaluation[] }>();
  for (const { model, arm, seed, ...row } of parse(CURVE_COLUMNS, text, source)) {
    const name = JSON.stringify([model, arm, seed]);
    const curve = curves.get(name) ?? { model, arm, seed, history: [] };
    curves.set(name, curve);
    curve.history.push(row);
  }
  return [...curves.values()];
}

/** A run's key as text. */
export function runKey({ stage, model, arm, learningRate, seed }: DigitsRunKey): string {
  return JSON.stringify([stage, model, arm, learningRate, seed]);
}

function format<T>(columns: Columns<T>, rows: readonly T[]): string {
  const cells = rows.map((row) =>
    columns.map(([, key, kind]) => {
      const value = row[key];
      return kind === 'float32' || kind === 'share' ? shortestFloat32(value as number) : String(value);
    }),
  );
  return `${Papa.unparse([columns.map(([title]) => title), ...cells], { newline: '\n' })}\n`;
}

const lineError = (source: string, line: number, problem: string) =>
  new FileError(`${source} line ${line} ${problem}: restore the file, or delete it and run npm run digits.`);

function parse<T>(columns: Columns<T>, text: string, source: string): T[] {
  const lines = Papa.parse<string[]>(text, { delimiter: ',' }).data;
  const header = columns.map(([title]) => title).join();
  if (lines[0]?.join() !== header) throw lineError(source, 1, `is not the header "${header}"`);
  const last = lines.pop();
  if (last?.length !== 1 || last[0] !== '')
    throw lineError(source, lines.length + 1, 'is cut off, it has no line end');
  return lines.slice(1).map((cells, i) => {
    if (cells.length !== columns.length) {
      throw lineError(source, i + 2, `has ${cells.length} cells instead of ${columns.length}`);
    }
    return Object.fromEntries(
      columns.map(([title, key, kind], column) => {
        const cell = cells[column] as string;
        const value = VALUE[kind](cell);
        if (value === undefined) throw lineError(source, i + 2, `has ${quoted(cell)} as ${title}`);
        return [key, value];
      }),
    ) as T;
  });
}

/** A cell's value, or `undefined` where it has none. */
const VALUE: Readonly<Record<Cell, (cell: string) => string | number | undefined>> = {
  text: (cell) => cell || undefined,
  stage: (cell) => (cell === 'tuning' || cell === 'test' ? cell : undefined),
  digest: (cell) => (/^[0-9a-f]{16}$/.test(cell) ? cell : undefined),
  commit: (cell) => (/^([0-9a-f]{7,40}\+?|unknown)$/.test(cell) ? cell : undefined),
  number: numberOf,
  float32: numberOf,
  share: (cell) => within(numberOf(cell), (value) => value >= 0 && value <= 1),
  whole: (cell) => within(numberOf(cell), (value) => Number.isSafeInteger(value) && value >= 0),
};

function numberOf(cell: string): number | undefined {
  if (cell === 'NaN') return Number.NaN;
  const value = cell.trim() === '' ? Number.NaN : Number(cell);
  return Number.isNaN(value) ? undefined : value;
}

function within(value: number | undefined, allowed: (value: number) => boolean): number | undefined {
  return value !== undefined && allowed(value) ? value : undefined;
}
