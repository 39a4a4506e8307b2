/**
 * @file When the events of several runs came, a row a run: the arrival of the training accuracy, the drops of effective rank and of
 * Σσ, the arrival of the validation accuracy.
 */
import { type OrderOfEvents, RUN_EVENTS, type RunEvent } from '../analysis/order-of-events';
import { ArgumentError } from '../errors';
import { formatCount } from '../train/number-format';
import type { Figure, Trace } from './figure';
import { groupLegend } from './group-legend';
import { type LogAxis, logAxis } from './log-axis';
import { stepAxisLayout } from './step-axis';
import { BASE_LAYOUT, COLOUR, heading } from './theme';

/** Choices for `eventOrder`, all optional but the title. */
export interface EventOrderOptions {
  /** The bold first line. */
  readonly title: string;
  /** A smaller second line. By default the most frequent order, and how often it occurs. */
  readonly subtitle?: string;
  /** Design width in pixels, at least 480. Default 800. */
  readonly width?: number;
}

const MARGIN = { right: 24, bottom: 50 };
const ROW = 30;
/** Pixels a character of a row's label takes. */
const CHARACTER = 6.8;

/** The two drops, often close together, stand above and below the line of their run; in rows. */
const OFFSET = 0.19;

const EVENTS: Readonly<Record<RunEvent, { name: string; colour: string; symbol: string; offset: number }>> = {
  train: { name: 'training accuracy', colour: COLOUR.train, symbol: 'circle', offset: 0 },
  rank: { name: 'effective rank', colour: '#009E73', symbol: 'triangle-down', offset: -OFFSET },
  sum: { name: 'Σσ', colour: '#882255', symbol: 'triangle-up', offset: OFFSET },
  validation: { name: 'validation accuracy', colour: COLOUR.validation, symbol: 'diamond', offset: 0 },
};

/**
 * Draws the events of every run against the step (logarithmic), the runs in the order given from top to bottom. An event
 * that did not happen has no mark.
 *
 * @throws {ArgumentError} if there is no run, or none with an event, or the size is out of range
 */
export function eventOrder({ runs, counts }: OrderOfEvents, options: EventOrderOptions): Figure {
  const { title, width = 800 } = options;
  if (!(width >= 480)) throw new ArgumentError(`figure width is ${width}, expected at least 480 pixels`);
  const all = runs.flatMap(({ steps }) => RUN_EVENTS.flatMap((event) => steps[event] ?? []));
  if (all.length === 0)
    throw new ArgumentError(`the ${runs.length} runs have no event to draw, expected one or more`);
  const left = Math.ceil(24 + CHARACTER * Math.max(...runs.map(({ label }) => label.length)));
  const plotWidth = width - left - MARGIN.right;
  const axis = logAxis(all, {
    zeroGap: 2,
    maxTicks: width < 600 ? 5 : 8,
    label: formatCount,
    whole: true,
    padding: 0.04,
  });
  const head = heading(title, options.subtitle ?? mostFrequent(counts, runs.length), plotWidth);
  const plotHeight = ROW * runs.length;
  const names = RUN_EVENTS.map((event) => EVENTS[event].name);
  const legend = groupLegend(names, { plotWidth, plotHeight, above: 4 });
  const top = head.height + legend.height + 4;
  return {
    data: [
      ...runs.map((run, row) => spanOf(run.steps, row, axis)),
      ...RUN_EVENTS.map((event) => marksOf(event, runs, axis)),
    ],
    layout: {
      ...BASE_LAYOUT,
      width,
      height: top + plotHeight + MARGIN.bottom,
      title: head.title,
      margin: { l: left, r: MARGIN.right, t: top, b: MARGIN.bottom },
      hovermode: 'closest',
      legend: legend.layout,
      xaxis: stepAxisLayout(axis, true),
      yaxis: {
        range: [runs.length - 0.5, -0.5],
        tickmode: 'array',
        tickvals: runs.map((_, row) => row),
        ticktext: runs.map(({ label }) => label),
        gridcolor: COLOUR.grid,
        zeroline: false,
        ticks: '',
        ticklabelstandoff: 6,
        automargin: false,
      },
      annotations: head.subtitle(legend.height + 6),
    },
  };
}

type Steps = OrderOfEvents['runs'][number]['steps'];

/** From a run's first event to its last. */
function spanOf(steps: Steps, row: number, axis: LogAxis): Trace {
  const happened = RUN_EVENTS.flatMap((event) => steps[event] ?? []);
  const ends = happened.length === 0 ? [] : [Math.min(...happened), Math.max(...happened)];
  return {
    type: 'scatter',
    mode: 'lines',
    x: ends.map((step) => axis.place(step)),
    y: ends.map(() => row),
    line: { color: COLOUR.muted, width: 1 },
    hoverinfo: 'skip',
    showlegend: false,
  };
}

function marksOf(event: RunEvent, runs: OrderOfEvents['runs'], axis: LogAxis): Trace {
  const { name, colour, symbol, offset } = EVENTS[event];
  const marks = runs.flatMap(({ label, steps }, row) => {
    const step = steps[event];
    return step === undefined ? [] : [{ label, step, row }];
  });
  return {
    type: 'scatter',
    mode: 'markers',
    x: marks.map(({ step }) => axis.place(step)),
    y: marks.map(({ row }) => row + offset),
    customdata: marks.map(({ label, step }) => [label, step]),
    hovertemplate: `%{customdata[0]}: ${name}, step %{customdata[1]:,}<extra></extra>`,
    name,
    legendgroup: name,
    showlegend: true,
    marker: { size: 10, color: colour, symbol, line: { color: COLOUR.paper, width: 1 } },
  };
}

function mostFrequent(counts: OrderOfEvents['counts'], runs: number): string {
  const [most] = counts;
  if (most === undefined) return '';
  const [order, count] = most;
  const words = order.replace(/[a-z]+/g, (event) => EVENTS[event as RunEvent].name);
  const spelt = words.replaceAll(' < ', ', then ').replaceAll(' = ', ' together with ');
  return `${count} of ${runs} runs: ${spelt}`;
}
