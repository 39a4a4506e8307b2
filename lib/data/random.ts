/**
 * @file Random draws made on the host: splits, initial parameters, batch orders. A stream is a pure function of
 * (seed, purpose, step), so one purpose never shifts the draws of another and a run resumed at step k draws what it
 * would have drawn without the stop.
 *
 * The generator is `seedrandom`'s default, ARC4 with its first 256 bytes dropped (D. Bau, seedrandom 3.0.5). It was
 * chosen over the package's faster generators for two reasons: its key schedule is not linear, so keys that differ in
 * one digit give unrelated streams, and it keeps every character of a key. It draws more than ten million numbers a
 * second, ample for host-side use. Draws inside a compiled step have generators of their own.
 *
 * The same numbers come out on every platform: ARC4 works on bytes, square roots are exact by IEEE 754, and the only
 * other function used is `Math.log`, which V8 carries in its own code. Box–Muller is avoided because its sine and cosine
 * have changed in the last digit between releases of V8.
 */
import seedrandom from 'seedrandom';
import { ArgumentError } from '../errors';

/** An endless sequence of draws; each call moves it on. */
export interface RandomStream {
  /** The next number uniform on [0, 1), with 53 random bits. */
  uniform(): number;
  /** The next standard normal number, in double precision. */
  normal(): number;
  /** The next whole number uniform on 0 … bound − 1; bound is an integer from 1 to 2³². */
  integer(bound: number): number;
  /** The numbers 0 to n − 1 in an order drawn uniformly from all n!; n is an integer from 0 to 2³¹ − 1. */
  permutation(n: number): Int32Array;
  /** The next `n` normal numbers of mean 0 and standard deviation `std`, rounded to float32. */
  normals(n: number, std: number): Float32Array;
}

/**
 * Printable ASCII without `#`. ARC4 repeats a short key until it fills 256 bytes, so `ab` and `abab` are the same key;
 * a `#` that stands first and nowhere else rules that out, and the length keeps the whole key below 256 characters.
 */
const PURPOSE = /^[ !"$-~]{1,128}$/;

function requireCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new ArgumentError(`${name} ${value} is not a whole number from 0 to 2^53 - 1: give one such as 0.`);
  }
}

/**
 * The key of a stream. No two (seed, purpose, step) share one: seed and step are decimal digits, each closed by `/`,
 * and the purpose is all that follows.
 */
function streamKey(seed: number, purpose: string, step: number): string {
  requireCount('seed', seed);
  requireCount('step', step);
  if (!PURPOSE.test(purpose)) {
    throw new ArgumentError(
      `random purpose ${JSON.stringify(purpose).slice(0, 80)} is not 1 to 128 printable ASCII characters without "#": rename it.`,
    );
  }
  return `#${seed}/${step}/${purpose}`;
}

/**
 * Opens the stream of one purpose at one step.
 *
 * @param seed whole number from 0 to 2⁵³ − 1
 * @param purpose what the draws are for, such as `split` or `init/blocks.0.q`; printable ASCII without `#`
 * @param step training step the draws belong to, from 0; leave it out for draws made once a run
 * @throws {ArgumentError} if a part of the key is out of range
 */
export function randomStream(seed: number, purpose: string, step = 0): RandomStream {
  const generator = seedrandom(streamKey(seed, purpose, step));
  const uniform = (): number => generator.double();

  /** Uniform on 0 … bound − 1 for 1 ≤ bound ≤ 2³²: 32-bit words beyond the last whole multiple of `bound` are drawn again. */
  const integerBelow = (bound: number): number => {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let word: number;
    do word = generator.int32() >>> 0;
    while (word >= limit);
    return word % bound;
  };

  // Marsaglia's polar method gives two independent normals at a time; the second waits here for the next call.
  let spare: number | undefined;
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    let x: number;
    let y: number;
    let square: number;
    do {
      x = 2 * uniform() - 1;
      y = 2 * uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const scale = Math.sqrt((-2 * Math.log(square)) / square);
    spare = y * scale;
    return x * scale;
  };

  return {
    uniform,
    normal,
    integer(bound) {
      if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
        throw new ArgumentError(`cannot draw below ${bound}: give a whole number from 1 to 2^32.`);
      }
      return integerBelow(bound);
    },
    permutation(n) {
      if (!Number.isInteger(n) || n < 0 || n >= 2 ** 31) {
        throw new ArgumentError(`cannot permute ${n} items: give a whole number from 0 to 2^31 - 1.`);
      }
      // Fisher and Yates, in Durstenfeld's form.
      const order = Int32Array.from({ length: n }, (_, index) => index);
      for (let last = n - 1; last > 0; last--) {
        const chosen = integerBelow(last + 1);
        const item = order[chosen] as number;
        order[chosen] = order[last] as number;
        order[last] = item;
      }
      return order;
    },
    normals(n, std) {
      return Float32Array.from({ length: n }, () => std * normal());
    },
  };
}
