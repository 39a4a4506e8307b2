/**
 * @file The table of a run's evaluations, `metrics.csv`, as text. One row is one evaluation of the parameters before
 * that update; the columns are those that write-up 1 plots. Every reader of CSV can open it, danfo.js included.
 */
import Papa from 'papaparse';
import { FileError } from '../errors';
import type { Evaluation } from './progress';

/** The columns with the member of `Evaluation` that each holds, in the file's order. */
const COLUMNS = [
  ['Epoch', 'epoch'],
  ['Training Accuracy', 'trainAccuracy'],
  ['Training Loss', 'trainLoss'],
  ['Validation Accuracy', 'validationAccuracy'],
  ['Validation Loss', 'validationLoss'],
] as const satisfies readonly (readonly [string, keyof Evaluation])[];

const HEADER = COLUMNS.map(([title]) => title);

/** Numbers as this file writes them; a run whose loss diverged holds `NaN` or `Infinity`. */
const NUMBER = /^(?:-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|NaN|-?Infinity)$/i;

/**
 * Writes a number with the fewest digits that read back as the same float32: the losses are computed in float32, and
 * the further digits of their double form mean nothing.
 */
export function shortestFloat32(value: number): string {
  const single = Math.fround(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return String(short);
  }
  return String(Number(single.toPrecision(9)));
}

/** The first line of the file, with its line feed. */
export function metricsHeader(): string {
  return `${Papa.unparse([HEADER])}\n`;
}

/** The lines of some evaluations, each ended by a line feed. */
export function formatMetrics(rows: readonly Evaluation[]): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) =>
    COLUMNS.map(([, key]) => (key === 'epoch' ? String(row.epoch) : shortestFloat32(row[key]))),
  );
  return `${Papa.unparse(cells, { newline: '\n' })}\n`;
}

/** Reads the cells of one line; `fail` turns what is wrong with them into the error to throw. */
function readRow(cells: readonly string[], fail: (problem: string) => FileError): Evaluation {
  if (cells.length !== COLUMNS.length) throw fail(`has ${cells.length} cells instead of ${COLUMNS.length}`);
  const row = { epoch: 0, trainAccuracy: 0, trainLoss: 0, validationAccuracy: 0, validationLoss: 0 };
  COLUMNS.forEach(([title, key], column) => {
    const text = cells[column] as string;
    const value = NUMBER.test(text) ? Number(text) : undefined;
    const problem = (expected: string) =>
      fail(`has ${JSON.stringify(text.slice(0, 40))} as ${title}, which is not ${expected}`);
    if (value === undefined) throw problem('a number');
    if (key === 'epoch' && !(Number.isSafeInteger(value) && value >= 0)) throw problem('a whole number');
    if (key.endsWith('Accuracy') && !(value >= 0 && value <= 1)) throw problem('from 0 to 1');
    row[key] = key === 'epoch' ? value : Math.fround(value);
  });
  return row;
}

/** What can be read of a `metrics.csv`. */
export interface ReadableMetrics {
  /** Evaluations in order, as float32 numbers, up to the first line that is wrong; losses may be NaN or infinite. */
  readonly rows: Evaluation[];
  /** What is wrong with that line. */
  readonly damage?: FileError;
}

/**
 * Reads the text of a `metrics.csv` as far as it is one.
 *
 * @param source what to call the file in an error, such as its path
 */
export function readableMetrics(text: string, source = 'metrics.csv'): ReadableMetrics {
  const rows: Evaluation[] = [];
  const fail = (line: number, problem: string) =>
    new FileError(`${source} line ${line} ${problem}: give a metrics.csv as a run writes it.`);
  const lines = Papa.parse<string[]>(text, { delimiter: ',' }).data;
  if (lines[0]?.join() !== HEADER.join()) {
    return { rows, damage: fail(1, `is not the header "${HEADER.join()}"`) };
  }
  const last = lines.pop();
  const cutOff = last?.length !== 1 || last[0] !== '';
  for (let line = 2; line <= lines.length; line++) {
    try {
      const row = readRow(lines[line - 1] as string[], (problem) => fail(line, problem));
      const before = rows.at(-1)?.epoch ?? -1;
      if (row.epoch <= before) throw fail(line, `has epoch ${row.epoch} after epoch ${before}`);
      rows.push(row);
    } catch (error) {
      if (error instanceof FileError) return { rows, damage: error };
      throw error;
    }
  }
  return cutOff ? { rows, damage: fail(lines.length + 1, 'is cut off, it has no line end') } : { rows };
}

/**
 * Reads the text of a `metrics.csv`.
 *
 * @param source what to call the file in an error, such as its path
 * @returns the evaluations in order, as float32 numbers; losses may be NaN or infinite
 * @throws {FileError} naming the first line that is wrong: other columns, a cell that is not a number in range, an
 *   epoch that does not come after the one before, or a last line without its line feed, which was cut off
 */
export function parseMetrics(text: string, source = 'metrics.csv'): Evaluation[] {
  const { rows, damage } = readableMetrics(text, source);
  if (damage !== undefined) throw damage;
  return rows;
}

/**
 * Evaluations from rows that another reader made of a `metrics.csv`, such as danfo.js's `toJSON(frame)`.
 *
 * @param records one record a row, keyed by the file's column titles
 * @throws {FileError} if a column is missing or is not a number
 */
export function evaluationsOf(records: readonly Readonly<Record<string, unknown>>[]): Evaluation[] {
  return records.map((record, index) => {
    const values = COLUMNS.map(([title, key]) => {
      const value = record[title];
      if (typeof value !== 'number') {
        throw new FileError(`row ${index + 1} has ${JSON.stringify(value)} as ${title}, expected a number`);
      }
      return [key, value] as const;
    });
    return Object.fromEntries(values) as unknown as Evaluation;
  });
}
