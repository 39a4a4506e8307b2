/** @file A matrix of real numbers as a picture: a cell a number, row 0 on top. */
import { ArgumentError } from '../errors';
import { DIVERGING, SEQUENTIAL } from './colour-scales';
import type { Figure, Layout } from './figure';
import { indexTicks } from './index-ticks';
import { BASE_LAYOUT, COLOUR, heading } from './theme';

/** A matrix in row-major memory; a host tensor of two dimensions is one. */
export interface Matrix {
  /** Rows, columns. */
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Choices for `heatMap`, all optional but the title. */
export interface HeatMapOptions {
  /** The bold first line. */
  readonly title: string;
  /** A smaller second line. */
  readonly subtitle?: string;
  /** What the columns are, below them. */
  readonly xTitle?: string;
  /** What the rows are, beside them. */
  readonly yTitle?: string;
  /** A name for each column, in place of its number. */
  readonly xLabels?: readonly string[];
  /** A name for each row, in place of its number. */
  readonly yLabels?: readonly string[];
  /** What a cell's number is, beside the colour bar. */
  readonly unit?: string;
  /**
   * `diverging`: zero in the middle, both ends equally far from it. `sequential`: from zero up. Default: diverging if any
   * number is negative.
   */
  readonly scale?: 'diverging' | 'sequential';
  /** The number at the end of the scale, above 0. Default: the largest magnitude. Larger numbers have the end's colour. */
  readonly limit?: number;
  /** Whether each cell shows its number too. Default: if there are at most 64 cells. */
  readonly numbers?: boolean;
  /**
   * Decimals of the numbers in the cells, 0 to 20; an exact zero has none. Default: as many as the cells need, to a thousandth
   * of the largest magnitude.
   */
  readonly decimals?: number;
  /** Most pixels across, at least 320. Default 800. */
  readonly width?: number;
  /** Most pixels down, at least 240. Default 560. */
  readonly height?: number;
}

/** Space around the cells, pixels. */
const MARGIN = { left: 62, right: 104, bottom: 52 };
/** A row of cells is at least this high, so that three of them are still a picture. */
const LEAST_ROW = 40;
/** Pixels that a character of a tick label takes at most. */
const CHARACTER = 7;

/**
 * Draws a matrix on a colour scale. Cells are squares, as large as fit; a matrix of few long rows has taller ones.
 *
 * @throws ArgumentError if the numbers are not those of a matrix or not finite, or an option is out of range.
 */
export function heatMap(matrix: Matrix, options: HeatMapOptions): Figure {
  const { width = 800, height = 560, unit, xTitle, yTitle, xLabels, yLabels } = options;
  const { rows, columns } = check(matrix, options);
  const largest = Math.max(...Array.from(matrix.data, Math.abs)) || 1;
  const limit = options.limit ?? largest;
  const negative = Array.from(matrix.data).some((value) => value < 0);
  const diverging = (options.scale ?? (negative ? 'diverging' : 'sequential')) === 'diverging';

  const widest = yLabels ? Math.max(...yLabels.map((label) => label.length)) * CHARACTER : 0;
  const left = Math.max(MARGIN.left, widest + (yTitle ? 40 : 16));
  const across = width - left - MARGIN.right;
  const head = heading(options.title, options.subtitle, across);
  const numbers = options.numbers ?? rows * columns <= 64;
  const decimals = options.decimals ?? decimalsOf(matrix.data);
  const cell = cellSize(across / columns, (height - head.height - MARGIN.bottom) / rows);
  const size = { width: Math.round(cell.width * columns), height: Math.round(cell.height * rows) };
  // A narrow matrix keeps the room that its heading was broken for.
  const right = Math.max(MARGIN.right, Math.min(width, 420) - left - size.width);
  return {
    data: [
      {
        type: 'heatmap',
        z: inRows(matrix.data, columns, rounding(largest)),
        zmin: diverging ? -limit : 0,
        zmax: limit,
        colorscale: diverging ? DIVERGING : SEQUENTIAL,
        colorbar: {
          ...(unit === undefined
            ? {}
            : { title: { text: unit, side: 'right', font: { size: 12, color: COLOUR.muted } } }),
          thickness: 14,
          outlinewidth: 0,
          nticks: 6,
          len: 1,
          xpad: 12,
          ypad: 0,
        },
        ...(numbers
          ? {
              text: inRows(matrix.data, columns, (value) => inDecimals(value, decimals)),
              texttemplate: '%{text}',
              textfont: { size: 12 },
              xgap: 1,
              ygap: 1,
            }
          : {}),
        hovertemplate: `${yTitle ?? 'row'} %{y}, ${xTitle ?? 'column'} %{x}: %{z}<extra></extra>`,
      },
    ],
    layout: {
      ...BASE_LAYOUT,
      width: left + size.width + right,
      height: head.height + size.height + MARGIN.bottom,
      margin: { l: left, r: right, t: head.height, b: MARGIN.bottom },
      title: head.title,
      xaxis: axis(xTitle, xLabels, columns),
      yaxis: { ...axis(yTitle, yLabels, rows), range: [rows - 0.5, -0.5] },
      annotations: head.subtitle(4),
    },
  };
}

/** Squares of whole pixels where they are large enough; higher cells where a square one would be a line. */
function cellSize(width: number, height: number): { width: number; height: number } {
  const fitting = Math.min(width, height);
  const side = fitting >= 2 ? Math.floor(fitting) : fitting;
  return side < LEAST_ROW && height >= LEAST_ROW
    ? { width: width >= 2 ? Math.floor(width) : width, height: LEAST_ROW }
    : { width: side, height: side };
}

function axis(title: string | undefined, labels: readonly string[] | undefined, count: number): Layout {
  return {
    ...(title === undefined
      ? {}
      : { title: { text: title, font: { size: 12, color: COLOUR.muted }, standoff: 6 } }),
    tickmode: 'array',
    tickvals: labels ? labels.map((_, index) => index) : indexTicks(count),
    ...(labels ? { ticktext: labels } : {}),
    showgrid: false,
    zeroline: false,
    ticks: 'outside',
    ticklen: 4,
    tickcolor: COLOUR.muted,
    range: [-0.5, count - 0.5],
  };
}

function inRows<T>(data: ArrayLike<number>, columns: number, cell: (value: number) => T): T[][] {
  return Array.from({ length: data.length / columns }, (_, row) =>
    Array.from({ length: columns }, (_, column) => cell(data[row * columns + column] as number)),
  );
}

/** Decimals of a thousandth of the largest number's size: no eye sees more, and a notebook carries every digit. */
const mostDecimals = (largest: number) => Math.min(Math.max(2 - Math.floor(Math.log10(largest)), 0), 20);

function rounding(largest: number): (value: number) => number {
  const decimals = mostDecimals(largest);
  return (value) => Number(value.toFixed(decimals)) + 0; // no −0
}

/**
 * The decimals that numbers need to be told apart from each other, to a thousandth of the largest magnitude: 0 for whole
 * numbers, 2 for 0.25 and 0.5.
 */
export function decimalsOf(data: ArrayLike<number>): number {
  const numbers = Array.from(data);
  const most = mostDecimals(Math.max(...numbers.map(Math.abs)) || 1);
  let least = 0;
  while (
    least < most &&
    numbers.some((value) => Number(value.toFixed(least)) !== Number(value.toFixed(most)))
  )
    least++;
  return least;
}

/** A number as a cell shows it: an exact zero as such, all others with the same decimals. */
function inDecimals(value: number, decimals: number): string {
  if (value === 0) return '0';
  const digits = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(digits) !== 0 ? `−${digits}` : digits;
}

function check({ shape, data }: Matrix, options: HeatMapOptions): { rows: number; columns: number } {
  const { xLabels, yLabels, limit = 1, decimals = 0, width = 800, height = 560 } = options;
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2 || rows < 1 || columns < 1 || data.length !== rows * columns) {
    throw new ArgumentError(
      `${data.length} numbers of shape [${shape.join(', ')}] are not a matrix, expected rows × columns numbers`,
    );
  }
  const bad = Array.from(data).findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const place = `row ${Math.floor(bad / columns)}, column ${bad % columns}`;
    throw new ArgumentError(`the number at ${place} is ${data[bad]}, expected finite numbers`);
  }
  if (!(limit > 0)) throw new ArgumentError(`limit is ${limit}, expected a number above 0`);
  if (!(Number.isInteger(decimals) && decimals >= 0 && decimals <= 20)) {
    throw new ArgumentError(`decimals is ${decimals}, expected a whole number from 0 to 20`);
  }
  if (!(width >= 320 && height >= 240)) {
    throw new ArgumentError(`figure size is ${width} × ${height}, expected at least 320 × 240 pixels`);
  }
  for (const [name, labels, count] of [
    ['xLabels', xLabels, columns],
    ['yLabels', yLabels, rows],
  ] as const) {
    if (labels && labels.length !== count) {
      throw new ArgumentError(`${name} has ${labels.length} labels, expected ${count}, one a cell`);
    }
  }
  return { rows, columns };
}
