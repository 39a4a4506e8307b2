/** @file The outcome of a suite as plain data, and as a table of ratios for the terminal. */
import { pairedRatios, summarise } from './statistics.mjs';

/** @typedef {import('./statistics.mjs').Summary} Summary */

/**
 * @typedef {object} Measured One contender's rounds.
 * @property {string} name
 * @property {string} description
 * @property {Readonly<Record<string, string>>} versions
 * @property {Readonly<Record<string, unknown>>} settings
 * @property {readonly number[]} losses
 * @property {readonly number[]} rounds ms a step
 */

/**
 * @typedef {Omit<Measured, 'rounds'> & {
 *   msPerStep: Summary & { rounds: readonly number[] },
 *   ratio: Summary & { rounds: readonly number[] },
 * }} Result `ratio` is the contender's time ÷ the baseline's, paired by round
 */

/**
 * @param {readonly Measured[]} measured
 * @param {string} baseline the name of the contender that the others are divided by
 * @returns {Result[]} the slowest first
 * @throws {RangeError} if the baseline was not measured
 */
export function results(measured, baseline) {
  const base = measured.find(({ name }) => name === baseline);
  if (base === undefined) throw new RangeError(`the baseline ${baseline} was not measured`);
  return measured
    .map(({ rounds, ...rest }) => {
      const ratios = pairedRatios(rounds, base.rounds);
      return {
        ...rest,
        msPerStep: { ...summarise(rounds), rounds },
        ratio: { ...summarise(ratios), rounds: ratios },
      };
    })
    .sort((a, b) => b.ratio.median - a.ratio.median);
}

/** A ratio with three significant digits. @param {number} value */
const digits = (value) => (value >= 99.5 ? value.toFixed(0) : value.toPrecision(3));

/**
 * The ratios as lines of text. Milliseconds are left to the JSON file: they say more about a machine than about code.
 *
 * @param {readonly Result[]} rows
 * @param {string} baseline
 */
export function ratioTable(rows, baseline) {
  const header = ['', `× ${baseline}`, 'quartiles', 'range', ''];
  const body = rows.map(({ name, description, ratio: { median, q1, q3, min, max } }) =>
    name === baseline
      ? [name, '1', '', '', description]
      : [
          name,
          digits(median),
          `${digits(q1)} – ${digits(q3)}`,
          `${digits(min)} – ${digits(max)}`,
          description,
        ],
  );
  const widths = header.map((_, column) =>
    Math.max(...[header, ...body].map((row) => String(row[column]).length)),
  );
  return [header, ...body]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(Number(widths[column])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
