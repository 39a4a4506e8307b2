/**
 * @file The random numbers of compiled steps: 32-bit words that are a pure function of (seed, purpose, step, index).
 * This is the plain TypeScript form; `lowering.ts` writes the same function as ONNX operators, bit for bit.
 *
 * A counter-based generator (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011): no state, so a run may
 * be resumed at any step and any element computed alone. The published ones (Philox, Threefry, Squares) take 64-bit
 * products or exclusive or, which ONNX Runtime's WebGPU provider lacks for integers. This one takes only what every
 * provider has for uint32: sums, products, and a division by 2¹⁶ where there is no shift. Its two building blocks are
 * permutations of the 32-bit words, so nothing is lost on the way:
 *
 * - the polynomial x·(a·x + b) with a even and b odd (Rivest, Permutation polynomials modulo 2^w, 2001), which is not
 *   linear over any ring that matters, and lets every bit depend on those below it;
 * - a Feistel round that swaps the halves, (h, l) → h·k + 2¹⁶·l with k odd, or with a·h + b in the place of k, which
 *   brings the well-mixed upper half down.
 *
 * Three rounds of both, `scramble`, make keys of (purpose, seed, step) and, of counters, one pair of random words for
 * each row and for each column of a table 1,024 wide. A word of the table takes twelve operations on those of its row
 * and its column. The batteries that were run, and their results, stand in `docs/randomness.md`.
 *
 * Not for cryptography.
 */

/** Columns of the table of words: word number i stands in row ⌊i/1024⌋. */
export const COLUMNS = 1024;

/** Constants of the blocks: the multipliers of Wellons' hash prospector and the golden ratio's, made even or odd. */
export const SCRAMBLE_ROUNDS = [
  { square: 0x31848bae, linear: 0xed5ad4bb },
  { square: 0xac4c1b52, linear: 0x846ca68b },
  { square: 0xed5ad4ba, linear: 0x7feb352d },
] as const;
export const SWAP = 0x9e3779b1;
export const LAST_SQUARE = 0x7feb352e;

/** A number of its own for each of the four lanes that a key has: the first digits of π after the point. */
const LANES = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344] as const;

/** The lanes of a key: summands and odd factors of the rows, then of the columns. */
export const LANE_COUNT = LANES.length;

/** Swaps the halves: h·k + 2¹⁶·l. */
function swapHalves(x: number, k: number): number {
  return ((x << 16) + Math.imul(x >>> 16, k)) | 0;
}

/** A fixed permutation of the 32-bit words in which every bit depends on every other. */
export function scramble(word: number): number {
  let x = word | 0;
  for (const { square, linear } of SCRAMBLE_ROUNDS) {
    x = Math.imul(x, (Math.imul(x, square) + linear) | 0);
    x = swapHalves(x, SWAP);
  }
  return x;
}

/**
 * What the lanes begin with for a purpose: 128 bits that depend on all of its characters, and on the part of the seed
 * that does not fit into 32 bits.
 */
export function purposeLanes(purpose: string, seedHigh = 0): Int32Array {
  return Int32Array.from(LANES, (lane) => {
    let hash: number = lane;
    for (let i = 0; i < purpose.length; i++) hash = scramble(hash + purpose.charCodeAt(i));
    // The length closes the purpose, so that what follows is never taken for a part of it.
    return scramble(scramble(hash + purpose.length + 0x10000) + seedHigh);
  });
}

/** The numbers that one (seed, purpose, step) gives to its lanes. */
export function keyLanes(purpose: Int32Array, seedLow: number, step: number): Int32Array {
  return purpose.map((lane) => scramble(scramble(lane + seedLow) + step));
}

/** The word where a row and a column meet; the factors of both are odd. */
function combine(rowSum: number, rowFactor: number, columnSum: number, columnFactor: number): number {
  const x = swapHalves(Math.imul((rowSum + columnSum) | 0, rowFactor), SWAP);
  const h = x >>> 16;
  return ((x << 16) + Math.imul(h, (Math.imul(h, LAST_SQUARE) + columnFactor) | 0)) | 0;
}

const odd = (x: number) => (x << 1) | 1;

/** Word number `index` of a key. */
export function wordAt([a = 0, b = 0, c = 0, d = 0]: Int32Array, index: number): number {
  const row = Math.floor(index / COLUMNS);
  const column = index % COLUMNS;
  return combine(scramble(a + row), odd(scramble(b + row)), scramble(c + column), odd(scramble(d + column)));
}

/** The words number 0 to count − 1 of a key, as int32. */
export function words([a = 0, b = 0, c = 0, d = 0]: Int32Array, count: number): Int32Array {
  const columns = Math.min(COLUMNS, count);
  const sums = Int32Array.from({ length: columns }, (_, column) => scramble(c + column));
  const factors = Int32Array.from({ length: columns }, (_, column) => odd(scramble(d + column)));
  const result = new Int32Array(count);
  for (let start = 0; start < count; start += COLUMNS) {
    const row = start / COLUMNS;
    const sum = scramble(a + row);
    const factor = odd(scramble(b + row));
    const end = Math.min(COLUMNS, count - start);
    for (let column = 0; column < end; column++) {
      result[start + column] = combine(sum, factor, sums[column] as number, factors[column] as number);
    }
  }
  return result;
}
