/**
 * @file What a figure is: a Plotly specification as plain data, nothing drawn yet.
 *
 * The same object goes to three outlets (a browser window, JupyterLab, a static file), each in a `*.node.ts` of its own.
 * The types are this project's own and loose on purpose: any Plotly trace or layout is accepted, also one typed with
 * nodeplotlib's `Plot` and `Layout`, whose declarations describe Plotly 1.54 and lack attributes used here.
 *
 * @see https://plotly.com/javascript/reference/
 */
import { ArgumentError } from '../errors';

/** A Plotly trace: one curve, band or heat map. Attribute names and values are Plotly's. */
export type Trace = { readonly [attribute: string]: unknown };

/** A Plotly layout: axes, title, legend, shapes. */
export type Layout = { readonly [attribute: string]: unknown };

/** A Plotly specification; `layout.width` and `layout.height` hold its design size in pixels. */
export interface Figure {
  readonly data: readonly Trace[];
  readonly layout: Layout;
}

/** A picture's size in CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

const DEFAULT_SIZE: Size = { width: 800, height: 560 };

/**
 * The size to draw a figure at: what is asked for, else the figure's design size, else 800 × 560.
 *
 * @throws ArgumentError if a side is not a whole number of pixels from 100 to 8000.
 */
export function sizeOf(figure: Figure, asked: Partial<Size> = {}): Size {
  const side = (name: 'width' | 'height') => {
    const own = figure.layout[name];
    const value = asked[name] ?? (typeof own === 'number' ? own : DEFAULT_SIZE[name]);
    if (!(Number.isInteger(value) && value >= 100 && value <= 8000)) {
      throw new ArgumentError(`${name} is ${value}, expected a whole number of pixels from 100 to 8000`);
    }
    return value;
  };
  return { width: side('width'), height: side('height') };
}

/** A figure's title as plain text on one line, without Plotly's markup; `figure` if it has none. */
export function titleOf(figure: Figure): string {
  const { title } = figure.layout;
  const text = typeof title === 'object' && title !== null && 'text' in title ? title.text : title;
  if (typeof text !== 'string') return 'figure';
  const plain = text
    .replace(/<br\s*\/?>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  return plain || 'figure';
}
