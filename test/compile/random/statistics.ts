/**
 * @file Measures of how far a stream of 32-bit words is from uniform and independent. Each is a z-score: standard normal
 * for a perfect generator, to the accuracy of its normal approximation.
 */

/** Words of a generator: the first `count` of its stream. */
export type Stream = (count: number) => Int32Array;

const bitCount = (word: number) => {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};

/** z of a sum of squares over cells (Wilson & Hilferty's approximation of chi-square). */
function chiSquareScore(counts: ArrayLike<number>, total: number): number {
  const expected = total / counts.length;
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += ((counts[i] as number) - expected) ** 2 / expected;
  const freedom = counts.length - 1;
  const width = 2 / (9 * freedom);
  return (Math.cbrt(sum / freedom) - (1 - width)) / Math.sqrt(width);
}

/** z of a count of heads among fair coins. */
const coinScore = (heads: number, tosses: number) => (heads - tosses / 2) / Math.sqrt(tosses / 4);

/** The mean of the words as numbers in [0, 1). */
export function meanScore(words: Int32Array): number {
  const sum = words.reduce((total, word) => total + (word >>> 0) / 2 ** 32 - 0.5, 0);
  return sum / Math.sqrt(words.length / 12);
}

/** The mean square about ½. */
export function varianceScore(words: Int32Array): number {
  const sum = words.reduce((total, word) => total + ((word >>> 0) / 2 ** 32 - 0.5) ** 2 - 1 / 12, 0);
  return sum / Math.sqrt(words.length / 180);
}

/** Largest distance between the words' distribution and the uniform one (Kolmogorov and Smirnov), scaled by √n. */
export function kolmogorovDistance(words: Int32Array): number {
  const sorted = Float64Array.from(words, (word) => (word >>> 0) / 2 ** 32).sort();
  const n = sorted.length;
  const distance = sorted.reduce((most, u, i) => Math.max(most, (i + 1) / n - u, u - i / n), 0);
  return distance * Math.sqrt(n);
}

/** How often each of the 32 bits is set: the farthest. */
export function bitScore(words: Int32Array): number {
  return Array.from({ length: 32 }, (_, bit) =>
    coinScore(
      words.reduce((heads, word) => heads + ((word >>> bit) & 1), 0),
      words.length,
    ),
  ).reduce((worst, z) => (Math.abs(z) > Math.abs(worst) ? z : worst));
}

/** How often each value of each of the four bytes occurs. */
export function byteScore(words: Int32Array): number {
  const counts = new Int32Array(4 * 256);
  for (const word of words) {
    for (let byte = 0; byte < 4; byte++) {
      const cell = 256 * byte + ((word >>> (8 * byte)) & 255);
      counts[cell] = (counts[cell] as number) + 1;
    }
  }
  return chiSquareScore(counts, 4 * words.length);
}

/** How often each pair of upper 5 bits and lower 5 bits of neighbours occurs. */
export function pairScore(words: Int32Array): number {
  const counts = new Int32Array(2 * 1024);
  for (let i = 0; i + 1 < words.length; i += 2) {
    const [a, b] = [words[i] as number, words[i + 1] as number];
    for (const cell of [(a >>> 27) * 32 + (b >>> 27), 1024 + (a & 31) * 32 + (b & 31)]) {
      counts[cell] = (counts[cell] as number) + 1;
    }
  }
  return chiSquareScore(counts, 2 * (words.length >> 1));
}

/** Whether words at a distance agree in more or fewer than half of their bits. */
export function lagScore(words: Int32Array, lag: number): number {
  return agreementScore(words.subarray(0, words.length - lag), words.subarray(lag));
}

/** The same for two streams, word by word. */
export function agreementScore(a: Int32Array, b: Int32Array): number {
  const differing = a.reduce((sum, word, i) => sum + bitCount(word ^ (b[i] as number)), 0);
  return coinScore(differing, 32 * a.length);
}

/** Linear correlation of two streams as numbers. */
export function correlationScore(a: Int32Array, b: Int32Array): number {
  const sum = a.reduce((total, word, i) => total + word * (b[i] as number), 0);
  return sum / (2 ** 64 / 12) / Math.sqrt(a.length);
}

/** Equal words among n: their number is about Poisson with mean n²/2³³. */
export function collisions(words: Int32Array): number {
  const sorted = words.slice().sort();
  return sorted.reduce((count, word, i) => count + (i > 0 && word === sorted[i - 1] ? 1 : 0), 0);
}

/** z of a Poisson count, by the square root that makes its variance constant. */
export function poissonScore(count: number, mean: number): number {
  return 2 * (Math.sqrt(count + 3 / 8) - Math.sqrt(mean + 3 / 8));
}

/**
 * How often each output bit changes with each bit of an input: the farthest of 32·bits z-scores.
 * @param word The word of an input.
 */
export function avalancheScore(word: (input: number) => number, bits: number, samples: number): number {
  let worst = 0;
  for (let bit = 0; bit < bits; bit++) {
    const changed = new Int32Array(32);
    for (let sample = 0; sample < samples; sample++) {
      const difference = word(sample) ^ word(sample ^ (1 << bit));
      for (let out = 0; out < 32; out++) changed[out] = (changed[out] as number) + ((difference >>> out) & 1);
    }
    // A pair of inputs is met from both of its ends.
    for (const count of changed) {
      const z = coinScore(count, samples) / (2 ** bit < samples ? Math.SQRT2 : 1);
      if (Math.abs(z) > Math.abs(worst)) worst = z;
    }
  }
  return worst;
}
