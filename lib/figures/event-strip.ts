/**
 * @file The step of every run's event, an arm a row: the runs as dots, a box between the Kaplan–Meier quartiles, and a thin line through the runs of each seed, since arms with the same seed share split and initialisation.
 */
import { kaplanMeier, survivalQuantile } from '../analysis/survival';
import { ArgumentError } from '../errors';
import { formatCount } from '../train/number-format';
import type { Figure, Layout, Trace } from './figure';
import type { LogAxis } from './log-axis';
import { besideRow, rowFrame } from './row-frame';
import { fitStepAxis, stepAxisLayout } from './step-axis';
import { COLOUR } from './theme';

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

/** To the right at least. */
const MARGIN = { right: 150, bottom: 48 };
/** Pixels of the words beside a row: a character, and what is around them. */
const BESIDE = { character: 5.2, around: 22 };
/** Half the height of a box, as a share of a row. */
const HALF_BOX = 0.3;
/** Rows between runs of an arm at the same step. */
const SPREAD = 0.11;

/**
 * Draws the steps over a logarithmic axis, the first arm on top. Beside each row stand the Kaplan–Meier median
 * and quartiles; of one that lies beyond what was watched the last step watched, with a ≥, and the box goes that far.
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
  const spreads = arms.map(spreadOf);
  const texts = arms.map((arm, row) => rowText(arm, spreads[row] as Spread));
  const longest = Math.max(...texts.map((text) => text.replace(/<.*?>/g, '').length));
  const right = Math.max(MARGIN.right, Math.ceil(BESIDE.around + BESIDE.character * longest));
  const frame = rowFrame({
    title,
    subtitle,
    labels: arms.map(({ label }) => label),
    width,
    rowHeight,
    margin: { ...MARGIN, right },
  });
  const axis = fitStepAxis(
    arms.flatMap(({ runs }) => runs.map(({ step }) => step)),
    frame.plotWidth,
    0.04,
  );
  const censored = arms.some(({ runs }) => runs.some((run) => run.censored));
  return {
    data: [
      ...(paired ? pairLines(arms, axis) : []),
      medians(spreads, axis, rowHeight),
      dots(arms, axis, false),
      ...(censored ? [dots(arms, axis, true)] : []),
    ],
    layout: frame.layout({
      xaxis: stepAxisLayout(axis, true),
      shapes: spreads.map((spread, row) => box(spread, row, axis)),
      annotations: texts.map(besideRow),
    }),
  };
}

/** The quartiles and the median of an arm, `null` for what lies beyond the last step watched. */
interface Spread {
  readonly lower: number | null;
  readonly median: number | null;
  readonly upper: number | null;
  readonly last: number;
}

function spreadOf({ runs }: StripArm): Spread {
  const curve = kaplanMeier(runs);
  return {
    lower: survivalQuantile(curve, 0.25),
    median: survivalQuantile(curve, 0.5),
    upper: survivalQuantile(curve, 0.75),
    last: Math.max(...runs.map(({ step }) => step)),
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

function box({ lower, upper, last }: Spread, row: number, axis: LogAxis): Layout {
  return {
    type: 'rect',
    layer: 'below',
    x0: axis.place(Math.max(1, lower ?? last)),
    x1: axis.place(Math.max(1, upper ?? last)),
    y0: row - HALF_BOX,
    y1: row + HALF_BOX,
    fillcolor: '#E8F1F8',
    line: { color: '#9FC3DD', width: 1 },
  };
}

/** The medians' strokes across the boxes, over the lines of the seeds. */
function medians(spreads: readonly Spread[], axis: LogAxis, rowHeight: number): Trace {
  return {
    type: 'scatter',
    mode: 'markers',
    x: spreads.map(({ median }) => (median === null ? null : axis.place(Math.max(1, median)))),
    y: spreads.map((_, row) => row),
    marker: {
      symbol: 'line-ns',
      size: HALF_BOX * rowHeight,
      line: { color: COLOUR.ink, width: 2 },
    },
    hoverinfo: 'skip',
  };
}

/** Median, the quartiles where they are not the same, and the number of censored runs. */
function rowText({ runs }: StripArm, { lower, median, upper, last }: Spread): string {
  const text = (value: number | null) =>
    value === null ? `≥ ${formatCount(last)}` : formatCount(Math.round(value));
  const count = runs.filter(({ censored }) => censored).length;
  const note = count === 0 ? '' : ` <span style="color:${COLOUR.validation}">${count} not</span>`;
  const quartiles = lower === median && median === upper ? '' : ` (${text(lower)}–${text(upper)})`;
  return `<b>${text(median)}</b>${quartiles}${note}`;
}
