/** @file What is read out of a failed cell's stderr, for each of the forms that the kernel prints. */
import { describe, expect, it } from 'vitest';
import { parseFailure } from '../../scripts/jupyter/failure.mjs';

describe('parseFailure', () => {
  it('reads the compiler’s first message and counts the others', () => {
    expect(
      parseFailure("2:7 - Type 'number' is not assignable to type 'string'.\n3:7 - And more.\n"),
    ).toEqual({
      message: "Type 'number' is not assignable to type 'string'. (and 1 more)",
      line: 2,
    });
  });
  it('takes no line from a message about another file', () => {
    expect(parseFailure('helper.ts 4:1 - Expression expected.\n')).toEqual({
      message: 'helper.ts: Expression expected.',
    });
  });
  it('reads an error’s message and the places in compiled code, the cell’s own first', () => {
    const text = `a warning before
RangeError: p must be 2 or more, got 1
    at check (evalmachine.<anonymous>:10:15)
    at evalmachine.<anonymous>:7:1
    at evalmachine.<anonymous>:12:3
    at Script.runInThisContext (node:vm:137:12)
`;
    expect(parseFailure(text)).toEqual({
      message: 'RangeError: p must be 2 or more, got 1',
      compiled: [
        { line: 12, column: 3 },
        { line: 7, column: 1 },
        { line: 10, column: 15 },
      ],
    });
  });
  it('keeps a message of several lines, and leaves the places of its cause out', () => {
    const text = `TypeError: one
two
    at evalmachine.<anonymous>:2:9 {
  [cause]: Error: root
      at evalmachine.<anonymous>:1:1
}`;
    expect(parseFailure(text)).toEqual({
      message: 'TypeError: one\ntwo',
      compiled: [{ line: 2, column: 9 }],
    });
  });
  it('takes what was thrown where it is no error', () => {
    expect(parseFailure('just a string\n')).toEqual({ message: 'just a string' });
    expect(parseFailure('')).toEqual({ message: 'no message' });
  });
});
