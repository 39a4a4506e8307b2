/** @file What the words of the generator become: uniform and normal numbers, and events. In TypeScript, for eager use. */
import { COLUMNS } from './generator';

/** Bits of a uniform number: as many as float32 holds exactly. */
export const UNIFORM_BITS = 24;
export const UNIFORM_UNIT = 2 ** -UNIFORM_BITS;

/** Multiples of 2⁻²⁴ in [0, 1): the upper 24 bits of each word. */
export function uniforms(words: Int32Array): Float32Array {
  return Float32Array.from(words, (word) => (word >>> 8) * UNIFORM_UNIT);
}

/** Half a row of words: a normal number's radius comes from one half and its angle from the other. */
export const PAIRED = COLUMNS / 2;

/** How many words, in whole rows, `count` normal numbers take. */
export function wordsForNormals(count: number): number {
  return Math.ceil(count / COLUMNS) * COLUMNS;
}

/**
 * Standard normal numbers by the method of Box and Muller. Words j and j + 512 of a row give the numbers j and j + 512:
 * with u₁ in (0, 1] from the upper 24 bits of the first, and the angle πu₂, u₂ in [−½, ½), from bits 30 to 7 of the
 * second, √(−2 ln u₁)·sin πu₂ and √(−2 ln u₁)·cos πu₂, the latter negated where the second word's bit 31 is set.
 * None is farther from 0 than √(48 ln 2) = 5.77, which one in 10⁸ would be.
 * @param words Whole rows.
 * @returns In double precision.
 */
export function normals(words: Int32Array): Float64Array {
  const result = new Float64Array(words.length);
  for (let row = 0; row < words.length; row += COLUMNS) {
    for (let j = row; j < row + PAIRED; j++) {
      const [first, second] = [words[j] as number, words[j + PAIRED] as number];
      const radius = Math.sqrt(-2 * Math.log(((first >>> 8) + 1) * UNIFORM_UNIT));
      const angle = Math.PI * (((second << 1) >>> 8) * UNIFORM_UNIT - 0.5);
      result[j] = radius * Math.sin(angle);
      result[j + PAIRED] = second < 0 ? -radius * Math.cos(angle) : radius * Math.cos(angle);
    }
  }
  return result;
}

/** How many of the 2^bits values stand for an event of this probability: the nearest whole number. */
export function eventValues(probability: number, bits: number): number {
  return Math.round(probability * 2 ** bits);
}

/** 1 where a word, taken without sign, is below the limit. */
export function events(words: Int32Array, limit: number): Uint8Array {
  return Uint8Array.from(words, (word) => (word >>> 0 < limit ? 1 : 0));
}

/** The form of the table of words whose halves make `count` events: whole rows where one row of upper halves is too short. */
export function tableForHalves(count: number): { readonly rows: number; readonly columns: number } {
  return count <= COLUMNS
    ? { rows: 1, columns: count }
    : { rows: Math.ceil(count / (2 * COLUMNS)), columns: COLUMNS };
}

/**
 * Two events a word: 1 where a half is below the limit. Each row gives 2,048, the upper halves first.
 * @param words Whole rows, or a part of one.
 */
export function halfEvents(words: Int32Array, limit: number): Uint8Array {
  const result = new Uint8Array(2 * words.length);
  const columns = Math.min(COLUMNS, words.length);
  words.forEach((word, i) => {
    const upper = i + columns * Math.floor(i / columns);
    result[upper] = word >>> 16 < limit ? 1 : 0;
    result[upper + columns] = (word & 0xffff) < limit ? 1 : 0;
  });
  return result;
}
