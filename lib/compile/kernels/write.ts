/** @file Arithmetic written the short way while a kernel is lowered: `w.add(x, 1)` is a node, its constant included. */
import type { Emitter, Name } from '../onnx/emitter';

/** A tensor, or a number that becomes a constant. */
type Term = Name | number;

/** Writers of float32 arithmetic (doubles, where the target's precision is float64). */
export interface Writer {
  readonly add: (a: Term, b: Term) => Name;
  readonly sub: (a: Term, b: Term) => Name;
  readonly mul: (a: Term, b: Term) => Name;
  readonly div: (a: Term, b: Term) => Name;
  readonly min: (a: Term, b: Term) => Name;
  readonly max: (a: Term, b: Term) => Name;
  readonly less: (a: Term, b: Term) => Name;
  readonly greater: (a: Term, b: Term) => Name;
  readonly equal: (a: Term, b: Term) => Name;
  /** `condition ? a : b` */
  readonly where: (condition: Name, a: Term, b: Term) => Name;
  /** An operator of one operand. */
  readonly call: (opType: string, x: Term) => Name;
  /** Both of two bools, or either of them. */
  readonly and: (a: Name, b: Name) => Name;
  readonly or: (a: Name, b: Name) => Name;
  /** coefficients[0]·zⁿ + … + coefficients[n], by Horner's rule. */
  readonly polynomial: (z: Name, coefficients: readonly number[]) => Name;
}

export function writer(emit: Emitter): Writer {
  const name = (term: Term) => (typeof term === 'number' ? emit.scalar('float32', term) : term);
  const two = (opType: string) => (a: Term, b: Term) => emit.node(opType, [name(a), name(b)]);
  const [add, mul] = [two('Add'), two('Mul')];
  return {
    add,
    mul,
    sub: two('Sub'),
    div: two('Div'),
    min: two('Min'),
    max: two('Max'),
    less: two('Less'),
    greater: two('Greater'),
    equal: two('Equal'),
    where: (condition, a, b) => emit.node('Where', [condition, name(a), name(b)]),
    call: (opType, x) => emit.node(opType, [name(x)]),
    and: two('And'),
    or: two('Or'),
    polynomial: (z, [first = 0, ...rest]) => {
      const sum = rest.reduce<Term>((value, coefficient) => add(mul(value, z), coefficient), first);
      return name(sum);
    },
  };
}
