/**
 * @file The table of an operation as a CSV file, through danfo.js's data frames. Three columns, a, b and the result; the name
 * of the third says which operation it is, as in
 *
 *     a,b,add mod 97        a,b,s5
 *     0,0,0                 0,0,0
 *     0,1,1                 0,1,1
 *
 * A file holds a whole table, its rows in any order. Tokens are not stored: they follow from the form asked for on reading.
 */
import { resolve } from 'node:path';
import { shown } from '../compile/errors';
import { registerGradients } from '../compile/gradients';
import { ArgumentError, FileError, quoted } from '../errors';
import { readWholeFile, writeFileAtomic } from '../files.node';
import { requireRecord } from './arguments';
import { type Dataset, makeDataset, operandsOf } from './dataset';
import type { OperationName } from './operations';
import type { TokenForm } from './token-forms';

const HEADER = /^a,b,(\S+)(?: mod (\d+))?$/;
const CELL = /^(0|[1-9]\d{0,8})$/;

/**
 * danfo.js takes a second to load, so only what reads or writes a table waits for it. With it comes a copy of tfjs, which
 * must not leave its gradients in the place of the corrected ones.
 */
async function danfo() {
  const module = await import('danfojs-node');
  registerGradients();
  return module;
}

/** The name of the third column. */
function resultColumn({ operation, modulus }: Pick<Dataset, 'operation' | 'modulus'>): string {
  return modulus === undefined ? operation : `${operation} mod ${modulus}`;
}

/**
 * Writes the table of a dataset, replacing the file as a whole: a reader finds the old content or the new, never a part.
 *
 * @param dataset of any token form. Wrong labels are written too, but such a file is refused on reading
 * @param path in a folder that exists; ends in `.csv` by custom
 * @throws {FileError} if the file cannot be written; what it held before is then still there
 */
export async function saveDatasetCsv(dataset: Dataset, path: string): Promise<void> {
  const { DataFrame, toCSV } = await danfo();
  const rows = Array.from({ length: dataset.rows }, (_, row) => [
    ...operandsOf(dataset, row),
    dataset.targets[row * dataset.answers] as number,
  ]);
  const text = toCSV(
    new DataFrame(rows, { columns: ['a', 'b', resultColumn(dataset)] }),
  ) as unknown as string;
  writeFileAtomic(path, text);
}

/**
 * Reads the table that `saveDatasetCsv` wrote and checks it: every cell is a whole number of the operation's range, every pair
 * is there once, and every result is what the operation gives.
 *
 * @param options the token form to return it in; default `equals`
 * @returns the dataset with its rows in the order of `makeDataset`, whatever their order in the file
 * @throws {FileError} if the file cannot be read or is damaged, naming the line and what stands there
 * @throws {ArgumentError} for a path that is no text, and an unknown option
 */
export async function readDatasetCsv(
  path: string,
  options: { readonly form?: TokenForm | undefined } = {},
): Promise<Dataset> {
  if (typeof path !== 'string') {
    throw new ArgumentError(
      `the path given to readDatasetCsv is ${shown(path)}, expected one such as 'data/add.csv'`,
    );
  }
  requireRecord('the options of readDatasetCsv', options, "{ form: 'pair' }", ['form']);
  const text = new TextDecoder().decode(readWholeFile(path)); // leaves a byte order mark out
  const lines = text.split(/\r?\n/);
  const task = taskOf(lines, path);
  checkCells(lines, path);
  checkRows(lines.length > 2 ? await frameValues(path) : [], task, path);
  return options.form === undefined ? task : makeDataset({ ...taskName(task), form: options.form });
}

/** The rows of a file that has some. An absolute path is never taken for a URL. */
async function frameValues(path: string): Promise<number[][]> {
  const { readCSV } = await danfo();
  return (await readCSV(resolve(path), { skipEmptyLines: true })).values as number[][];
}

const taskName = ({ operation, modulus }: Dataset) => ({ operation, modulus });

/** What the file ought to hold, from its first line. */
function taskOf(lines: readonly string[], path: string): Dataset {
  const header = lines[0] as string;
  const match = HEADER.exec(header);
  if (match === null) {
    throw new FileError(
      `${path}, line 1 is ${quoted(header)}: expected a header such as "a,b,add mod 97" or "a,b,s5".`,
    );
  }
  const [, operation, modulus] = match;
  try {
    return makeDataset({
      operation: operation as OperationName,
      modulus: modulus === undefined ? undefined : Number(modulus),
    });
  } catch (error) {
    if (error instanceof ArgumentError) throw new FileError(`${path}, line 1: ${error.message}`);
    throw error;
  }
}

/** Checks that the lines below the header are three whole numbers each and that the last one is complete. */
function checkCells(lines: readonly string[], path: string): void {
  const last = lines.length - 1;
  if (lines[last] !== '') {
    throw new FileError(`${path}, line ${last + 1} is cut off: make the file anew.`);
  }
  for (let index = 1; index < last; index++) {
    const cells = (lines[index] as string).split(',');
    if (cells.length !== 3) {
      throw new FileError(
        `${path}, line ${index + 1} has ${cells.length} cells, expected 3: make the file anew.`,
      );
    }
    const bad = cells.find((cell) => !CELL.test(cell));
    if (bad !== undefined) {
      throw new FileError(
        `${path}, line ${index + 1}: ${quoted(bad)} is not a whole number of at least 0: make the file anew.`,
      );
    }
  }
}

/** Checks that every pair is there once, with its result. */
function checkRows(values: readonly (readonly number[])[], task: Dataset, path: string): void {
  const { elements, rows, targets } = task;
  const columns = rows / elements;
  const firstRight = elements - columns;
  const name = resultColumn(task);
  const lineOf = new Int32Array(rows);
  values.forEach(([a = 0, b = 0, c = 0], index) => {
    const line = index + 2;
    const refuse = (problem: string) =>
      new FileError(`${path}, line ${line}: ${problem}: make the file anew.`);
    if (a >= elements) throw refuse(`a is ${a}, expected 0 to ${elements - 1} in the table of ${name}`);
    if (b < firstRight || b >= elements) {
      throw refuse(`b is ${b}, expected ${firstRight} to ${elements - 1} in the table of ${name}`);
    }
    const row = a * columns + b - firstRight;
    const expected = targets[row] as number;
    if (c !== expected) throw refuse(`the result of (${a}, ${b}) is ${c}, but ${name} gives ${expected}`);
    if (lineOf[row] !== 0) throw refuse(`the pair (${a}, ${b}) is on line ${lineOf[row]} already`);
    lineOf[row] = line;
  });
  const missing = lineOf.indexOf(0);
  if (missing >= 0) {
    const pair = `(${Math.floor(missing / columns)}, ${(missing % columns) + firstRight})`;
    throw new FileError(
      `${path} has ${values.length} rows, expected the ${rows} of ${name}; the first pair missing is ${pair}: make the file anew.`,
    );
  }
}
