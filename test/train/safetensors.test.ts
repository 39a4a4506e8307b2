import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError, FileError } from '../../lib/errors';
import {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  type StoredTensor,
} from '../../lib/train/safetensors';
import { messageOf } from '../support/one-line';
import { anyFile, readOrRefuse } from '../support/safetensors-fuzz';

const utf8 = new TextEncoder();

/** A file with the given header text, data, and by default the right header length. */
function file(
  header: string | Uint8Array,
  data: Uint8Array = new Uint8Array(0),
  length?: bigint,
): Uint8Array {
  const text = typeof header === 'string' ? utf8.encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

/** A header of one F32 tensor `w`, with some members replaced. */
const single = (members: object) =>
  JSON.stringify({ w: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...members } });

const eightBytes = Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 64); // float32 1 and 2

const floats: StoredTensor = { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) };

const everyType = new Map<string, StoredTensor>([
  ['bytes', { dtype: 'U8', shape: [3], data: Uint8Array.of(0, 127, 255) }],
  ['float32', { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1.5, -0, Number.NaN, Infinity) }],
  ['flags', { dtype: 'BOOL', shape: [1, 3], data: Uint8Array.of(1, 0, 1) }],
  ['float64', { dtype: 'F64', shape: [], data: Float64Array.of(Math.PI) }],
  ['int64', { dtype: 'I64', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) }],
  ['uint64', { dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) }],
  ['int32', { dtype: 'I32', shape: [1, 1, 1], data: Int32Array.of(-(2 ** 31)) }],
  ['uint32', { dtype: 'U32', shape: [1], data: Uint32Array.of(2 ** 32 - 1) }],
  ['int16', { dtype: 'I16', shape: [1], data: Int16Array.of(-(2 ** 15)) }],
  ['uint16', { dtype: 'U16', shape: [1], data: Uint16Array.of(2 ** 16 - 1) }],
  ['int8', { dtype: 'I8', shape: [1], data: Int8Array.of(-128) }],
  ['empty', { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) }],
]);

describe('round trip', () => {
  it('keeps every type, shape, value and the metadata', () => {
    const metadata = { step: '750', 'a "quoted"\nkey': 'π' };
    const decoded = decodeSafetensors(encodeSafetensors(everyType, metadata));
    expect(Object.fromEntries(decoded.tensors)).toEqual(Object.fromEntries(everyType));
    expect(decoded.metadata).toEqual(metadata);
  });

  it('keeps names that objects treat in their own way', () => {
    const names = ['__proto__', 'constructor', '1', '0', '', 'a\\"b', 'blocks.0.q', '矩阵'];
    const decoded = decodeSafetensors(encodeSafetensors(new Map(names.map((name) => [name, floats]))));
    expect([...decoded.tensors.keys()].sort()).toEqual([...names].sort());
    for (const tensor of decoded.tensors.values()) expect(tensor).toEqual(floats);
  });

  it('keeps no tensors at all', () => {
    expect(decodeSafetensors(encodeSafetensors(new Map()))).toEqual({ tensors: new Map(), metadata: {} });
  });

  it('holds for any tensors', () => {
    const tensor = fc
      .array(fc.nat(4), { maxLength: 3 })
      .chain((shape) => {
        const length = shape.reduce((product, size) => product * size, 1);
        return fc.tuple(fc.constant(shape), fc.uint8Array({ minLength: 8 * length, maxLength: 8 * length }));
      })
      .chain(([shape, bytes]) => {
        const count = bytes.length / 8;
        return fc.constantFrom<StoredTensor>(
          { dtype: 'F64', shape, data: new Float64Array(bytes.slice().buffer) },
          { dtype: 'F32', shape, data: new Float32Array(bytes.slice().buffer, 0, count) },
          { dtype: 'I64', shape, data: new BigInt64Array(bytes.slice().buffer) },
          { dtype: 'U8', shape, data: bytes.slice(0, count) },
        );
      });
    const named = fc.uniqueArray(fc.tuple(fc.string(), tensor), { selector: ([name]) => name, maxLength: 6 });
    fc.assert(
      fc.property(named, fc.dictionary(fc.string(), fc.string()), (entries, metadata) => {
        const tensors = new Map(entries);
        const bytes = encodeSafetensors(tensors, metadata);
        const decoded = decodeSafetensors(bytes);
        expect(new Map([...decoded.tensors].sort())).toEqual(new Map([...tensors].sort()));
        expect({ ...decoded.metadata }).toEqual({ ...metadata });
        // Written again in the order read, the same bytes come out.
        const order = new Map(entries.map(([name]) => [name, decoded.tensors.get(name) as StoredTensor]));
        expect(encodeSafetensors(order, metadata)).toEqual(bytes);
      }),
    );
  });
});

describe('layout', () => {
  it('aligns the data to 8 bytes and each tensor to its element size', () => {
    const bytes = encodeSafetensors(everyType, { k: 'v' });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    for (const [name, { data }] of everyType) {
      expect(header[name].data_offsets[0] % data.BYTES_PER_ELEMENT).toBe(0);
    }
  });

  it('writes these exact bytes for one tensor', () => {
    const header = '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'.padEnd(56);
    expect(encodeSafetensors(new Map([['w', floats]]))).toEqual(file(header, eightBytes));
  });

  it('writes the part of a buffer that a view shows', () => {
    const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const bytes = encodeSafetensors(new Map([['w', { dtype: 'F32', shape: [2], data }]]));
    expect(decodeSafetensors(bytes).tensors.get('w')).toEqual(floats);
  });

  it('reads data at odd offsets, from the middle of a buffer, and does not share memory with it', () => {
    const bytes = file(single({}).padEnd(57), eightBytes);
    for (const shift of [0, 1, 3]) {
      const buffer = Buffer.alloc(bytes.length + 8);
      buffer.set(bytes, shift);
      const { tensors } = decodeSafetensors(buffer.subarray(shift, shift + bytes.length));
      buffer.fill(0xff);
      expect(tensors.get('w')).toEqual(floats);
    }
  });
});

describe('files written by Python', () => {
  it.each(['c_gpt', 'd_gpt_traj'])('reads %s', (name) => {
    const url = new URL(`../oracle/${name}.safetensors`, import.meta.url);
    const { tensors } = decodeSafetensors(readFileSync(url), name);
    const { loss } = JSON.parse(readFileSync(new URL(`../oracle/${name}.json`, import.meta.url), 'utf8'));
    for (const [key, expected] of Object.entries(loss)) {
      const { dtype, data } = tensors.get(`${key}.loss`) as StoredTensor;
      expect(['F32', 'F64']).toContain(dtype);
      expect([...data]).toEqual([expected].flat());
    }
  });

  it('reads integers and weights of c_gpt', () => {
    const url = new URL('../oracle/c_gpt.safetensors', import.meta.url);
    const { tensors } = decodeSafetensors(readFileSync(url));
    expect(tensors.get('x')).toMatchObject({ dtype: 'I64', shape: [169, 3] });
    expect([...(tensors.get('x') as StoredTensor).data].slice(36, 42)).toEqual([0n, 12n, 13n, 1n, 0n, 13n]);
    expect(tensors.get('w.tok_embed')).toMatchObject({ dtype: 'F32', shape: [14, 16] });
  });
});

describe('refuses, in one line that names the source', () => {
  const cases: Record<string, [Uint8Array, string]> = {
    'an empty file': [new Uint8Array(0), 'it has 0 bytes'],
    'seven bytes': [new Uint8Array(7), 'it has 7 bytes'],
    'a header longer than the file': [
      file('{}', undefined, 100n),
      'should have 100 bytes, but only 2 follow',
    ],
    'a header of 2^63 bytes': [file('{}', undefined, 2n ** 63n), 'are not the length of a header'],
    'a header of 2^64 - 1 bytes': [file('{}', undefined, 2n ** 64n - 1n), 'are not the length of a header'],
    'a header over the limit': [file('{}'.padEnd(2 ** 23 + 1)), 'more than the 8388608 allowed'],
    'no header': [file(''), 'does not begin with "{"'],
    'a header that begins with a blank': [file(' {}'), 'does not begin with "{"'],
    'a byte order mark': [file('\ufeff{}'), 'does not begin with "{"'],
    'a list as header': [file('[]'), 'does not begin with "{"'],
    'a header cut off': [file('{"w":{"dtype":"F32"'), 'is not JSON'],
    'text after the header': [file('{}x'), 'is not JSON'],
    'a header that is not UTF-8': [file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), 'not UTF-8'],
    'a raw line feed in a name': [file('{"a\nb":1}'), 'is not JSON'],
    'a name twice': [file('{"w":{},"v":{},"w":{}}'), 'the name "w" twice'],
    'a name twice, once escaped': [file('{"w":{},"\\u0077":{}}'), 'the name "w" twice'],
    'a member twice': [file('{"w":{"dtype":"F32","dtype":"F64"}}'), 'the name "dtype" twice'],
    'metadata twice': [file('{"__metadata__":{"a":"1","a":"2"}}'), 'the name "a" twice'],
    'deep nesting': [file('{"w":{"shape":[[2]]}}'), 'more than 3 levels deep'],
    'metadata that is not an object': [file('{"__metadata__":"x"}'), '__metadata__ is not an object'],
    'metadata that is not text': [file('{"__metadata__":{"a":1}}'), 'metadata "a" is not a text'],
    'a tensor that is no object': [file('{"w":3}'), 'tensor "w" is not described by an object'],
    'a tensor that is null': [file('{"w":null}'), 'tensor "w" is not described by an object'],
    'no dtype': [file(single({ dtype: undefined }), eightBytes), 'tensor "w" has no dtype'],
    'an unknown dtype': [file(single({ dtype: 'Q7' }), eightBytes), 'has dtype "Q7"'],
    'a dtype not read here': [file(single({ dtype: 'BF16', shape: [4] }), eightBytes), 'holds BF16 tensors'],
    'a dtype from the prototype': [file(single({ dtype: 'toString' }), eightBytes), 'has dtype "toString"'],
    'an unknown member': [file(single({ order: 'C' }), eightBytes), 'unknown member "order"'],
    'no shape': [file(single({ shape: undefined }), eightBytes), 'the shape of tensor "w"'],
    'a negative dimension': [file(single({ shape: [-2] }), eightBytes), 'the shape of tensor "w"'],
    'a fractional dimension': [file(single({ shape: [0.5] }), eightBytes), 'the shape of tensor "w"'],
    'a dimension of 2^53': [file(single({ shape: [2 ** 53] }), eightBytes), 'the shape of tensor "w"'],
    'a dimension in quotes': [file(single({ shape: ['2'] }), eightBytes), 'the shape of tensor "w"'],
    'dimensions whose product overflows': [
      file(single({ shape: [2 ** 40, 2 ** 40, 0] }), eightBytes),
      'do not fit F32 of shape [1099511627776, 1099511627776, 0]',
    ],
    'a shape larger than its bytes': [
      file(single({ shape: [3] }), eightBytes),
      'has 8 bytes, which do not fit',
    ],
    'a shape smaller than its bytes': [file(single({ shape: [] }), eightBytes), 'F32 of shape []'],
    'the wrong element size': [file(single({ dtype: 'F64' }), eightBytes), 'do not fit F64 of shape [2]'],
    'no offsets': [file(single({ data_offsets: undefined }), eightBytes), 'data_offsets of tensor "w"'],
    'three offsets': [file(single({ data_offsets: [0, 4, 8] }), eightBytes), 'data_offsets of tensor "w"'],
    'a negative offset': [file(single({ data_offsets: [-8, 0] }), eightBytes), 'data_offsets of tensor "w"'],
    'reversed offsets': [file(single({ data_offsets: [8, 0] }), eightBytes), 'ends before it begins'],
    'data cut off': [file(single({}), eightBytes.subarray(0, 7)), 'beyond the 7 bytes of data'],
    'an offset far outside': [file(single({ data_offsets: [0, 2 ** 53 - 1] })), 'beyond the 0 bytes of data'],
    'data after the last tensor': [file(single({}), new Uint8Array(9)), '1 bytes follow the last tensor'],
    'data without a tensor': [file('{}', new Uint8Array(3)), '3 bytes follow the last tensor'],
    'a hole at the start': [
      file(single({ data_offsets: [4, 12] }), new Uint8Array(12)),
      'leaves a hole of 4 bytes before it',
    ],
    'an overlap': [
      file(
        JSON.stringify({
          a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
          b: { dtype: 'F32', shape: [2], data_offsets: [4, 12] },
        }),
        new Uint8Array(12),
      ),
      'tensor "b" at bytes 4 to 12 overlaps',
    ],
    'a boolean of 2': [
      file(single({ dtype: 'BOOL', shape: [2], data_offsets: [0, 2] }), Uint8Array.of(1, 2)),
      'bytes other than 0 and 1',
    ],
    'a name with line feeds': [file('{"a\\nb":1}'), 'tensor "a\\nb"'],
  };

  it.each(Object.entries(cases))('%s', (_, [bytes, expected]) => {
    const message = messageOf(FileError, () => decodeSafetensors(bytes, 'runs/a.safetensors'));
    expect(message).toMatch(
      /^runs\/a\.safetensors (is not a (whole )?safetensors file: |holds BF16 tensors )/,
    );
    expect(message).toContain(expected);
    expect(message.length).toBeLessThan(400);
  });

  it.each([
    [
      'notes.safetensors',
      'PK\x03\x04 and more',
      'notes.safetensors is not a safetensors file: ',
      'another file',
    ],
    [
      'w.pth',
      'PK\x03\x04 and more',
      'w.pth is not a safetensors file: ',
      'save it with safetensors.torch.save_file',
    ],
    ['w.pt', 'short', 'w.pt is not a safetensors file: ', 'save it with safetensors.torch.save_file'],
  ])('%s of another format', (name, text, beginning, advice) => {
    const message = messageOf(FileError, () => decodeSafetensors(new TextEncoder().encode(text), name));
    expect(message.startsWith(beginning)).toBe(true);
    expect(message).toContain(advice);
  });

  it.each(['F16', 'BF16', 'F8_E4M3'])('elements of %s, with what to save instead', (dtype) => {
    const bytes = file(single({ dtype, shape: [1], data_offsets: [0, 2] }), new Uint8Array(2));
    const message = messageOf(FileError, () => decodeSafetensors(bytes, 'half.safetensors'));
    expect(message).toMatch(new RegExp(`^half\\.safetensors holds ${dtype} tensors .*save them as F32`));
  });

  it('every truncation of a file', () => {
    const bytes = encodeSafetensors(everyType, { k: 'v' });
    for (let length = 0; length < bytes.length; length++) {
      messageOf(FileError, () => decodeSafetensors(bytes.subarray(0, length), 'cut'));
    }
  });
});

describe('hostile headers end quickly', () => {
  const long = 2 ** 22;
  it.each([
    ['nesting', '{"a":'.repeat(long / 8)],
    ['lists', `{"a":${'['.repeat(long)}`],
    ['a string that never ends', `{"${'\\"'.repeat(long)}`],
    ['colons after a long name', `{"${'x'.repeat(long)}"${':'.repeat(long)}`],
    ['quotes', `{${'"'.repeat(long)}`],
    ['colons', `{${':'.repeat(long)}`],
    ['a shape of a million ones', single({ shape: Array(1e6).fill(1) })],
    ['a shape of a million large numbers', single({ shape: Array(5e5).fill(2 ** 52) })],
    ['a name of four million characters', JSON.stringify({ ['x'.repeat(long)]: 1 })],
  ])('%s', (_, header) => {
    const message = messageOf(FileError, () => decodeSafetensors(file(header), 'hostile'));
    expect(message.length).toBeLessThan(400);
  });
});

describe('numbers that other readers refuse', () => {
  it.each([
    ['8.0', '[2]', '[0,8.0]'],
    ['8e0', '[2]', '[0,8e0]'],
    ['-0', '[2]', '[-0,8]'],
    ['2.0', '[2.0]', '[0,8]'],
    ['0.2E1', '[0.2E1]', '[0,8]'],
  ])('%s', (number, shape, offsets) => {
    const header = `{"w":{"dtype":"F32","shape":${shape},"data_offsets":${offsets}}}`;
    expect(messageOf(FileError, () => decodeSafetensors(file(header, eightBytes)))).toContain(
      `the header has the number ${number}, which is not written in digits alone`,
    );
  });

  it('are free in texts', () => {
    const header = single({}).replace('{', '{"__metadata__":{"lr":"-1e-3 \\" -0"},');
    expect(decodeSafetensors(file(header, eightBytes)).metadata).toEqual({ lr: '-1e-3 " -0' });
  });
});

describe('reading in parts', () => {
  it('reads nothing but the header of a file that is refused for it', () => {
    const bytes = file(single({ dtype: 'Q7' }), new Uint8Array(1000));
    const ends: number[] = [];
    const read = (begin: number, end: number) => {
      ends.push(end);
      return bytes.slice(begin, end);
    };
    messageOf(FileError, () => readSafetensors({ size: bytes.length, read }, 'large'));
    expect(Math.max(...ends)).toBe(bytes.length - 1000);
  });
});

describe('fuzz: a file is read or refused by a FileError, nothing else', () => {
  it('files of every kind', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anyFile, (bytes) => {
        if (readOrRefuse(bytes)) accepted++;
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });
});

describe('encodeSafetensors refuses', () => {
  const encode = (name: string, tensor: object) => () =>
    encodeSafetensors(new Map([[name, tensor as StoredTensor]]));

  it.each([
    ['a reserved name', encode('__metadata__', floats), 'reserved'],
    [
      'a shape that does not fit',
      encode('w', { ...floats, shape: [3] }),
      'shape [3] does not fit its 2 elements',
    ],
    ['a fractional shape', encode('w', { ...floats, shape: [4, 0.5] }), 'shape [4, 0.5]'],
    ['a negative shape', encode('w', { ...floats, shape: [-1, -2] }), 'shape [-1, -2]'],
    ['the wrong typed array', encode('w', { ...floats, dtype: 'F64' }), 'given as Float64Array'],
    ['an unknown dtype', encode('w', { ...floats, dtype: 'F16' }), '"F16" is none of'],
  ])('%s', (_, action, expected) => {
    expect(messageOf(ArgumentError, action)).toContain(expected);
  });

  it('a header that its own reader would refuse', () => {
    const action = () => encodeSafetensors(new Map(), { text: 'x'.repeat(2 ** 23) });
    expect(messageOf(ArgumentError, action)).toContain('exceeds 8388608');
  });
});
