/**
 * @file The binary operations a model learns, in a table keyed by name. The names cover the twelve of Power et al. 2022
 * (arXiv 2201.02177, appendix A.1.1); an operation exists once it has an entry in the table.
 */
import { ArgumentError } from '../errors';

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
  /** Whether (a, b) and (b, a) are both in the domain and always give the same result. */
  readonly symmetric: boolean;
  /** The operands for a modulus p. */
  domain(modulus: number): OperandDomain;
  /** The result for operands of the domain, from 0 to elements − 1. */
  apply(a: number, b: number, modulus: number): number;
}

const operations: Readonly<Partial<Record<OperationName, Operation>>> = {
  add: {
    name: 'add',
    label: 'x + y mod p',
    latex: 'x + y \\bmod p',
    modular: true,
    symmetric: true,
    domain: (modulus) => ({ elements: modulus, firstRight: 0 }),
    apply: (a, b, modulus) => (a + b) % modulus,
  },
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
