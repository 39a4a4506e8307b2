/**
 * @file The JSON header of a safetensors file, read strictly. `JSON.parse` alone would let some things through: of two
 * members with one name it silently keeps the last, and it builds nested values to any depth. Both are caught here on the
 * text, before anything is built. It also takes `8.0`, `1e3` and `-0` for whole numbers, which other readers refuse.
 */

import { quoted } from '../errors';

/** One tensor as the header declares it; nothing but the types has been checked. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte and the byte after the last, counted from the end of the header. */
  readonly offsets: readonly [begin: number, end: number];
}

/** What a header holds. */
export interface Header {
  readonly entries: readonly HeaderEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The member of the header that holds free text instead of a tensor. */
export const METADATA_KEY = '__metadata__';

/** A header holds objects of objects of lists, nothing deeper. */
const MAX_DEPTH = 3;

/** A number of JSON; of a longer one, its beginning. */
const NUMBER = /^[-+.\deE]+/;
const LONGEST_NUMBER = 40;

/** What is wrong with a file, in words that continue a sentence; the reader names the file and adds what to do. */
export class FormatError extends Error {
  override name = 'FormatError';

  /** @param kind whether the file is damaged, of another format, or has elements of a type that is not read */
  constructor(
    message: string,
    readonly kind: 'damaged' | 'foreign' | 'type' = 'damaged',
  ) {
    super(message);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FormatError('the header is not JSON');
  }
}

/** Where the string that opens at `start` closes, or the end of the text. */
function closingQuote(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length && text[index] !== '"') index += text[index] === '\\' ? 2 : 1;
  return index;
}

/** Checks that the text does not nest too deeply and that no object of it repeats a name; all else is `JSON.parse`'s. */
function checkStructure(text: string): void {
  const open: Set<string>[] = [];
  let lastString = '';
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '"') {
      const end = closingQuote(text, index);
      lastString = text.slice(index, end + 1);
      index = end;
    } else if (character === '{' || character === '[') {
      if (open.length === MAX_DEPTH)
        throw new FormatError(`the header nests more than ${MAX_DEPTH} levels deep`);
      open.push(new Set());
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === ':') {
      const name = String(parseJson(lastString));
      const names = open.at(-1);
      if (names?.has(name)) throw new FormatError(`the header has the name ${quoted(name)} twice`);
      names?.add(name);
      lastString = '';
    }
  }
}

/** Checks that the numbers of a text that is JSON are written as whole numbers, in digits alone. */
function checkNumbers(text: string): void {
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '"') {
      index = closingQuote(text, index);
    } else if (/[-\d]/.test(text[index] as string)) {
      const [number] = NUMBER.exec(text.slice(index, index + LONGEST_NUMBER)) as RegExpExecArray;
      if (!/^\d+$/.test(number)) {
        throw new FormatError(`the header has the number ${number}, which is not written in digits alone`);
      }
      index += number.length - 1;
    }
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSizeList = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);

function readMetadata(value: unknown): Record<string, string> {
  if (!isObject(value)) throw new FormatError(`${METADATA_KEY} is not an object of texts`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw new FormatError(`the metadata ${quoted(key)} is not a text`);
  }
  return value as Record<string, string>;
}

function readEntry(name: string, value: unknown): HeaderEntry {
  const tensor = `tensor ${quoted(name)}`;
  if (!isObject(value)) throw new FormatError(`${tensor} is not described by an object`);
  const { dtype, shape, data_offsets: offsets, ...rest } = value;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new FormatError(`${tensor} has the unknown member ${quoted(unknown)}`);
  if (typeof dtype !== 'string') throw new FormatError(`${tensor} has no dtype`);
  if (!isSizeList(shape)) throw new FormatError(`the shape of ${tensor} is not a list of whole numbers`);
  if (!isSizeList(offsets) || offsets.length !== 2) {
    throw new FormatError(`the data_offsets of ${tensor} are not two whole numbers`);
  }
  return { name, dtype, shape, offsets: offsets as [number, number] };
}

/**
 * Reads the text of a header.
 *
 * @throws {FormatError} if the text is not a header
 */
export function parseHeader(text: string): Header {
  if (!text.startsWith('{')) throw new FormatError('the header does not begin with "{"');
  checkStructure(text);
  const header = parseJson(text);
  const entries: HeaderEntry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header as Record<string, unknown>)) {
    if (name === METADATA_KEY) metadata = readMetadata(value);
    else entries.push(readEntry(name, value));
  }
  checkNumbers(text);
  return { entries, metadata };
}

/** Writes the text of a header. Put together by hand: in a JavaScript object, `__proto__` and `0` are no ordinary names. */
export function formatHeader({ entries, metadata }: Header): string {
  const members = entries.map(
    ({ name, dtype, shape, offsets }) =>
      `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: offsets })}`,
  );
  if (Object.keys(metadata).length > 0) members.unshift(`"${METADATA_KEY}":${JSON.stringify(metadata)}`);
  return `{${members.join(',')}}`;
}
