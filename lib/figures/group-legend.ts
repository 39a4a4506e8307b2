/** @file A legend above the plot whose entries each stand for a group of traces, and the room that it takes. */
import type { Layout } from './figure';
import { rowLegend } from './theme';

/** Pixels: a character of an entry, what comes with it, and a row of entries. */
const SIZE = { character: 6.7, entry: 52, row: 20 };

/** A legend over several rows. */
export interface GroupLegend {
  /** Pixels that it takes above the plot. */
  readonly height: number;
  /** For the layout's `legend`. */
  readonly layout: Layout;
}

/**
 * A legend whose entries follow one another, broken into rows that fit. Each must be that of a `legendgroup` of its own: of
 * entries without a group, Plotly makes columns of equal width where they do not fit one row.
 *
 * @param names of the entries
 * @param size pixels of the plot, and `above` it to the legend's lower edge
 */
export function groupLegend(
  names: readonly string[],
  size: { readonly plotWidth: number; readonly plotHeight: number; readonly above: number },
): GroupLegend {
  const { plotWidth, plotHeight, above } = size;
  let rows = 1;
  let taken = 0;
  for (const { length } of names) {
    const width = SIZE.entry + SIZE.character * length;
    if (taken > 0 && taken + width > plotWidth) {
      rows++;
      taken = 0;
    }
    taken += width;
  }
  return {
    height: SIZE.row * rows + 8,
    layout: { ...rowLegend(1 + above / plotHeight), tracegroupgap: 0 },
  };
}
