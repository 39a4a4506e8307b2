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
/** Height of a line of stage names, and the space around them, between the panels; pixels. */
const NAMES = { line: 15, around: 16, fontSize: 11 };

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
  const rows = Math.max(1, ...names.map(({ row }) => row + 1));
  const gap = (NAMES.around + NAMES.line * rows) / (height - top - MARGIN.bottom);
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
      ...names.map(({ name, centre, row }) => ({
        ...NOTE,
        text: name,
        x: round(centre / plotWidth, 4),
        xanchor: 'center',
        y: loss[0],
        yanchor: 'top',
        yshift: -NAMES.around / 2 - NAMES.line * row,
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
 * Places the stages' names, each centred on its band, kept inside the plot, and a line lower where it would run into an
 * earlier one.
 *
 * @returns centres in pixels from the plot's left edge, rows from 0
 */
function placeNames(stages: readonly Phase[], axis: LogAxis, width: number) {
  const [start, end] = axis.range;
  const pixels = (step: number) => ((Math.log10(axis.place(step)) - start) / (end - start)) * width;
  const rowEnds: number[] = [];
  return stages.map(({ name, from, to }, index) => {
    const half = name.length * NAMES.fontSize * 0.31 + 4; // wide letters included, so that estimates never touch
    const left = index === 0 ? 0 : pixels(from);
    const right = index === stages.length - 1 ? width : pixels(to);
    const centre = Math.min(Math.max((left + right) / 2, half), width - half);
    let row = 0;
    while ((rowEnds[row] ?? Number.NEGATIVE_INFINITY) > centre - half) row++;
    rowEnds[row] = centre + half;
    return { name, centre, row };
  });
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
