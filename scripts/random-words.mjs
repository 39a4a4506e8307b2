/**
 * @file Writes the random words of compiled steps to standard output, raw and without end, for a test battery:
 *
 *     node scripts/random-words.mjs sequence | RNG_test stdin32
 *     node scripts/random-words.mjs sequence | dieharder -g 200 -a
 *
 * The argument names the order in which the words are asked for; `docs/randomness.md` says what each order is good for
 * and what came out. A second argument, `reversed`, writes the bits of each word in reverse, because some tests look at
 * one end of it.
 */
import { createRequire } from 'node:module';
import { ensureBuilt } from './lib-build.mjs';

ensureBuilt();
const require = createRequire(import.meta.url);
const {
  COLUMNS,
  keyLanes,
  purposeLanes,
  wordAt,
} = require('optimal-grokking/dist/compile/random/generator.js');

const PURPOSE = purposeLanes('dropout');

/** Remembers the last key, which most orders ask for again and again. */
function keyed() {
  /** @type {{ seed: number, step: number, lanes: Int32Array } | undefined} */
  let last;
  /** @param {number} seed @param {number} step @param {number} index */
  return (seed, step, index) => {
    if (last?.seed !== seed || last.step !== step)
      last = { seed, step, lanes: keyLanes(PURPOSE, seed, step) };
    return wordAt(last.lanes, index);
  };
}

const word = keyed();
const other = keyed();
const BLOCK = 4096;

/**
 * Word number n of each order.
 * @type {Record<string, (n: number) => number>}
 */
const ORDERS = {
  /** All words of one key. */
  sequence: (n) => word(7, Math.floor(n / 2 ** 31), n % 2 ** 31),
  /** Down the columns of the table, 4,096 rows at a time. */
  columns: (n) => {
    const column = Math.floor(n / BLOCK) % COLUMNS;
    return word(7, Math.floor(n / (BLOCK * COLUMNS)), (n % BLOCK) * COLUMNS + column);
  },
  /** One word of each step. */
  steps: (n) => word(7, n % 2 ** 31, 0),
  /** Sixteen words of each step. */
  'steps-16': (n) => word(7, Math.floor(n / 16), n % 16),
  /** Four words of each seed. */
  seeds: (n) => word(Math.floor(n / 4), 3, n % 4),
  /** Sixteen words of each of many purposes. */
  purposes: (n) => {
    if (n % 16 === 0) purpose = keyLanes(purposeLanes(`dropout/${n / 16}`), 7, 3);
    return wordAt(purpose, n % 16);
  },
  /** Words of two neighbouring rows by exclusive or: uniform where the rows are independent. */
  'row-pairs': (n) => {
    const row = 2 * Math.floor(n / COLUMNS);
    const column = n % COLUMNS;
    return word(7, 0, row * COLUMNS + column) ^ word(7, 0, (row + 1) * COLUMNS + column);
  },
  /** The same of four words at the corners of a square, which share two rows and two columns. */
  squares: (n) => {
    const half = COLUMNS / 2;
    const corner = 2 * Math.floor(n / half) * COLUMNS + 2 * (n % half);
    const [upper, lower] = [corner, corner + COLUMNS];
    return word(7, 0, upper) ^ word(7, 0, upper + 1) ^ word(7, 0, lower) ^ word(7, 0, lower + 1);
  },
  /** Words of two consecutive steps by exclusive or. */
  'step-pairs': (n) => {
    const step = 2 * Math.floor(n / BLOCK);
    return word(7, step, n % BLOCK) ^ other(7, step + 1, n % BLOCK);
  },
  /** Words of two consecutive seeds by exclusive or. */
  'seed-pairs': (n) => {
    const seed = 2 * Math.floor(n / 64);
    return word(seed, 3, n % 64) ^ other(seed + 1, 3, n % 64);
  },
};

let purpose = new Int32Array(4);

const [name = '', reversed] = process.argv.slice(2);
const order = ORDERS[name];
if (order === undefined || (reversed !== undefined && reversed !== 'reversed')) {
  console.error(
    `the order of the words is '${process.argv.slice(2).join(' ')}', expected one of ${Object.keys(ORDERS).join(', ')}, and 'reversed' after it or nothing`,
  );
  process.exit(2);
}

/** @param {number} x */
function reverse(x) {
  let [from, to] = [x, 0];
  for (let bit = 0; bit < 32; bit++) {
    to = (to << 1) | (from & 1);
    from >>>= 1;
  }
  return to;
}

// The reader ends it by closing the pipe.
process.stdout.on('error', () => process.exit(0));
const CHUNK = 2 ** 16;
let next = 0;
function write() {
  for (;;) {
    const words = new Int32Array(CHUNK);
    for (let i = 0; i < CHUNK; i++) words[i] = order(next + i);
    next += CHUNK;
    if (reversed !== undefined)
      words.forEach((x, i) => {
        words[i] = reverse(x);
      });
    if (!process.stdout.write(new Uint8Array(words.buffer))) break;
  }
  process.stdout.once('drain', write);
}
write();
