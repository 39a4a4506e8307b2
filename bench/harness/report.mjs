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

/** @typedef {Summary & { rounds: readonly number[] }} Rounds */

/** @typedef {{ name: string, description: string, ratio: Rounds }} Row A line of a table, a bar of a picture. */

/**
 * @typedef {Omit<Measured, 'rounds'> & Row & { msPerStep: Rounds }} Result `ratio` is the contender's time ÷ the
 *   baseline's, paired by round
 */

/**
 * @typedef {object} Section One table of a report: what was measured together.
 * @property {string} id for names of files
 * @property {string} title
 * @property {string} subtitle
 * @property {string} unit what the ratios are multiples of, for the head of the table
 * @property {string} axis the same in words, for the picture
 * @property {string} [baseline] the row that is 1 by definition, if there is one
 * @property {readonly Row[]} rows with whatever else is to be recorded of them
 * @property {readonly { name: string, reason: string }[]} skipped
 * @property {object} [config] of what was measured
 */

/** @param {readonly number[]} values one a round @returns {Rounds} */
export function withRounds(values) {
  return { ...summarise(values), rounds: values };
}

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
    .map(({ rounds, ...rest }) => ({
      ...rest,
      msPerStep: withRounds(rounds),
      ratio: withRounds(pairedRatios(rounds, base.rounds)),
    }))
    .sort((a, b) => b.ratio.median - a.ratio.median);
}

/** A ratio with three significant digits. @param {number} value */
const digits = (value) => (value >= 99.5 ? value.toFixed(0) : value.toPrecision(3));

/**
 * The ratios as lines of text. Milliseconds and bytes are left to the JSON file: they say more about a machine than about
 * code.
 *
 * @param {Pick<Section, 'rows' | 'unit' | 'baseline'>} section
 */
export function ratioTable({ rows, unit, baseline }) {
  const header = ['', unit, 'quartiles', 'range', ''];
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
