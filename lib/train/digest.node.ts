/**
 * @file A digest inside a safetensors file, as the metadata `sha256`: that of the whole file with 64 zeros in the digest's
 * own place. Readers of the format see one more line of free text; the reader here notices every changed bit.
 */
import { createHash } from 'node:crypto';
import type { OpenFile } from '../files.node';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors';

const KEY = 'sha256';
const PLACEHOLDER = '0'.repeat(64);

/** The digest as the header has it. Inside a text of the header its quotes would be escaped. */
const DIGEST = new RegExp(`"${KEY}":"([0-9a-f]{64})"`);

/** Bytes that are read and hashed at once. */
const BLOCK = 2 ** 20;

/** Where the digest's first digit stands in a file, and what it says; `undefined` in a file without one. */
function findDigest(start: Uint8Array): { readonly place: number; readonly digest: string } | undefined {
  const length = Number(new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true));
  // One character a byte, so that places in the text are places in the file.
  const header = new TextDecoder('latin1').decode(start.subarray(8, 8 + length));
  const match = DIGEST.exec(header);
  if (match === null) return undefined;
  return { place: 8 + match.index + `"${KEY}":"`.length, digest: match[1] as string };
}

/**
 * The same safetensors file with more tensors and the digest.
 *
 * @throws {FileError} if the bytes are no such file
 */
export function sealed(
  bytes: Uint8Array,
  tensors: ReadonlyMap<string, StoredTensor> = new Map(),
): Uint8Array {
  const file = decodeSafetensors(bytes);
  const result = encodeSafetensors(new Map([...file.tensors, ...tensors]), {
    ...file.metadata,
    [KEY]: PLACEHOLDER,
  });
  const { place } = findDigest(result) as { place: number };
  result.set(new TextEncoder().encode(createHash('sha256').update(result).digest('hex')), place);
  return result;
}

/** What the digest says of a file: nothing, where it has none. */
export type Seal = 'intact' | 'broken' | 'absent';

/**
 * Compares a file with its digest.
 *
 * @param file one whose header has been read without an error
 */
export function checkSeal({ size, read }: Pick<OpenFile, 'size' | 'read'>): Seal {
  const headerEnd = 8 + Number(new DataView(read(0, 8).buffer).getBigUint64(0, true));
  const start = read(0, headerEnd);
  const found = findDigest(start);
  if (found === undefined) return 'absent';
  start.set(new TextEncoder().encode(PLACEHOLDER), found.place);
  const hash = createHash('sha256').update(start);
  for (let begin = headerEnd; begin < size; begin += BLOCK) {
    hash.update(read(begin, Math.min(size, begin + BLOCK)));
  }
  return hash.digest('hex') === found.digest ? 'intact' : 'broken';
}
