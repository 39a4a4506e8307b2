/** @file Turns the text of options into values, each mistake into one line. */
import { ArgumentError } from '../errors';
import type { BatchSize } from '../train/config';

/** @param more what else would do @throws ArgumentError where the text is not a number. */
export function parseNumber(option: string, text: string, more = ''): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value))
    throw new ArgumentError(`${option} is '${text}', expected a number${more}`);
  return value;
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

/** A number of rows, or a word for one, which is checked with the other options. @throws ArgumentError where it is neither. */
export function parseBatchSize(text: string): BatchSize {
  return text === 'full' || text === 'half' ? text : parseNumber('batch-size', text, ', full or half');
}
