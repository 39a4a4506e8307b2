/** @file Turns the text of options into values. */
import { ArgumentError } from '../errors';

/** The number, or the text where it is none: the check of the option's range refuses it, and says what was expected. */
export function parseNumber(text: string): number | string {
  const value = Number(text);
  return text.trim() === '' || Number.isNaN(value) ? text : value;
}

/** A pair such as `.9,.98`. @throws ArgumentError where the text is not two numbers. */
export function parseBetas(text: string): readonly [number, number] {
  const [beta1, beta2, ...rest] = text
    .split(',')
    .map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (beta1 === undefined || beta2 === undefined || rest.length > 0 || Number.isNaN(beta1 + beta2)) {
    throw new ArgumentError(`betas is '${text}', expected two numbers such as .9,.98`);
  }
  return [beta1, beta2];
}
