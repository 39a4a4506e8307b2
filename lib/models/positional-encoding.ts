/**
 * @file Sinusoidal positional encoding: a fixed vector for each position, added to the token's embedding so that a
 * transformer can tell positions apart. After Vaswani et al., Attention is all you need (arXiv:1706.03762), section 3.5.
 */
import type { HostTensor } from '../compile';
import { ArgumentError } from '../errors';

/** The base of write-up 1 and of the paper. */
const BASE = 10_000;

/**
 * The matrix with pe[k, 2i] = sin(k / base^(2i/dModel)) and pe[k, 2i + 1] = cos(k / base^(2i/dModel)), computed in double
 * precision and stored as float32.
 * @param length Number of positions k, from 0; at least 1.
 * @param dModel Width, even and at least 2: sines and cosines come in pairs (write-up 1's code fails on odd ones too).
 * @param base Positive; the wavelengths run from 2π to base·2π.
 * @returns float32 [length, dModel].
 * @throws ArgumentError for a value out of range.
 */
export function sinusoidalEncoding(length: number, dModel: number, base = BASE): HostTensor {
  if (!Number.isSafeInteger(length) || length < 1) {
    throw new ArgumentError(
      `the length ${length} is not a number of positions; give an integer of at least 1`,
    );
  }
  if (!Number.isSafeInteger(dModel) || dModel < 2 || dModel % 2 !== 0) {
    throw new ArgumentError(
      `d-model ${dModel} has no sinusoidal encoding, whose sines and cosines come in pairs; give an even number of at least 2`,
    );
  }
  if (!(Number.isFinite(base) && base > 0)) {
    throw new ArgumentError(`the base ${base} is not a positive number; give one such as ${BASE}`);
  }
  const data = new Float32Array(length * dModel);
  for (let k = 0; k < length; k++) {
    for (let column = 0; column < dModel; column += 2) {
      const angle = k / base ** (column / dModel);
      data[k * dModel + column] = Math.sin(angle);
      data[k * dModel + column + 1] = Math.cos(angle);
    }
  }
  return { dtype: 'float32', shape: [length, dModel], data };
}
