/**
 * @file The full table of an operation, every pair with its result, written as rows of tokens. In write-up 2 the
 * vocabulary and the head are both of n, which leaves `=` without an embedding and one class out of reach; here each form
 * has as many tokens and classes as it uses.
 */
import { shown } from '../compile/errors';
import { ArgumentError } from '../errors';
import { requireRecord } from './arguments';
import { getOperation, type OperationName } from './operations';
import { type TokenForm, tokenLayout } from './token-forms';

export type { TokenForm };

/** Above this modulus the table has more than 2²⁴ rows, the most that a float32 mean counts exactly. */
const MAX_MODULUS = 4096;

/** What a table is, without its rows. */
export interface DatasetSizes {
  readonly operation: OperationName;
  /** The p of "mod p"; absent for the operations on S₅. */
  readonly modulus?: number;
  /** How an equation is written in tokens. */
  readonly form: TokenForm;
  /** Number n of elements that operands and results come from: p, or 120 for S₅. Elements are their own tokens. */
  readonly elements: number;
  /** Number of rows: n², or n · (n − 1) for division. */
  readonly rows: number;
  /** Tokens in a row. */
  readonly sequenceLength: number;
  /** Number of distinct tokens. */
  readonly vocabulary: number;
  /** Number of classes that the head tells apart. */
  readonly classes: number;
  /** Tokens to be predicted in a row: 2, the result and EOS, in the form `equation-eos`, else 1. */
  readonly answers: 1 | 2;
}

/** Every row of one operation's table. */
export interface Dataset extends DatasetSizes {
  /** Row-major [rows, sequenceLength]; `b` runs fastest. */
  readonly tokens: Int32Array;
  /** Row-major [rows, answers], each from 0 to classes − 1; the first is the result. */
  readonly targets: Int32Array;
}

/** What to make a table of. */
export interface DatasetOptions {
  readonly operation: OperationName;
  /** The p of "mod p": an integer from 2 to 4096, prime where the operation divides. The operations on S₅ take none. */
  readonly modulus?: number | undefined;
  /** How to write an equation in tokens. Default `equals`. */
  readonly form?: TokenForm | undefined;
}

/**
 * What the table of an operation would be, without making it.
 *
 * @throws {ArgumentError} for an unknown option, if the operation or the form does not exist, if the modulus is not an integer from 2 to 4096 or
 *   the operation not defined for it, or if an operation on S₅ is given a modulus
 */
export function datasetSizes(options: DatasetOptions): DatasetSizes {
  requireRecord('the options of makeDataset', options, "{ operation: 'add', modulus: 97 }", [
    'operation',
    'modulus',
    'form',
  ]);
  const { operation: name, modulus, form = 'equals' } = options;
  const operation = getOperation(name);
  const layout = tokenLayout(form);
  checkModulus(operation.modular, name, modulus);
  const { elements, firstRight } = operation.domain(modulus ?? 0); // not read by an operation on S₅
  return {
    operation: name,
    ...(modulus === undefined ? {} : { modulus }),
    form,
    elements,
    rows: elements * (elements - firstRight),
    sequenceLength: layout.sequenceLength,
    vocabulary: layout.vocabulary(elements, operation.modular),
    classes: layout.classes(elements, operation.modular),
    answers: layout.answers,
  };
}

/**
 * Makes the table of an operation, all pairs in order.
 *
 * @throws {ArgumentError} as `datasetSizes` does
 */
export function makeDataset(options: DatasetOptions): Dataset {
  const sizes = datasetSizes(options);
  const { operation: name, modulus: p = 0, elements, rows, sequenceLength, answers } = sizes;
  const { apply, domain } = getOperation(name);
  const { firstRight } = domain(p);
  const layout = tokenLayout(sizes.form);
  const tokens = new Int32Array(rows * sequenceLength);
  const targets = new Int32Array(rows * answers);
  let row = 0;
  for (let a = 0; a < elements; a++) {
    for (let b = firstRight; b < elements; b++) {
      const c = apply(a, b, p);
      tokens.set(layout.read(a, b, c, elements), row * sequenceLength);
      targets.set(layout.predict(c, elements), row * answers);
      row += 1;
    }
  }
  return { ...sizes, tokens, targets };
}

function checkModulus(modular: boolean, name: OperationName, modulus: number | undefined): void {
  if (!modular) {
    if (modulus === undefined) return;
    throw new ArgumentError(
      `operation "${name}" is on the 120 permutations of S5 and has no modulus: leave p = ${modulus} out.`,
    );
  }
  if (modulus === undefined) {
    throw new ArgumentError(`operation "${name}" needs a modulus p: give one such as 113.`);
  }
  if (!Number.isInteger(modulus) || modulus < 2) {
    throw new ArgumentError(
      `modulus p = ${shown(modulus)} is not an integer of at least 2: give one such as 113.`,
    );
  }
  if (modulus > MAX_MODULUS) {
    throw new ArgumentError(
      `modulus p = ${modulus} is too large, its table would have ${modulus ** 2} rows: give at most ${MAX_MODULUS}.`,
    );
  }
}

/** The operands of a row. @param row from 0 to rows − 1 */
export function operandsOf(dataset: Dataset, row: number): [a: number, b: number] {
  const [left, right] = tokenLayout(dataset.form).operands;
  const start = row * dataset.sequenceLength;
  return [dataset.tokens[start + left] as number, dataset.tokens[start + right] as number];
}
