/**
 * @file The step of every run's event, an arm a row: the runs as dots, half of them under the box between the quartiles, and a
 * thin line through the runs of each seed, since arms with the same seed share split and initialisation.
 */
import { quantile } from '../analysis/quantile';
import { ArgumentError } from '../errors';
import { formatCount } from '../train/number-format';
import type { Figure, Layout, Trace } from './figure';
import { type LogAxis, logAxis } from './log-axis';
import { BASE_LAYOUT, COLOUR, heading, STEP_AXIS } from './theme';

/** The runs of one arm. */
export interface StripArm {
  readonly label: string;
  /** One a run, at least one; a censored run stands at the step of its budget. */
  readonly runs: readonly { readonly seed: number; readonly step: number; readonly censored: boolean }[];
}

/** Choices for `eventStrip`, all optional but the title. */
export interface EventStripOptions {
  /** The bold first line. */
  readonly title: string;
  /** A smaller second line. By default how to read the figure. */
  readonly subtitle?: string;
  /** Whether a line joins the runs of a seed. Default true. */
  readonly paired?: boolean;
  /** Design width in pixels, at least 480. Default 860. */
  readonly width?: number;
  /** Height of a row in pixels, at least 20. Default 34. */
  readonly rowHeight?: number;
}

const MARGIN = { right: 150, bottom: 48 };
/** Pixels of a character of a row's label. */
const CHARACTER = 6.6;
/** Half the height of a box, as a share of a row. */
const HALF_BOX = 0.3;
/** Rows between runs of an arm at the same step. */
const SPREAD = 0.11;

/**
 * Draws the steps over a logarithmic axis, the first arm on top. Beside each row stand the median and the quartiles; with
 * censored runs at their budget, they may be lower bounds, which a ≥ says.
 *
 * @throws ArgumentError if there is no arm, one has no run, or a size is out of range.
 */
export function eventStrip(arms: readonly StripArm[], options: EventStripOptions): Figure {
  const { title, paired = true, width = 860, rowHeight = 34 } = options;
  const subtitle =
    options.subtitle ??
    `a dot is a run, a box holds the middle half, its line is the median${paired ? ', thin lines join the runs of a seed' : ''}`;
  if (arms.length === 0) throw new ArgumentError('there are 0 arms to draw, expected at least one');
  const empty = arms.find(({ runs }) => runs.length === 0);
  if (empty !== undefined) throw new ArgumentError(`the arm '${empty.label}' has no run to draw`);
  if (!(width >= 480 && rowHeight >= 20)) {
    throw new ArgumentError(`the size is ${width} wide, ${rowHeight} a row; expected at least 480 and 20`);
  }
  const left = 16 + CHARACTER * Math.max(...arms.map(({ label }) => label.length));
  const plotWidth = width - left - MARGIN.right;
  const axis = logAxis(
    arms.flatMap(({ runs }) => runs.map(({ step }) => Math.max(1, step))),
    {
      zeroGap: 2,
      maxTicks: Math.max(3, Math.floor(plotWidth / 58)),
      label: formatCount,
      whole: true,
      padding: 0.04,
    },
  );
  const head = heading(title, subtitle, width - left - 16);
  const censored = arms.some(({ runs }) => runs.some((run) => run.censored));
  return {
    data: [
      ...(paired ? pairLines(arms, axis) : []),
      medians(arms, axis, rowHeight),
      dots(arms, axis, false),
      ...(censored ? [dots(arms, axis, true)] : []),
    ],
    layout: {
      ...BASE_LAYOUT,
      width,
      height: head.height + 12 + arms.length * rowHeight + MARGIN.bottom,
      title: head.title,
      margin: { l: left, r: MARGIN.right, t: head.height + 12, b: MARGIN.bottom },
      hovermode: 'closest',
      showlegend: false,
      xaxis: {
        type: 'log',
        range: [...axis.range],
        tickmode: 'array',
        tickvals: axis.tickvals,
        ticktext: axis.ticktext,
        ...STEP_AXIS,
        title: { text: 'step (logarithmic)', font: { size: 12, color: COLOUR.muted }, standoff: 6 },
      },
      yaxis: {
        range: [arms.length - 0.5, -0.5],
        tickvals: arms.map((_, row) => row),
        ticktext: arms.map(({ label }) => label),
        showgrid: false,
        zeroline: false,
        ticks: '',
        ticklabelstandoff: 6,
        automargin: false,
      },
      shapes: arms.map((arm, row) => box(arm, row, axis)),
      annotations: [...head.subtitle(10), ...arms.map(rowText)],
    },
  };
}

/** Runs of an arm at the same step stand above one another. */
function heights({ runs }: StripArm, row: number): number[] {
  return runs.map(({ step }, i) => {
    const same = runs.filter((run) => run.step === step).length;
    const before = runs.slice(0, i).filter((run) => run.step === step).length;
    return row + Math.min(SPREAD, (2 * HALF_BOX) / same) * (before - (same - 1) / 2);
  });
}

function dots(arms: readonly StripArm[], axis: LogAxis, censored: boolean): Trace {
  const points = arms.flatMap((arm, row) => {
    const places = heights(arm, row);
    return arm.runs.flatMap((run, i) =>
      run.censored === censored ? [{ ...run, label: arm.label, y: places[i] as number }] : [],
    );
  });
  return {
    type: 'scatter',
    mode: 'markers',
    x: points.map(({ step }) => axis.place(Math.max(1, step))),
    y: points.map(({ y }) => Number(y.toFixed(3))),
    customdata: points.map(({ label, seed }) => [label, seed]),
    marker: censored
      ? { symbol: 'triangle-right-open', size: 9, color: COLOUR.validation, line: { width: 1.5 } }
      : { symbol: 'circle', size: 6, color: COLOUR.train, opacity: 0.8 },
    hovertemplate: `%{customdata[0]}, seed %{customdata[1]}: ${censored ? 'not by step' : 'step'} %{x:,}<extra></extra>`,
    cliponaxis: false,
  };
}

/** A line a seed, broken where an arm lacks it. */
function pairLines(arms: readonly StripArm[], axis: LogAxis): Trace[] {
  const seeds = [...new Set(arms.flatMap(({ runs }) => runs.map(({ seed }) => seed)))];
  return seeds.map((seed) => {
    const places = arms.map((arm, row) => {
      const index = arm.runs.findIndex((run) => run.seed === seed);
      const run = arm.runs[index];
      return run === undefined
        ? { x: null, y: null }
        : { x: axis.place(Math.max(1, run.step)), y: heights(arm, row)[index] as number };
    });
    return {
      type: 'scatter',
      mode: 'lines',
      x: places.map(({ x }) => x),
      y: places.map(({ y }) => y),
      line: { color: '#D5DAE1', width: 0.8 },
      hoverinfo: 'skip',
    };
  });
}

/** Where a quantile of an arm's steps is drawn. */
function quantilePlace({ runs }: StripArm, q: number, axis: LogAxis): number {
  const steps = runs.map(({ step }) => step);
  return axis.place(Math.max(1, quantile(steps, q)));
}

function box(arm: StripArm, row: number, axis: LogAxis): Layout {
  return {
    type: 'rect',
    layer: 'below',
    x0: quantilePlace(arm, 0.25, axis),
    x1: quantilePlace(arm, 0.75, axis),
    y0: row - HALF_BOX,
    y1: row + HALF_BOX,
    fillcolor: '#E8F1F8',
    line: { color: '#9FC3DD', width: 1 },
  };
}

/** The medians' strokes across the boxes, over the lines of the seeds. */
function medians(arms: readonly StripArm[], axis: LogAxis, rowHeight: number): Trace {
  return {
    type: 'scatter',
    mode: 'markers',
    x: arms.map((arm) => quantilePlace(arm, 0.5, axis)),
    y: arms.map((_, row) => row),
    marker: {
      symbol: 'line-ns',
      size: HALF_BOX * rowHeight,
      line: { color: COLOUR.ink, width: 2 },
    },
    hoverinfo: 'skip',
  };
}

/** Median, quartiles and the number of censored runs, to the right of a row. */
function rowText({ runs }: StripArm, row: number): Layout {
  const steps = runs.map(({ step }) => step);
  const firstCensored = Math.min(...runs.filter(({ censored }) => censored).map(({ step }) => step));
  const text = (q: number) => {
    const value = quantile(steps, q);
    return `${value >= firstCensored ? '≥ ' : ''}${formatCount(Math.round(value))}`;
  };
  const count = runs.filter(({ censored }) => censored).length;
  const note = count === 0 ? '' : ` <span style="color:${COLOUR.validation}">${count} not</span>`;
  return {
    text: `<b>${text(0.5)}</b> (${text(0.25)}–${text(0.75)})${note}`,
    font: { size: 11 },
    showarrow: false,
    borderpad: 0,
    xref: 'paper',
    x: 1,
    xanchor: 'left',
    xshift: 10,
    yref: 'y',
    y: row,
    yanchor: 'middle',
    align: 'left',
  };
}
