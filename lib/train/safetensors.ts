/**
 * @file Tensors by name in one file, in the safetensors format (https://github.com/huggingface/safetensors): an unsigned
 * 64-bit header length, a JSON header, then the elements, all little-endian and row-major. Python reads what this writes
 * and the reverse. The reader trusts nothing: every length, offset, type and name is checked before memory is taken, so
 * a damaged or hostile file costs one error.
 *
 * Element types without a typed array of their own (F16, BF16, the 8-bit floats) are refused by name.
 */
import { ArgumentError, FileError, quoted } from '../errors';
import {
  FormatError,
  formatHeader,
  type Header,
  type HeaderEntry,
  METADATA_KEY,
  parseHeader,
} from './safetensors-header';

/** The typed array that holds the elements of each type. `BOOL` is bytes 0 and 1. */
export interface StoredArrays {
  F64: Float64Array;
  F32: Float32Array;
  I64: BigInt64Array;
  U64: BigUint64Array;
  I32: Int32Array;
  U32: Uint32Array;
  I16: Int16Array;
  U16: Uint16Array;
  I8: Int8Array;
  U8: Uint8Array;
  BOOL: Uint8Array;
}

/** Element types that can be stored. */
export type StoredDType = keyof StoredArrays;

/** A tensor of a file: `data` is row-major and of the typed array that belongs to `dtype`. */
export type StoredTensor = {
  [D in StoredDType]: {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: StoredArrays[D];
  };
}[StoredDType];

/** How to make the array of each type over a buffer. */
const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

/** What a file holds. */
export interface TensorFile {
  readonly tensors: Map<string, StoredTensor>;
  /** Free text by name; empty if the file has none. */
  readonly metadata: Record<string, string>;
}

/** Types of the format that no typed array of every supported Node holds. */
const UNREAD_DTYPES = /^(F16|BF16|F8_E\dM\d)$/;

/** What PyTorch's own files end in. */
const PYTORCH_ENDING = /\.(pt|pth)$/i;

/** Longest header accepted, in bytes: some 80,000 tensors. */
const MAX_HEADER_BYTES = 2 ** 23;

/** The data begins at a multiple of this many bytes, so that a reader may map the file and use it in place. */
const ALIGNMENT = 8;

/** Number of elements of a shape, or `undefined` if no safe integer holds it. */
function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

function checkTensor(name: string, { dtype, shape, data }: StoredTensor): void {
  const problem = (detail: string) => new ArgumentError(`cannot store tensor ${quoted(name)}: ${detail}.`);
  if (name === METADATA_KEY) throw problem('this name is reserved for metadata, choose another');
  if (!Object.hasOwn(ARRAYS, dtype)) {
    throw problem(`its dtype ${quoted(String(dtype))} is none of ${Object.keys(ARRAYS).join(', ')}`);
  }
  if (!(data instanceof ARRAYS[dtype])) {
    throw problem(`elements of dtype ${dtype} must be given as ${ARRAYS[dtype].name}`);
  }
  if (
    !shape.every((size) => Number.isSafeInteger(size) && size >= 0) ||
    elementCount(shape) !== data.length
  ) {
    throw problem(`its shape [${shape.join(', ')}] does not fit its ${data.length} elements`);
  }
}

/**
 * Writes tensors as the bytes of a safetensors file. The same tensors in the same order give the same bytes.
 *
 * @throws {ArgumentError} if a shape or typed array does not fit its dtype, or a name is reserved
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  for (const [name, tensor] of tensors) checkTensor(name, tensor);
  // Wide elements first: then every tensor lies aligned to its own element size, without gaps.
  const ordered = [...tensors].sort(
    ([, one], [, other]) => other.data.BYTES_PER_ELEMENT - one.data.BYTES_PER_ELEMENT,
  );
  const entries: HeaderEntry[] = [];
  let end = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    const begin = end;
    end += data.byteLength;
    entries.push({ name, dtype, shape, offsets: [begin, end] });
  }
  const header = new TextEncoder().encode(formatHeader({ entries, metadata }));
  const headerBytes = Math.ceil(header.length / ALIGNMENT) * ALIGNMENT;
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new ArgumentError(
      `cannot store ${tensors.size} tensors: their header of ${headerBytes} bytes exceeds ${MAX_HEADER_BYTES}; split them or shorten the metadata.`,
    );
  }
  const bytes = new Uint8Array(8 + headerBytes + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(header, 8);
  bytes.fill(0x20, 8 + header.length, 8 + headerBytes);
  ordered.forEach(([, { data }], index) => {
    const begin = (entries[index] as HeaderEntry).offsets[0];
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 8 + headerBytes + begin);
  });
  return bytes;
}

/** The bytes of a file, read in parts, so that nothing of a file that is refused for its header is read but that. */
export interface ByteSource {
  readonly size: number;
  /** Bytes `begin` to `end`, at most `size`, in memory of their own. */
  read(begin: number, end: number): Uint8Array;
}

/** Reads the header's text and where the data begins. */
function readHeader({ size, read }: ByteSource): { header: Header; dataStart: number } {
  if (size < 8) throw new FormatError(`it has ${size} bytes, too few for the header length of 8 bytes`);
  const length = new DataView(read(0, 8).buffer).getBigUint64(0, true);
  const isTooLong = length > BigInt(MAX_HEADER_BYTES);
  if (length > BigInt(size - 8)) {
    if (isTooLong) throw new FormatError('its first 8 bytes are not the length of a header', 'foreign');
    // Of a file that was cut off, even in its header, the length is still one that a header may have.
    throw new FormatError(`its header should have ${length} bytes, but only ${size - 8} follow`, 'damaged');
  }
  if (isTooLong)
    throw new FormatError(`its header has ${length} bytes, more than the ${MAX_HEADER_BYTES} allowed`);
  const dataStart = 8 + Number(length);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(read(8, dataStart));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new FormatError('the header is not UTF-8 text');
  }
  return { header: parseHeader(text), dataStart };
}

/** Checks that the tensors fill the data exactly: in bounds, no overlap, no hole, nothing left over. */
function checkLayout(entries: readonly HeaderEntry[], dataBytes: number): void {
  const ordered = [...entries].sort(({ offsets: [a, aEnd] }, { offsets: [b, bEnd] }) => a - b || aEnd - bEnd);
  let end = 0;
  for (const { name, offsets } of ordered) {
    const where = `tensor ${quoted(name)} at bytes ${offsets[0]} to ${offsets[1]}`;
    if (offsets[1] < offsets[0]) throw new FormatError(`${where} ends before it begins`);
    if (offsets[1] > dataBytes)
      throw new FormatError(`${where} reaches beyond the ${dataBytes} bytes of data`);
    if (offsets[0] < end) throw new FormatError(`${where} overlaps the tensor before it`);
    if (offsets[0] > end)
      throw new FormatError(`${where} leaves a hole of ${offsets[0] - end} bytes before it`);
    end = offsets[1];
  }
  if (end < dataBytes) throw new FormatError(`${dataBytes - end} bytes follow the last tensor`);
}

/** Checks that the type of a tensor is known and its shape fits its bytes. */
function checkEntry({ name, dtype, shape, offsets: [begin, end] }: HeaderEntry): void {
  if (UNREAD_DTYPES.test(dtype))
    throw new FormatError(`holds ${dtype} tensors such as ${quoted(name)}`, 'type');
  if (!Object.hasOwn(ARRAYS, dtype)) {
    const known = Object.keys(ARRAYS).join(', ');
    throw new FormatError(
      `tensor ${quoted(name)} has dtype ${quoted(dtype)}, which is not read here (only ${known})`,
    );
  }
  const count = elementCount(shape);
  if (count === undefined || count * ARRAYS[dtype as StoredDType].BYTES_PER_ELEMENT !== end - begin) {
    const described = `${dtype} of shape [${shape.slice(0, 8).join(', ')}${shape.length > 8 ? ', ...' : ''}]`;
    throw new FormatError(`tensor ${quoted(name)} has ${end - begin} bytes, which do not fit ${described}`);
  }
}

/** Makes a tensor of its bytes, whose memory it takes over. */
function readTensor({ name, dtype, shape }: HeaderEntry, bytes: Uint8Array): StoredTensor {
  if (dtype === 'BOOL' && bytes.some((byte) => byte > 1)) {
    throw new FormatError(`tensor ${quoted(name)} of dtype BOOL has bytes other than 0 and 1`);
  }
  return {
    dtype,
    shape,
    data: new ARRAYS[dtype as StoredDType](bytes.buffer as ArrayBuffer),
  } as StoredTensor;
}

/**
 * Reads a safetensors file in parts: its header, which is checked whole, then each tensor once.
 *
 * @param name what to call the file in an error, such as its path
 * @throws {FileError} if anything about the file is not as the format demands, and what `source.read` throws
 */
export function readSafetensors(source: ByteSource, name: string): TensorFile {
  try {
    const { header, dataStart } = readHeader(source);
    const { entries, metadata } = header;
    checkLayout(entries, source.size - dataStart);
    for (const entry of entries) checkEntry(entry);
    const read = (entry: HeaderEntry) => {
      const [begin, end] = entry.offsets;
      return readTensor(entry, source.read(dataStart + begin, dataStart + end));
    };
    return {
      tensors: new Map(entries.map((entry) => [entry.name, read(entry)])),
      metadata: { ...metadata },
    };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw refusal(name, error);
  }
}

/** What is wrong with a file, and what to do about it. */
function refusal(name: string, { kind, message }: FormatError): FileError {
  if (kind === 'type') return new FileError(`${name} ${message}, which are not read here; save them as F32.`);
  if (PYTORCH_ENDING.test(name)) {
    return new FileError(
      `${name} is not a safetensors file: ${message}; save it with safetensors.torch.save_file.`,
    );
  }
  if (kind === 'foreign')
    return new FileError(`${name} is not a safetensors file: ${message}; give another file.`);
  return new FileError(
    `${name} is not a whole safetensors file: ${message}; give another file or write it again.`,
  );
}

/**
 * Reads the bytes of a safetensors file; the tensors do not share memory with them.
 *
 * @param source what to call the file in an error, such as its path
 * @throws {FileError} if anything about the file is not as the format demands
 */
export function decodeSafetensors(bytes: Uint8Array, source = 'safetensors data'): TensorFile {
  const read = (begin: number, end: number) => new Uint8Array(bytes.subarray(begin, end));
  return readSafetensors({ size: bytes.length, read }, source);
}
