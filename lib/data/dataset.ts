/**
 * @file The full table of an operation as rows of tokens `a b =` with the result as target (write-up 2's layout). The
 * numbers 0 to n − 1 are their own tokens and `=` is token n, so the vocabulary has n + 1 tokens and the head n classes:
 * write-up 2 itself sized both at n, which left `=` without an embedding and one class out of reach.
 */
import { ArgumentError } from '../errors';
import { getOperation, type OperationName } from './operations';

/** Above this modulus the table has more than 2²⁴ rows, the most that a float32 mean counts exactly. */
const MAX_MODULUS = 4096;

/** Every row of one operation's table. */
export interface Dataset {
  readonly operation: OperationName;
  readonly modulus: number;
  /** Number of rows: p² where all pairs are allowed. */
  readonly rows: number;
  /** Tokens in a row: `a`, `b`, `=`. */
  readonly sequenceLength: 3;
  /** Number of distinct tokens; the last is `=`. */
  readonly vocabulary: number;
  /** Number of possible results. */
  readonly classes: number;
  /** Row-major [rows, 3]; `b` runs fastest. */
  readonly tokens: Int32Array;
  /** [rows], each from 0 to classes − 1. */
  readonly targets: Int32Array;
}

/** What to make a table of. */
export interface DatasetOptions {
  readonly operation: OperationName;
  /** The p of "mod p": an integer from 2 to 4096, not necessarily prime. */
  readonly modulus: number;
}

/**
 * Makes the table of an operation, all pairs in order.
 *
 * @throws {ArgumentError} if the operation does not exist or the modulus is not an integer from 2 to 4096
 */
export function makeDataset({ operation: name, modulus }: DatasetOptions): Dataset {
  const operation = getOperation(name);
  if (!Number.isInteger(modulus) || modulus < 2) {
    throw new ArgumentError(`modulus p = ${modulus} is not an integer of at least 2: give one such as 113.`);
  }
  if (modulus > MAX_MODULUS) {
    throw new ArgumentError(
      `modulus p = ${modulus} is too large, its table would have ${modulus ** 2} rows: give at most ${MAX_MODULUS}.`,
    );
  }
  const { elements, firstRight } = operation.domain(modulus);
  const rows = elements * (elements - firstRight);
  const tokens = new Int32Array(rows * 3);
  const targets = new Int32Array(rows);
  let row = 0;
  for (let a = 0; a < elements; a++) {
    for (let b = firstRight; b < elements; b++) {
      tokens.set([a, b, elements], 3 * row);
      targets[row] = operation.apply(a, b, modulus);
      row += 1;
    }
  }
  return {
    operation: name,
    modulus,
    rows,
    sequenceLength: 3,
    vocabulary: elements + 1,
    classes: elements,
    tokens,
    targets,
  };
}
