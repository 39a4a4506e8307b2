/**
 * @file How an equation a ∘ b = c is written in tokens. Each form is one entry of a table: where the operands stand, what
 * else stands there, which tokens are to be predicted, and how many tokens and classes that makes.
 *
 * With n elements (p numbers, or the 120 permutations of S₅), elements 0 to n − 1 are their own tokens in every form.
 */
import { ArgumentError } from '../errors';

/**
 * The names of the forms.
 *
 * - `equals`: `a b =` → c, write-up 2's. `=` is token n.
 * - `pair`: `a b 0` → c, write-up 1's. The slot of the answer holds token 0, the same token as the number 0; only its
 *   position tells them apart.
 * - `equation`: `a op b =` → c, the five tokens of Power et al. 2022 with the loss on the answer only. `=` is token n, the
 *   operation n + 1; the head is over the whole vocabulary, as in the paper.
 * - `equation-eos`: `EOS a op b =` → c and `… c` → EOS, the form of the code released with the paper, which predicts and
 *   scores both. EOS is token n, `=` n + 1, the operation n + 2. That code has one vocabulary for all its tasks: 97 numbers,
 *   120 permutations, and 22 others (EOS, `=` and 20 names of operations). The tokens of its other tasks are kept, unused,
 *   so that the sizes are those of the paper's network: 239 at p = 97 and for S₅, p + 142 in general.
 */
export type TokenForm = 'equals' | 'pair' | 'equation' | 'equation-eos';

/** One way to write an equation. */
export interface TokenLayout {
  /** Tokens that the model reads. */
  readonly sequenceLength: number;
  /** Where a and b stand among them. */
  readonly operands: readonly [number, number];
  /** How many tokens are to be predicted, each at one of the last positions. */
  readonly answers: 1 | 2;
  /** The tokens read, for one equation over n elements. */
  read(a: number, b: number, c: number, elements: number): readonly number[];
  /** The tokens to be predicted. */
  predict(c: number, elements: number): readonly number[];
  /** Number of tokens. */
  vocabulary(elements: number, modular: boolean): number;
  /** Number of outputs of the head. */
  classes(elements: number, modular: boolean): number;
}

/** EOS, `=`, and the names of 20 operations in the released code. */
const RELEASED_SYMBOLS = 22;
const RELEASED_MODULUS = 97;
const PERMUTATIONS = 120;

const equationEosTokens = (elements: number, modular: boolean): number =>
  elements + (modular ? PERMUTATIONS : RELEASED_MODULUS) + RELEASED_SYMBOLS;

const layouts: Readonly<Record<TokenForm, TokenLayout>> = {
  equals: {
    sequenceLength: 3,
    operands: [0, 1],
    answers: 1,
    read: (a, b, _, elements) => [a, b, elements],
    predict: (c) => [c],
    vocabulary: (elements) => elements + 1,
    classes: (elements) => elements,
  },
  pair: {
    sequenceLength: 3,
    operands: [0, 1],
    answers: 1,
    read: (a, b) => [a, b, 0],
    predict: (c) => [c],
    vocabulary: (elements) => elements,
    classes: (elements) => elements,
  },
  equation: {
    sequenceLength: 4,
    operands: [0, 2],
    answers: 1,
    read: (a, b, _, elements) => [a, elements + 1, b, elements],
    predict: (c) => [c],
    vocabulary: (elements) => elements + 2,
    classes: (elements) => elements + 2,
  },
  'equation-eos': {
    sequenceLength: 6,
    operands: [1, 3],
    answers: 2,
    read: (a, b, c, elements) => [elements, a, elements + 2, b, elements + 1, c],
    predict: (c, elements) => [c, elements],
    vocabulary: equationEosTokens,
    classes: equationEosTokens,
  },
};

/** The names of the token forms, in the order of the table. */
export const TOKEN_FORMS = Object.keys(layouts) as readonly TokenForm[];

/**
 * Looks a token form up.
 *
 * @throws {ArgumentError} if there is none of that name; the message lists those there are
 */
export function tokenLayout(form: string): TokenLayout {
  const layout = Object.hasOwn(layouts, form) ? layouts[form as TokenForm] : undefined;
  if (layout === undefined) {
    throw new ArgumentError(`tokens '${form}' is no token form: choose one of ${TOKEN_FORMS.join(', ')}.`);
  }
  return layout;
}
