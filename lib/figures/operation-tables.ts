/** @file The tables of several operations side by side, small: their patterns compared, not their entries read. */
import { ArgumentError } from '../errors';
import { cyclicScale } from './cyclic-colours';
import type { Figure, Layout, Trace } from './figure';
import { within } from './operation-table';
import { packed } from './packed';
import { BASE_LAYOUT, COLOUR, heading } from './theme';

/** One of the tables. A dataset with one answer a row has all of it but the name. */
export interface OperationPanel {
  /** The operation as it is written, over its table; up to 30 characters. */
  readonly name: string;
  /** Number n of elements, at least 2: a runs from 0 to n − 1, and the results lie in that range. */
  readonly elements: number;
  /** The results, `b` fastest. With fewer than n to a row, as for division, the first operands b are those left out. */
  readonly targets: ArrayLike<number>;
}

/** Choices for `operationTables`, all optional. */
export interface OperationTablesOptions {
  /** The bold first line. Default: how many tables there are. */
  readonly title?: string;
  /** A smaller second line. Default: how to read them. */
  readonly subtitle?: string;
  /** Tables in a row, at least 1. Default 3. */
  readonly columns?: number;
  /** Pixels that the side of a table may take, at least 60. Default 240. */
  readonly side?: number;
}

/** Pixels between tables, above a table for its name, and around them all. */
const GAP = 26;
const NAME = 22;
const MARGIN = { side: 24, bottom: 24 };

/**
 * Draws tables in rows, a down and b across in each, on a cyclic colour scale that ends where it begins. The cells of a table
 * are whole pixels where the side allows.
 *
 * @throws ArgumentError if there is no table, a table is none, or an option is out of range.
 */
export function operationTables(
  panels: readonly OperationPanel[],
  options: OperationTablesOptions = {},
): Figure {
  const { columns = 3, side = 240 } = options;
  check(panels, columns, side);
  const across = Math.min(columns, panels.length);
  const width = across * side + (across - 1) * GAP;
  const sides = panels.map(({ elements }) => cellSize(elements, side) * elements);
  const tops = topsOf(sides, columns);
  const height = tops.height;
  const { title = `The tables of ${panels.length} operations`, subtitle = READING } = options;
  const head = heading(title, subtitle, width);
  const axes: Record<string, Layout> = {};
  const names: Layout[] = [];
  const scales = colourAxes(panels);
  const data = panels.map((panel, index): Trace => {
    const [left, top, own] = [(index % columns) * (side + GAP), tops.of(index), sides[index] as number];
    const suffix = numbered(index);
    const last = panel.elements - 0.5;
    axes[`xaxis${suffix}`] = {
      ...FRAME,
      domain: [left / width, (left + own) / width],
      anchor: `y${suffix}`,
      range: [-0.5, last],
    };
    axes[`yaxis${suffix}`] = {
      ...FRAME,
      domain: [1 - (top + own) / height, 1 - top / height],
      anchor: `x${suffix}`,
      range: [last, -0.5],
    };
    names.push(nameOver(panel.name, left / width, 1 - top / height));
    return {
      ...heatMapOf(panel, scales.get(panel.elements) as string),
      xaxis: `x${suffix}`,
      yaxis: `y${suffix}`,
    };
  });
  return {
    data,
    layout: {
      ...BASE_LAYOUT,
      width: width + 2 * MARGIN.side,
      height: height + head.height + MARGIN.bottom,
      margin: { l: MARGIN.side, r: MARGIN.side, t: head.height, b: MARGIN.bottom },
      title: head.title,
      ...axes,
      ...Object.fromEntries([...scales].map(([elements, axis]) => [axis, colourAxis(elements)])),
      annotations: [...head.subtitle(4), ...names],
    },
  };
}

const READING = 'a down, b across, both from 0; the colour is the result';

/** A thin line around a table, without numbers. */
const FRAME: Layout = {
  showticklabels: false,
  ticks: '',
  showgrid: false,
  zeroline: false,
  showline: true,
  mirror: true,
  linecolor: COLOUR.grid,
};

/**
 * The colour axis of each number of elements, by that number. Tables of one size share it: a scale is some sixty lines of a
 * notebook.
 */
function colourAxes(panels: readonly OperationPanel[]): Map<number, string> {
  const sizes = [...new Set(panels.map(({ elements }) => elements))];
  return new Map(sizes.map((elements, index) => [elements, `coloraxis${numbered(index)}`]));
}

const colourAxis = (elements: number): Layout => ({
  cmin: 0,
  cmax: elements, // the scale closes at n, which is 0 again
  colorscale: cyclicScale(),
  showscale: false,
});

/** What Plotly puts after the name of the first, second, third axis: nothing, 2, 3. */
const numbered = (index: number): string => (index === 0 ? '' : `${index + 1}`);

function heatMapOf({ name, elements, targets }: OperationPanel, scale: string): Trace {
  const columns = targets.length / elements;
  return {
    type: 'heatmap',
    name,
    z: packed(targets, columns),
    x0: elements - columns,
    dx: 1,
    coloraxis: scale,
    hovertemplate: 'a = %{y}, b = %{x}: %{z}<extra></extra>',
  };
}

function nameOver(name: string, x: number, y: number): Layout {
  return {
    text: name.replaceAll('⁻¹', '<sup>−1</sup>'), // the fonts have no raised minus
    font: { size: 13, color: COLOUR.ink },
    showarrow: false,
    borderpad: 0,
    x,
    xref: 'paper',
    xanchor: 'left',
    y,
    yref: 'paper',
    yanchor: 'bottom',
    yshift: 2,
  };
}

/** Pixels a cell: whole ones if the side has room for one each. */
function cellSize(elements: number, side: number): number {
  return elements <= side ? Math.floor(side / elements) : side / elements;
}

/** Where the tables begin, pixels from the top: each row as high as its largest. */
function topsOf(sides: readonly number[], columns: number) {
  const tops: number[] = [];
  let height = 0;
  for (let start = 0; start < sides.length; start += columns) {
    if (start > 0) height += GAP / 2;
    height += NAME;
    tops.push(height);
    height += Math.max(...sides.slice(start, start + columns));
  }
  return { height, of: (index: number) => tops[Math.floor(index / columns)] as number };
}

function check(panels: readonly OperationPanel[], columns: number, side: number): void {
  if (panels.length === 0) throw new ArgumentError('there is no table to draw, expected at least one');
  if (!(Number.isInteger(columns) && columns >= 1)) {
    throw new ArgumentError(`columns is ${columns}, expected a whole number of at least 1`);
  }
  if (!(Number.isInteger(side) && side >= 60 && side <= 2000)) {
    throw new ArgumentError(`side is ${side}, expected a whole number of pixels from 60 to 2000`);
  }
  for (const { name, elements, targets } of panels) {
    if (!(Number.isInteger(elements) && elements >= 2)) {
      throw new ArgumentError(`elements of ${name} is ${elements}, expected a whole number of at least 2`);
    }
    const perRow = targets.length / elements;
    if (!(Number.isInteger(perRow) && perRow >= 1 && perRow <= elements)) {
      throw new ArgumentError(
        `the table of ${name} has ${targets.length} targets, expected ${elements} rows of at most ${elements}`,
      );
    }
    within(targets, elements, `target of ${name}`);
  }
}
