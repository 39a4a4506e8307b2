/** @file Several matrices of one shape side by side on one colour scale, such as weights before and after training. */
import { ArgumentError } from '../errors';
import type { Figure, Layout, Trace } from './figure';
import { decimalsOf, type HeatMapOptions, heatMap, type Matrix } from './heat-map';
import { BASE_LAYOUT, COLOUR, heading } from './theme';

/** One of the matrices. */
export interface HeatMapPanel {
  /** What distinguishes it, above its picture; at most 30 characters. */
  readonly title: string;
  readonly matrix: Matrix;
}

/** Pixels between pictures, and above one for its title. */
const GAP = 44;
const PANEL_TITLE = 24;
/** Pixels that the colour bar takes. */
const COLOUR_BAR = 104;
/** What `heatMap` takes at least. */
const LEAST_WIDTH = 320;

/**
 * Draws matrices as `heatMap` does, next to each other, with one heading and one colour bar. Defaults of
 * `limit` and `decimals` are those of all their numbers together.
 *
 * @throws ArgumentError if there is no matrix, their shapes differ, one is none, or an option is out of range
 */
export function heatMaps(panels: readonly HeatMapPanel[], options: HeatMapOptions): Figure {
  const [first] = panels;
  if (first === undefined) throw new ArgumentError('there is no matrix to draw, expected at least one');
  for (const { title, matrix } of panels) {
    if (String(matrix.shape) !== String(first.matrix.shape)) {
      throw new ArgumentError(
        `'${title}' has shape [${matrix.shape.join(', ')}], expected [${first.matrix.shape.join(', ')}] like the first`,
      );
    }
  }
  const { width = 800, height = 560 } = options;
  const numbers = panels.flatMap(({ matrix }) => Array.from(matrix.data));
  const negative = numbers.some((value) => value < 0);
  const shared: HeatMapOptions = {
    scale: negative ? 'diverging' : 'sequential',
    limit: Math.max(...numbers.map(Math.abs)) || 1,
    decimals: decimalsOf(numbers),
    ...options,
    title: '',
    subtitle: '',
  };
  // A picture alone has room for ticks on its left and for the colour bar on its right; here they are shared.
  const alone = marginsOf(heatMap(first.matrix, shared));
  const gaps = GAP * (panels.length - 1);
  const own = Math.floor((width - alone.left - alone.bar - gaps) / panels.length) + alone.left + alone.bar;
  if (own < LEAST_WIDTH) {
    const least = width + panels.length * (LEAST_WIDTH - own);
    throw new ArgumentError(
      `width is ${width}, expected at least ${least} pixels for ${panels.length} matrices`,
    );
  }
  const head = heading(options.title, options.subtitle, width - alone.left - alone.bar);
  const top = head.height + PANEL_TITLE;
  const singles = panels.map(({ matrix }) =>
    heatMap(matrix, {
      ...shared,
      width: own,
      height: Math.max(240, height - top + alone.top),
    }),
  );
  const cells = marginsOf(singles[0] as Figure);
  const total = panels.length * cells.width + gaps;
  const axes: Record<string, Layout> = {};
  const data = singles.map(({ data: [trace], layout }, index): Trace => {
    const suffix = index === 0 ? '' : `${index + 1}`;
    const left = index * (cells.width + GAP);
    const domain = [left / total, (left + cells.width) / total];
    const { title: _, ...yaxis } = layout.yaxis as Layout;
    axes[`xaxis${suffix}`] = { ...(layout.xaxis as Layout), domain, anchor: `y${suffix}` };
    axes[`yaxis${suffix}`] = { ...(index === 0 ? (layout.yaxis as Layout) : yaxis), anchor: `x${suffix}` };
    const { colorbar, ...drawn } = trace as Trace;
    const bar = index === singles.length - 1 ? { colorbar, showscale: true } : { showscale: false };
    return { ...drawn, ...bar, xaxis: `x${suffix}`, yaxis: `y${suffix}` };
  });
  return {
    data,
    layout: {
      ...BASE_LAYOUT,
      width: cells.left + total + cells.bar,
      height: top + cells.height + cells.bottom,
      margin: { l: cells.left, r: cells.bar, t: top, b: cells.bottom },
      title: head.title,
      ...axes,
      annotations: [
        ...head.subtitle(PANEL_TITLE + 4),
        ...panels.map(({ title }, index) => ({
          text: `<b>${title}</b>`,
          font: { size: 12, color: COLOUR.ink },
          showarrow: false,
          borderpad: 0,
          x: (index * (cells.width + GAP)) / total,
          xref: 'paper',
          xanchor: 'left',
          y: 1,
          yref: 'paper',
          yanchor: 'bottom',
          yshift: 4,
        })),
      ],
    },
  };
}

/** Pixels around the cells of a single picture, and of the cells; `bar` is what the colour bar needs. */
function marginsOf({ layout }: Figure) {
  const { l: left, r, t: top, b: bottom } = layout.margin as Record<'l' | 'r' | 't' | 'b', number>;
  const { width, height } = layout as Record<'width' | 'height', number>;
  return { left, top, bottom, bar: COLOUR_BAR, width: width - left - r, height: height - top - bottom };
}
