/**
 * @file The frame around training curves: two panels over one axis of steps, and the stages shaded behind both.
 */
import type { Phase } from '../analysis/phases';
import type { CurveAxes } from './curve-traces';
import type { Layout, Size } from './figure';
import type { LogAxis } from './log-axis';
import { BASE_LAYOUT, COLOUR, heading, PHASE_COLOUR, rowLegend, STEP_AXIS } from './theme';

/** Space around the panels, pixels. */
const MARGIN = { left: 74, right: 20, bottom: 52, legend: 24 };
/** Stage names between the panels, pixels: height of a line, space around them all and beside each, width of a character. */
const NAMES = { line: 15, around: 16, beside: 4, fontSize: 11, character: 6 };

/** What the frame depends on. */
export interface CurveFrame extends Size {
  readonly axes: CurveAxes;
  readonly stages: readonly Phase[];
  readonly title: string;
  readonly subtitle: string | undefined;
}

/** The layout of a figure of training curves. */
export function curveLayout({ axes, stages, title, subtitle, width, height }: CurveFrame): Layout {
  const plotWidth = width - MARGIN.left - MARGIN.right;
  const head = heading(title, subtitle, plotWidth);
  const top = head.height + MARGIN.legend;
  const names = placeNames(stages, axes.step, plotWidth);
  const between = NAMES.around + NAMES.line * Math.max(1, ...names.map(({ lines }) => lines.length));
  const gap = between / (height - top - MARGIN.bottom);
  const accuracy = [0, 0.47 * (1 - gap)] as const;
  const loss = [accuracy[1] + gap, 1] as const;
  return {
    ...BASE_LAYOUT,
    width,
    height,
    title: head.title,
    margin: { l: MARGIN.left, r: MARGIN.right, t: top, b: MARGIN.bottom },
    hovermode: 'closest',
    legend: rowLegend(1),
    xaxis: {
      ...logarithmic(axes.step),
      anchor: 'y2',
      ...STEP_AXIS,
      title: { text: 'training step (logarithmic)', font: { size: 12, color: COLOUR.muted }, standoff: 8 },
    },
    yaxis: { ...logarithmic(axes.loss), ...Y_AXIS, domain: loss },
    yaxis2: {
      ...Y_AXIS,
      domain: accuracy,
      range: [-0.03, 1.05],
      tickvals: [0, 0.25, 0.5, 0.75, 1],
      ticktext: ['0 %', '25 %', '50 %', '75 %', '100 %'],
    },
    shapes: shading(stages, axes.step),
    annotations: [
      ...head.subtitle(MARGIN.legend + 2),
      axisName('cross-entropy (nats)', loss),
      axisName('accuracy', accuracy),
      ...names.map(({ name, lines, centre }) => ({
        ...NOTE,
        text: lines.join('<br>'),
        x: round(centre / plotWidth, 4),
        xanchor: 'center',
        y: loss[0],
        yanchor: 'middle',
        yshift: -between / 2,
        font: { size: NAMES.fontSize, color: PHASE_COLOUR[name].text },
      })),
    ],
  };
}

const Y_AXIS = {
  gridcolor: COLOUR.grid,
  zeroline: false,
  showline: false,
  ticks: '',
  ticklabelstandoff: 6,
  automargin: false,
};
const NOTE = { xref: 'paper', yref: 'paper', showarrow: false, borderpad: 0 };

/** A y axis's name, at the same distance from both panels whatever the width of their tick labels. */
function axisName(text: string, [from, to]: readonly [number, number]): Layout {
  const font = { size: 12, color: COLOUR.muted };
  const place = { x: 0, xanchor: 'center', xshift: 10 - MARGIN.left, y: (from + to) / 2, yanchor: 'middle' };
  return { ...NOTE, ...place, text, textangle: -90, font };
}

function logarithmic({ range, tickvals, ticktext }: LogAxis): Layout {
  return { type: 'log', range: range.map((end) => round(end, 4)), tickmode: 'array', tickvals, ticktext };
}

/** A rectangle a stage, over both panels; the outer ones reach the plot's edges. */
function shading(stages: readonly Phase[], axis: LogAxis): Layout[] {
  return stages.map(({ name, from, to }, index) => ({
    type: 'rect',
    xref: 'x',
    yref: 'paper',
    x0: index === 0 ? 10 ** axis.range[0] : axis.place(from),
    x1: index === stages.length - 1 ? 10 ** axis.range[1] : axis.place(to),
    y0: 0,
    y1: 1,
    fillcolor: PHASE_COLOUR[name].tint,
    line: { width: 0 },
    layer: 'below',
  }));
}

/**
 * Places the stages' names, each in the middle of its band: in one line, or a word a line where the band is too narrow for
 * that. A band too narrow for the words goes without, since a name across its border would seem to be the neighbour's.
 *
 * @returns the lines of each name, and its centre in pixels from the plot's left edge
 */
function placeNames(stages: readonly Phase[], axis: LogAxis, width: number) {
  const [start, end] = axis.range;
  const pixels = (step: number) => ((Math.log10(axis.place(step)) - start) / (end - start)) * width;
  return stages.flatMap(({ name, from, to }, index) => {
    const left = index === 0 ? 0 : pixels(from);
    const right = index === stages.length - 1 ? width : pixels(to);
    const fits = (text: string) => text.length * NAMES.character + 2 * NAMES.beside <= right - left;
    const lines = fits(name) ? [name] : name.split(' ');
    return lines.every(fits) ? [{ name, lines, centre: (left + right) / 2 }] : [];
  });
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
