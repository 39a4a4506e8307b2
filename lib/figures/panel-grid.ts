/** @file Panels of equal size in rows and columns: where each lies, what its axes are called, and its title. */
import type { Layout } from './figure';
import { COLOUR } from './theme';

/** A grid of panels; all but `columns` in pixels. */
export interface PanelGrid {
  readonly columns: number;
  readonly plotWidth: number;
  readonly plotHeight: number;
  readonly panelHeight: number;
  /** Between panels: to the right of one, and below one, where the next one's title stands. */
  readonly gap: { readonly x: number; readonly y: number };
}

/** Where a panel lies, as shares of the plot. */
export interface PanelPlace {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  /** Whether it is the first of its row. */
  readonly first: boolean;
}

/** Pixels that some rows of panels take. */
export function gridHeight(rows: number, panelHeight: number, gap: PanelGrid['gap']): number {
  return rows * panelHeight + (rows - 1) * gap.y;
}

/** Where a panel lies, counted row by row from the top left. */
export function placeOf(index: number, grid: PanelGrid): PanelPlace {
  const { columns, plotWidth, plotHeight, panelHeight, gap } = grid;
  const [row, column] = [Math.floor(index / columns), index % columns];
  const panelWidth = (plotWidth - (columns - 1) * gap.x) / columns;
  const left = column * (panelWidth + gap.x);
  const above = row * (panelHeight + gap.y);
  return {
    x: [left / plotWidth, (left + panelWidth) / plotWidth],
    y: [Math.max(0, 1 - (above + panelHeight) / plotHeight), 1 - above / plotHeight],
    first: column === 0,
  };
}

/** Plotly's name of the axis of a panel, as traces refer to it. */
export const axisId = (letter: 'x' | 'y', index: number) => `${letter}${index === 0 ? '' : index + 1}`;

/** Plotly's name of the axis of a panel, as the layout has it. */
export const axisKey = (letter: 'x' | 'y', index: number) =>
  axisId(letter, index).replace(letter, `${letter}axis`);

/** A bold title above a panel, from its left edge; for the layout's `annotations`. */
export function panelTitle(text: string, { x, y }: PanelPlace): Layout {
  return {
    text: `<b>${text}</b>`,
    showarrow: false,
    borderpad: 0,
    xref: 'paper',
    yref: 'paper',
    x: x[0],
    xanchor: 'left',
    y: y[1],
    yanchor: 'bottom',
    yshift: 3,
    font: { size: 12, color: COLOUR.ink },
  };
}
