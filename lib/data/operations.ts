/**
 * @file The binary operations a model learns, in a table keyed by name: the twelve of Power et al. 2022 (arXiv 2201.02177,
 * appendix A.1.1). The sums and products are defined for every modulus; division by y needs an inverse of y, so `div` needs
 * a prime, and `div-odd`, which divides by odd numbers only, a prime or a power of two.
 */
import { ArgumentError } from '../errors';
import { modularInverse, requireInverses } from './residues';
import { S5_ORDER, s5Inverse, s5Product } from './symmetric-group';

/** Short names of the twelve operations: nine on the integers mod p, three on the permutation group S₅. */
export type OperationName =
  | 'add' // x + y
  | 'sub' // x − y
  | 'div' // x / y, y ≠ 0
  | 'div-odd' // x / y if y is odd, else x − y
  | 'x2y2' // x² + y²
  | 'x2xyy2' // x² + xy + y²
  | 'x2xyy2x' // x² + xy + y² + x
  | 'x3xy' // x³ + xy
  | 'x3xy2y' // x³ + xy² + y
  | 's5' // x ∘ y
  | 's5conj' // x ∘ y ∘ x⁻¹
  | 's5xyx'; // x ∘ y ∘ x

/** Which pairs (a, b) an operation is defined on: a from 0 to elements − 1, b from `firstRight` to elements − 1. */
export interface OperandDomain {
  /** Size of the set the operands and results come from: p, or 120 for S₅. */
  readonly elements: number;
  /** Smallest right operand: 1 where division rules 0 out, else 0. */
  readonly firstRight: 0 | 1;
}

/** One binary operation. */
export interface Operation {
  readonly name: OperationName;
  /** The formula in plain text. */
  readonly label: string;
  /** The formula in LaTeX, without dollar signs. */
  readonly latex: string;
  /** Whether it is on the integers mod p; else it is on S₅, and the modulus is not read. */
  readonly modular: boolean;
  /** Whether (a, b) and (b, a) are both in the domain and always give the same result, whatever the modulus. */
  readonly symmetric: boolean;
  /**
   * The operands for a modulus p.
   *
   * @throws {ArgumentError} if the operation is not defined for it: division where some divisor has no inverse
   */
  domain(modulus: number): OperandDomain;
  /** The result for operands of the domain, from 0 to elements − 1. */
  apply(a: number, b: number, modulus: number): number;
}

/** An operation on all pairs of integers mod p; `polynomial` may return any safe non-negative integer. */
function modular(
  name: OperationName,
  formula: { readonly label: string; readonly latex: string; readonly symmetric: boolean },
  polynomial: (a: number, b: number, modulus: number) => number,
): Operation {
  return {
    name,
    label: `${formula.label} mod p`,
    latex: `${formula.latex} \\bmod p`,
    modular: true,
    symmetric: formula.symmetric,
    domain: (modulus) => ({ elements: modulus, firstRight: 0 }),
    apply: (a, b, modulus) => polynomial(a, b, modulus) % modulus,
  };
}

/** An operation on all pairs of permutations of five things; none of the three is symmetric. */
function onPermutations(
  name: OperationName,
  formula: { readonly label: string; readonly latex: string },
  apply: (x: number, y: number) => number,
): Operation {
  return {
    name,
    label: `${formula.label} in S₅`,
    latex: `${formula.latex} \\text{ in } S_5`,
    modular: false,
    symmetric: false,
    domain: () => ({ elements: S5_ORDER, firstRight: 0 }),
    apply,
  };
}

const quotient = (a: number, b: number, modulus: number): number =>
  (a * modularInverse(b, modulus)) % modulus;
const difference = (a: number, b: number, modulus: number): number => (a - b + modulus) % modulus;

const division: Operation = {
  name: 'div',
  label: 'x / y mod p',
  latex: 'x / y \\bmod p',
  modular: true,
  symmetric: false,
  domain: (modulus) => {
    requireInverses('div', modulus, 1);
    return { elements: modulus, firstRight: 1 };
  },
  apply: quotient,
};

const oddDivision: Operation = {
  name: 'div-odd',
  label: 'x / y if y is odd, else x − y mod p',
  latex: 'x / y \\bmod p \\text{ if } y \\text{ is odd, otherwise } x - y \\bmod p',
  modular: true,
  symmetric: false,
  domain: (modulus) => {
    requireInverses('div-odd', modulus, 2);
    return { elements: modulus, firstRight: 0 };
  },
  apply: (a, b, modulus) => (b % 2 === 1 ? quotient(a, b, modulus) : difference(a, b, modulus)),
};

// Products of two residues are below 4096² = 2²⁴; each is reduced before it is multiplied again.
const operations: Readonly<Record<OperationName, Operation>> = {
  add: modular('add', { label: 'x + y', latex: 'x + y', symmetric: true }, (a, b) => a + b),
  sub: modular('sub', { label: 'x − y', latex: 'x - y', symmetric: false }, difference),
  div: division,
  'div-odd': oddDivision,
  x2y2: modular('x2y2', { label: 'x² + y²', latex: 'x^2 + y^2', symmetric: true }, (a, b) => a * a + b * b),
  x2xyy2: modular(
    'x2xyy2',
    { label: 'x² + xy + y²', latex: 'x^2 + xy + y^2', symmetric: true },
    (a, b) => a * a + a * b + b * b,
  ),
  x2xyy2x: modular(
    'x2xyy2x',
    { label: 'x² + xy + y² + x', latex: 'x^2 + xy + y^2 + x', symmetric: false },
    (a, b) => a * a + a * b + b * b + a,
  ),
  x3xy: modular(
    'x3xy',
    { label: 'x³ + xy', latex: 'x^3 + xy', symmetric: false },
    (a, b, modulus) => ((a * a) % modulus) * a + a * b,
  ),
  x3xy2y: modular(
    'x3xy2y',
    { label: 'x³ + xy² + y', latex: 'x^3 + xy^2 + y', symmetric: false },
    (a, b, modulus) => ((a * a) % modulus) * a + ((b * b) % modulus) * a + b,
  ),
  s5: onPermutations('s5', { label: 'x ∘ y', latex: 'x \\circ y' }, s5Product),
  s5conj: onPermutations('s5conj', { label: 'x ∘ y ∘ x⁻¹', latex: 'x \\circ y \\circ x^{-1}' }, (x, y) =>
    s5Product(s5Product(x, y), s5Inverse(x)),
  ),
  s5xyx: onPermutations('s5xyx', { label: 'x ∘ y ∘ x', latex: 'x \\circ y \\circ x' }, (x, y) =>
    s5Product(s5Product(x, y), x),
  ),
};

/** The names that `getOperation` knows, in the order of the paper. */
export function operationNames(): OperationName[] {
  return Object.keys(operations) as OperationName[];
}

/**
 * Looks an operation up.
 *
 * @throws {ArgumentError} if there is none of that name; the message lists those there are
 */
export function getOperation(name: string): Operation {
  const operation = Object.hasOwn(operations, name) ? operations[name as OperationName] : undefined;
  if (operation === undefined) {
    const known = operationNames().join(', ');
    throw new ArgumentError(
      `operation ${JSON.stringify(name).slice(0, 80)} does not exist: choose one of ${known}.`,
    );
  }
  return operation;
}
