/**
 * @file The table of a binary operation modulo p as a picture, with the rows a model may learn from standing out.
 */
import { ArgumentError } from '../errors';
import { formatCount } from '../train/number-format';
import { cyclicScale } from './cyclic-colours';
import type { Figure, Layout, Trace } from './figure';
import { indexTicks } from './index-ticks';
import { packed } from './packed';
import { BASE_LAYOUT, COLOUR, heading } from './theme';

/** The table to draw. */
export interface OperationTable {
  /** The modulus p, a whole number ≥ 2: a and b run from 0 to p − 1. */
  readonly modulus: number;
  /** The p² results from 0 to p − 1; row a · p + b holds a ∘ b. */
  readonly targets: ArrayLike<number>;
  /** Indices of the rows of the training set; the others are dimmed. Without it all rows are shown alike. */
  readonly train?: ArrayLike<number>;
  /** Indices of rows to outline, such as outliers. */
  readonly marked?: ArrayLike<number>;
}

/** Choices for `operationTable`, all optional. */
export interface OperationTableOptions {
  /** The operation as it is written. Default `a ∘ b`. */
  readonly operation?: string;
  /** The bold first line. By default it names the operation and its modulus. */
  readonly title?: string;
  /** A smaller second line. By default, with a split, its sizes, and the number of outlined rows. */
  readonly subtitle?: string;
  /** Height in pixels, at least 400; adjusted a little so that every cell has the same size. The width follows. Default 560. */
  readonly height?: number;
}

/** Space around the square, pixels. */
const MARGIN = { left: 60, right: 110, bottom: 52 };
/** How much white lies over a validation row. */
const DIMMING = 0.84;
/** Pixels of an outline, around the cell and not over it. */
const OUTLINE = 1.5;

/**
 * Draws the table as a square of p × p cells, a down and b across, on a cyclic colour scale.
 *
 * @throws ArgumentError if the modulus, a target or a row index is out of range, or the number of targets is not p².
 */
export function operationTable(table: OperationTable, options: OperationTableOptions = {}): Figure {
  const { modulus, targets, train, marked } = table;
  const { operation = 'a ∘ b', height = 560 } = options;
  check(table, height);
  const name = `${operation} mod ${modulus}`;
  const subtitle = options.subtitle ?? note(table);
  const head = heading(options.title ?? `The table of ${name}`, subtitle, height - MARGIN.bottom - 60);
  const side = snapped(height - head.height - MARGIN.bottom, modulus);
  return {
    data: [
      {
        type: 'heatmap',
        z: packed(targets, modulus),
        zmin: 0,
        zmax: modulus, // the scale closes at p, which is 0 again
        colorscale: cyclicScale(),
        colorbar: {
          title: { text: name, side: 'right', font: { size: 12, color: COLOUR.muted } },
          thickness: 14,
          outlinewidth: 0,
          tickvals: indexTicks(modulus),
          len: 1,
          xpad: 12,
          ypad: 0,
        },
        hovertemplate: `a = %{y}, b = %{x}: %{z}<extra></extra>`,
      },
      ...(train ? [veil(train, modulus)] : []),
      ...(marked ? [outlines(marked, modulus, side / modulus)] : []),
    ],
    layout: {
      ...BASE_LAYOUT,
      width: side + MARGIN.left + MARGIN.right,
      height: side + head.height + MARGIN.bottom,
      margin: { l: MARGIN.left, r: MARGIN.right, t: head.height, b: MARGIN.bottom },
      title: head.title,
      xaxis: { ...axis('b', modulus), constrain: 'domain' },
      yaxis: {
        ...axis('a', modulus),
        range: [modulus - 0.5, -0.5],
        scaleanchor: 'x',
        constrain: 'domain',
      },
      annotations: head.subtitle(4),
    },
  };
}

/** A layer of translucent white over every row that is not in the training set. */
function veil(train: ArrayLike<number>, modulus: number): Trace {
  const covered = new Uint8Array(modulus * modulus).fill(1);
  for (let index = 0; index < train.length; index++) covered[train[index] as number] = 0;
  return {
    type: 'heatmap',
    z: packed(covered, modulus),
    zmin: 0,
    zmax: 1,
    colorscale: [
      [0, 'rgba(255,255,255,0)'],
      [1, `rgba(255,255,255,${DIMMING})`],
    ],
    showscale: false,
    hoverinfo: 'skip',
  };
}

/** A dark square around each marked cell. */
function outlines(marked: ArrayLike<number>, modulus: number, cell: number): Trace {
  const rows = Array.from(marked);
  return {
    type: 'scatter',
    mode: 'markers',
    x: rows.map((row) => row % modulus),
    y: rows.map((row) => Math.floor(row / modulus)),
    marker: {
      symbol: 'square-open',
      size: cell + OUTLINE,
      color: COLOUR.ink,
      line: { width: OUTLINE },
    },
    cliponaxis: false,
    showlegend: false,
    hoverinfo: 'skip',
  };
}

function axis(name: string, modulus: number): Layout {
  return {
    title: { text: name, font: { size: 12, color: COLOUR.muted }, standoff: 6 },
    tickvals: indexTicks(modulus),
    showgrid: false,
    zeroline: false,
    ticks: 'outside',
    ticklen: 4,
    tickcolor: COLOUR.muted,
    range: [-0.5, modulus - 0.5],
  };
}

/** The side nearest to the wanted one whose cells are whole pixels, if cells are that large. */
function snapped(side: number, modulus: number): number {
  return modulus <= side / 2 ? modulus * Math.round(side / modulus) : Math.round(side);
}

function note({ modulus, train, marked }: OperationTable): string | undefined {
  const outlined = marked && `${formatCount(marked.length)} rows outlined`;
  if (!train) return outlined;
  const [kept, rest] = [train.length, modulus * modulus - train.length].map(formatCount);
  const sizes = outlined
    ? [`${kept} training rows coloured`, outlined] // with a third part the line would be too long
    : [`${kept} training rows coloured`, `${rest} validation rows dimmed`];
  return sizes.join(', ');
}

function check({ modulus, targets, train, marked }: OperationTable, height: number): void {
  if (!(Number.isInteger(modulus) && modulus >= 2)) {
    throw new ArgumentError(`modulus is ${modulus}, expected a whole number of at least 2`);
  }
  if (!(height >= 400)) throw new ArgumentError(`height is ${height}, expected at least 400 pixels`);
  const rows = modulus * modulus;
  if (targets.length !== rows) {
    throw new ArgumentError(
      `the table has ${targets.length} targets, expected ${rows} for modulus ${modulus}`,
    );
  }
  within(targets, modulus, 'target');
  if (train) within(train, rows, 'training row');
  if (marked) within(marked, rows, 'marked row');
}

/**
 * Checks that all numbers are whole and from 0 to limit − 1.
 *
 * @throws ArgumentError naming the first that is not, as `what` with its index.
 */
export function within(values: ArrayLike<number>, limit: number, what: string): void {
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    if (!(Number.isInteger(value) && value >= 0 && value < limit)) {
      throw new ArgumentError(`${what} ${index} is ${value}, expected a whole number from 0 to ${limit - 1}`);
    }
  }
}
