/** @file What functions with a record of options ask of it. TypeScript's users have it checked already, a notebook's have not. */
import { shown } from '../compile/errors';
import { ArgumentError } from '../errors';

/**
 * Checks a record of options.
 *
 * @param what as the message is to name it, such as `the options of splitRows`
 * @param example of what was expected
 * @param known the names that it may have, so that a misspelt one is not ignored; default: any
 * @throws {ArgumentError} where the value is no record, or has another name
 */
export function requireRecord(
  what: string,
  value: unknown,
  example: string,
  known?: readonly string[],
): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ArgumentError(`${what} are ${shown(value)}, expected a record such as ${example}`);
  }
  const unknown = known && Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new ArgumentError(`${what} have no '${unknown}', expected some of ${known?.join(', ')}`);
  }
}
