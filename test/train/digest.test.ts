import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../lib/errors';
import { checkSeal, sealed } from '../../lib/train/digest.node';
import { decodeSafetensors, encodeSafetensors, readSafetensors } from '../../lib/train/safetensors';

const tensors = new Map([
  ['w', { dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, -0, Number.NaN, 6) }],
  ['sha256', { dtype: 'I32', shape: [1], data: Int32Array.of(7) }],
] as const);
const plain = encodeSafetensors(tensors, { note: `"sha256":"${'0'.repeat(64)}`, schön: 'ü' });

const source = (bytes: Uint8Array) => ({
  size: bytes.length,
  read: (begin: number, end: number) => bytes.slice(begin, end),
});

describe('a sealed file', () => {
  it('is a safetensors file with the same tensors and metadata, and more', () => {
    const more = ['more', { dtype: 'I32', shape: [1], data: Int32Array.of(3) }] as const;
    const { tensors, metadata } = decodeSafetensors(sealed(plain, new Map([more])));
    const before = decodeSafetensors(plain);
    expect(tensors).toEqual(new Map([...before.tensors, more]));
    expect(metadata).toEqual({
      ...before.metadata,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('is intact, and sealing it again changes nothing', () => {
    const once = sealed(plain);
    expect(checkSeal(source(once))).toBe('intact');
    expect(sealed(once)).toEqual(once);
  });

  it('is absent in a file that was never sealed, whatever its metadata and tensors are called', () => {
    expect(checkSeal(source(plain))).toBe('absent');
  });

  it('breaks with any bit that is changed: an error of the format, another digest, or none', () => {
    const whole = sealed(plain);
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const bytes = whole.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(isAccepted(bytes)).toBe(false);
    }
  });

  it('breaks with any change: bytes replaced, removed, doubled or swapped', () => {
    const whole = sealed(plain);
    const place = fc.nat(whole.length);
    const edit = fc.oneof(
      fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 20 })).map(([at, bytes]) => {
        const copy = whole.slice();
        copy.set(bytes.subarray(0, Math.max(0, copy.length - at)), at);
        return copy;
      }),
      place.map((end) => whole.slice(0, end)),
      fc.tuple(place, place).map(([a, b]) => Uint8Array.of(...whole.slice(0, a), ...whole.slice(b))),
    );
    fc.assert(
      fc.property(edit, (bytes) => {
        expect(isAccepted(bytes)).toBe(Buffer.compare(bytes, whole) === 0);
      }),
      { numRuns: 500 },
    );
  });
});

/** Whether a reader that wants a seal takes the bytes for whole. */
function isAccepted(bytes: Uint8Array): boolean {
  try {
    readSafetensors(source(bytes), 'a file');
  } catch (error) {
    expect(error).toBeInstanceOf(FileError);
    return false;
  }
  return checkSeal(source(bytes)) === 'intact';
}
