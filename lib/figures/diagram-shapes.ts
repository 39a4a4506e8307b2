/** @file The pieces that a model's picture is drawn of: boxes, texts, lines and arrow heads, in pixels from the left and down. */
import { ArgumentError } from '../errors';
import type { Layout, Trace } from './figure';
import { COLOUR } from './theme';

/** What a stage does, and its fill and outline; the label says it too. */
const KINDS = {
  embedding: { fill: '#F4F1E4', line: '#8A7D45' },
  norm: { fill: '#F2F3F5', line: '#9AA1AA' },
  attention: { fill: '#FBE6D9', line: COLOUR.validation },
  mlp: { fill: '#E4EFF8', line: COLOUR.train },
  head: { fill: '#DDF1E6', line: '#1F7A50' },
  data: { fill: '#FFFFFF', line: COLOUR.ink },
} as const;

/** What a stage of a model does. */
export type StageKind = keyof typeof KINDS;

/** Pixels a character takes at most, by which texts are kept inside their boxes. */
const CHARACTER = { label: 7.4, note: 6.5 };
export const LINE = '#9AA1AA';
const HEAD = '#6B727B';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The end of a line, and plotly's name of its look. */
export type Head = Point & { readonly symbol: string };

/** A text for the pointer. */
export type Hover = Point & { readonly text: string };

/** Checks that a text fits. @throws {ArgumentError} naming it, if it does not */
export function fits(label: string, note: string | undefined, width: number): void {
  const needed = Math.max(label.length * CHARACTER.label, (note?.length ?? 0) * CHARACTER.note);
  if (needed > width) {
    throw new ArgumentError(
      `'${label}' with '${note ?? ''}' is too long for its box, expected at most ${Math.floor(width / CHARACTER.note)} characters a line`,
    );
  }
}

/** A bold line, and a smaller one below it. */
export function twoLines(label: string, note: string | undefined): string {
  const second =
    note === undefined ? '' : `<br><span style="font-size:11px;color:${COLOUR.muted}">${note}</span>`;
  return `<b>${label}</b>${second}`;
}

/** Text beside or in a box, without an arrow. */
export function text(content: string, { x, y }: Point, more: Layout): Layout {
  return {
    x,
    y,
    text: content,
    yanchor: 'middle',
    font: { size: 12 },
    showarrow: false,
    borderpad: 0,
    ...more,
  };
}

/** Pixels from the left and down. */
export interface Edges {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A rectangle below all lines, unless `look` says otherwise. */
export function rectangle({ left, right, top, bottom }: Edges, look: Layout): Layout {
  return { type: 'rect', x0: left, x1: right, y0: top, y1: bottom, layer: 'below', ...look };
}

/** The box of a stage. */
export function box(edges: Edges, kind: StageKind): Layout {
  const { fill, line } = KINDS[kind];
  return rectangle(edges, { fillcolor: fill, line: { color: line, width: 1.2 }, layer: 'above' });
}

/** All connecting lines as one trace. */
export function lines(paths: readonly (readonly Point[])[]): Trace {
  return {
    type: 'scatter',
    mode: 'lines',
    x: paths.flatMap((points) => [...points.map(({ x }) => x), null]),
    y: paths.flatMap((points) => [...points.map(({ y }) => y), null]),
    line: { color: LINE, width: 1.4 },
    hoverinfo: 'skip',
  };
}

/** All arrow heads as one trace. */
export function heads(ends: readonly Head[]): Trace {
  return {
    type: 'scatter',
    mode: 'markers',
    x: ends.map(({ x }) => x),
    y: ends.map(({ y }) => y),
    marker: { symbol: ends.map(({ symbol }) => symbol), size: 7, color: HEAD },
    hoverinfo: 'skip',
  };
}

/** Invisible points in the boxes, for the pointer. */
export function hovers(points: readonly Hover[]): Trace {
  return {
    type: 'scatter',
    mode: 'markers',
    x: points.map(({ x }) => x),
    y: points.map(({ y }) => y),
    text: points.map(({ text }) => text),
    hovertemplate: '%{text}<extra></extra>',
    marker: { size: 24, opacity: 0 },
  };
}
