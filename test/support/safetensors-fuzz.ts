/** @file Files that are almost safetensors, or not at all, and what must hold for whatever is made of them. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { FileError } from '../../lib/errors';
import { encodeSafetensors, readSafetensors, type StoredTensor } from '../../lib/train/safetensors';

/** A file with a header of any text, whose length may be told wrongly. */
export function fileOf(header: string, data: Uint8Array, length?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const valid = encodeSafetensors(
  new Map<string, StoredTensor>([
    ['a', { dtype: 'F64', shape: [2], data: Float64Array.of(1, -0) }],
    ['b', { dtype: 'F32', shape: [1, 3], data: Float32Array.of(1, 2, Number.NaN) }],
    ['c', { dtype: 'BOOL', shape: [2], data: Uint8Array.of(0, 1) }],
    ['d', { dtype: 'I64', shape: [0, 7], data: new BigInt64Array() }],
  ]),
  { format: 'pt' },
);

/** A number as a header should not have it, and some that it may. */
const number = fc.oneof(
  { weight: 4, arbitrary: fc.nat(24).map(String) },
  fc.constantFrom(
    ...'-1 -0 0.5 8.0 1e1 8E0 NaN Infinity -Infinity null true "8" [] {} 08 +8 0x8 1e400 -1e-400'.split(' '),
    ...[2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64].map((value) => BigInt(value).toString()),
  ),
);
const list = (length: object) => fc.array(number, length).map((items) => `[${items.join(',')}]`);
const dtype = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('"F32"', '"U8"', '"F64"', '"BOOL"') },
  fc.constantFrom('"F16"', '"BF16"', '"f32"', '""', '"toString"', 'null', '32'),
);
const member = fc.oneof(
  { weight: 4, arbitrary: dtype.map((value) => `"dtype":${value}`) },
  { weight: 4, arbitrary: list({ maxLength: 3 }).map((value) => `"shape":${value}`) },
  { weight: 4, arbitrary: list({ minLength: 2, maxLength: 2 }).map((value) => `"data_offsets":${value}`) },
  fc.constantFrom('"order":"C"', '"__proto__":{}', '"dtype":"F32"'),
);
const entry = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(dtype, list({ maxLength: 2 }), list({ minLength: 2, maxLength: 2 }))
      .map(([type, shape, offsets]) => `{"dtype":${type},"shape":${shape},"data_offsets":${offsets}}`),
  },
  fc.array(member, { maxLength: 5 }).map((members) => `{${members.join(',')}}`),
  fc.nat(6).map((depth) => `${'{"x":'.repeat(depth)}1${'}'.repeat(depth)}`),
);
const name = fc.constantFrom('"a"', '"b"', '"\\u0061"', '"__metadata__"', '"__proto__"', '"1"', '""');
const header = fc
  .array(
    fc.tuple(name, entry).map(([key, value]) => `${key}:${value}`),
    { maxLength: 4 },
  )
  .map((members) => `{${members.join(',')}}`);
const data = fc.uint8Array({ maxLength: 32 });

/** Some bytes of the valid file changed, put in, taken out, or its end cut off. */
const edited = fc
  .array(fc.tuple(fc.nat(valid.length), fc.nat(8), fc.uint8Array({ maxLength: 8 })), {
    minLength: 1,
    maxLength: 3,
  })
  .map((edits) =>
    edits.reduce(
      (bytes, [at, removed, added]) =>
        Uint8Array.of(...bytes.subarray(0, at), ...added, ...bytes.subarray(at + removed)),
      valid,
    ),
  );

/** Files of every kind. */
export const anyFile: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.tuple(fc.json({ maxDepth: 5 }), data).map(([text, bytes]) => fileOf(text, bytes)),
  { weight: 4, arbitrary: fc.tuple(header, data).map(([text, bytes]) => fileOf(text, bytes)) },
  fc
    .tuple(header, data, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
    .map(([text, bytes, length]) => fileOf(text, bytes, length)),
  { weight: 4, arbitrary: edited },
);

/**
 * Reads a file, which must end in its very content or one `FileError`, and must not ask for a byte that is not there or
 * for one twice: the memory it takes is the file's.
 *
 * @returns whether the file was accepted
 */
export function readOrRefuse(bytes: Uint8Array): boolean {
  let asked = 0;
  const read = (begin: number, end: number) => {
    if (!(begin >= 0 && begin <= end && end <= bytes.length))
      throw new RangeError(`bytes ${begin} to ${end}`);
    asked += end - begin;
    return bytes.slice(begin, end);
  };
  try {
    const { tensors } = readSafetensors({ size: bytes.length, read }, 'fuzz');
    expect(asked).toBe(bytes.length);
    const dataStart = 8 + Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
    const text = new TextDecoder().decode(bytes.subarray(8, dataStart));
    expect(contentOf(tensors, text)).toEqual([...bytes.subarray(dataStart)]);
    return true;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    expect(error.message).not.toContain('\n');
    expect(asked).toBeLessThanOrEqual(bytes.length);
    return false;
  }
}

/** The tensors' bytes one after the other, in the order in which the header says they lie. */
function contentOf(tensors: ReadonlyMap<string, StoredTensor>, text: string): number[] {
  const entries = JSON.parse(text) as Record<string, { data_offsets?: [number, number] }>;
  return Object.entries(entries)
    .flatMap(([key, { data_offsets: offsets }]) => (offsets === undefined ? [] : [{ key, offsets }]))
    .sort((a, b) => a.offsets[0] - b.offsets[0] || a.offsets[1] - b.offsets[1])
    .flatMap(({ key }) => {
      const { buffer, byteOffset, byteLength } = (tensors.get(key) as StoredTensor).data;
      return [...new Uint8Array(buffer, byteOffset, byteLength)];
    });
}
