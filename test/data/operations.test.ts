import { describe, expect, it } from 'vitest';
import { getOperation, operationNames } from '../../lib/data/operations';
import { ArgumentError } from '../../lib/errors';
import { messageOf } from '../support/one-line';

describe('getOperation', () => {
  it('finds every operation under its own name, with a label for a page and for LaTeX', () => {
    expect(operationNames()).toEqual(['add']);
    for (const name of operationNames()) {
      expect(getOperation(name)).toMatchObject({
        name,
        label: expect.stringContaining('x'),
        latex: expect.stringContaining('x'),
      });
    }
  });

  it.each(operationNames())('%s: results lie in the set, and `symmetric` says the truth', (name) => {
    const { apply, domain, symmetric } = getOperation(name);
    const modulus = 7;
    const { elements, firstRight } = domain(modulus);
    let mirrored = firstRight === 0;
    for (let a = 0; a < elements; a++) {
      for (let b = firstRight; b < elements; b++) {
        const result = apply(a, b, modulus);
        expect(Number.isInteger(result) && result >= 0 && result < elements).toBe(true);
        if (a >= firstRight && apply(b, a, modulus) !== result) mirrored = false;
      }
    }
    expect(symmetric).toBe(mirrored);
  });

  it.each(['sub', 's5', 'Add', '', 'toString', '__proto__'])('has no %j, and says what there is', (name) => {
    const message = messageOf(ArgumentError, () => getOperation(name));
    expect(message).toContain(`operation ${JSON.stringify(name)}`);
    expect(message).toContain('choose one of add');
  });
});
