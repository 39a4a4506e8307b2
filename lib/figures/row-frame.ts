/** @file The frame of figures with a labelled row an item: heading, margins, the axis of labels, and words beside each row. */
import { ArgumentError } from '../errors';
import type { Layout } from './figure';
import { BASE_LAYOUT, heading } from './theme';

/** Pixels of a character of a row's label. */
const CHARACTER = 6.6;
/** Pixels between the heading and the first row. */
const BELOW_HEADING = 12;

/** What the frame holds; sizes in pixels. */
export interface RowFrameOptions {
  readonly title: string;
  readonly subtitle?: string | undefined;
  /** Of the rows, the first on top. */
  readonly labels: readonly string[];
  /** Of the picture, at least 480. */
  readonly width: number;
  /** Of a row, at least 20. */
  readonly rowHeight: number;
  /** To the right of the rows, for the words beside them, and below them. */
  readonly margin: { readonly right: number; readonly bottom: number };
}

/** A frame. */
export interface RowFrame {
  /** Pixels. */
  readonly plotWidth: number;
  /** The figure's layout but for its x-axis and what is drawn beside the traces. */
  layout(content: {
    readonly xaxis: Layout;
    readonly shapes: readonly Layout[];
    readonly annotations: readonly Layout[];
  }): Layout;
}

/** @throws {ArgumentError} if a size is out of range */
export function rowFrame({ title, subtitle, labels, width, rowHeight, margin }: RowFrameOptions): RowFrame {
  if (!(width >= 480 && rowHeight >= 20)) {
    throw new ArgumentError(`the size is ${width} wide, ${rowHeight} a row; expected at least 480 and 20`);
  }
  const left = 16 + CHARACTER * Math.max(...labels.map(({ length }) => length));
  const head = heading(title, subtitle, width - left - 16);
  const top = head.height + BELOW_HEADING;
  return {
    plotWidth: width - left - margin.right,
    layout: ({ xaxis, shapes, annotations }) => ({
      ...BASE_LAYOUT,
      width,
      height: top + labels.length * rowHeight + margin.bottom,
      title: head.title,
      margin: { l: left, r: margin.right, t: top, b: margin.bottom },
      hovermode: 'closest',
      showlegend: false,
      xaxis,
      yaxis: {
        range: [labels.length - 0.5, -0.5],
        tickvals: labels.map((_, row) => row),
        ticktext: labels,
        showgrid: false,
        zeroline: false,
        ticks: '',
        ticklabelstandoff: 6,
        automargin: false,
      },
      shapes,
      annotations: [...head.subtitle(BELOW_HEADING - 2), ...annotations],
    }),
  };
}

/** Words to the right of a row; for the layout's `annotations`. */
export function besideRow(text: string, row: number): Layout {
  return {
    text,
    font: { size: 11 },
    showarrow: false,
    borderpad: 0,
    xref: 'paper',
    x: 1,
    xanchor: 'left',
    xshift: 11,
    yref: 'y',
    y: row,
    yanchor: 'middle',
    align: 'left',
  };
}
