/**
 * @file The curves of a training run as Plotly traces: main lines, the spread of several runs, and the points of arrival.
 */
import type { Spread } from '../analysis/spread';
import { formatLoss } from '../train/number-format';
import type { Evaluation } from '../train/progress';
import type { Trace } from './figure';
import type { LogAxis } from './log-axis';
import { COLOUR } from './theme';
import { thin } from './thin';

/** The logarithmic axes the curves are drawn on. */
export interface CurveAxes {
  readonly step: LogAxis;
  readonly loss: LogAxis;
}

/** Points a curve at most, so that a notebook stays small: strong lines and bands, and each of several runs. */
const MOST_POINTS = { strong: 400, faint: 120 };

const SPLITS = [
  { split: 'train', dash: '6px,3px', width: 2, symbol: 'circle', lone: 'circle-open' },
  { split: 'validation', dash: 'solid', width: 2.4, symbol: 'diamond', lone: 'diamond' },
] as const;
const QUANTITIES = ['Loss', 'Accuracy'] as const;

type Split = (typeof SPLITS)[number]['split'];
type Quantity = (typeof QUANTITIES)[number];

/** The curves that carry the message: four lines, training dashed, two of them in the legend. */
export function mainLines(axes: CurveAxes, history: readonly Evaluation[]): Trace[] {
  return SPLITS.flatMap(({ split, dash, width, lone }) =>
    QUANTITIES.map((quantity) => ({
      ...curve(axes, history, split, quantity, MOST_POINTS.strong),
      ...(history.length === 1
        ? { marker: { color: COLOUR[split], size: 9, symbol: lone, line: { width: 2 } } }
        : { line: { color: COLOUR[split], width, dash } }),
      name: split,
      showlegend: quantity === 'Loss',
    })),
  );
}

/** One of several runs: thin and pale, to lie under the median. */
export function thinLines(axes: CurveAxes, history: readonly Evaluation[], label: string): Trace[] {
  return SPLITS.flatMap(({ split, dash, symbol }) =>
    QUANTITIES.map((quantity) => ({
      ...curve(axes, history, split, quantity, MOST_POINTS.faint),
      ...(history.length === 1
        ? { marker: { color: COLOUR[split], size: 5, symbol } }
        : { line: { color: COLOUR[split], width: 0.8, dash } }),
      name: `${label}, ${split}`,
      opacity: 0.45,
      showlegend: false,
    })),
  );
}

/** The region from the lowest to the highest run: an invisible lower edge, then an upper edge filled down to it. */
export function bands(axes: CurveAxes, summary: Spread): Trace[] {
  return SPLITS.flatMap(({ split }) =>
    QUANTITIES.flatMap((quantity) => {
      const edge = (history: readonly Evaluation[]) => {
        const {
          customdata: _,
          text: __,
          hovertemplate: ___,
          ...trace
        } = curve(axes, history, split, quantity, MOST_POINTS.strong);
        return { ...trace, mode: 'lines', line: { width: 0 }, hoverinfo: 'skip', showlegend: false };
      };
      return [edge(summary.low), { ...edge(summary.high), fill: 'tonexty', fillcolor: `${COLOUR[split]}26` }];
    }),
  );
}

/** What `arrivals` marks. */
export interface ArrivalOptions {
  /** Accuracy from which a point counts. */
  readonly target: number;
  /** The target in words, such as `99 %`. */
  readonly label: string;
  readonly inLegend: boolean;
}

/** Symbols on the accuracy curves where each run first reaches the target: a ring for training, a diamond for validation. */
export function arrivals(
  axes: CurveAxes,
  histories: readonly (readonly Evaluation[])[],
  { target, label, inLegend }: ArrivalOptions,
): Trace[] {
  return SPLITS.flatMap(({ split, symbol }) => {
    const reached = histories.flatMap(
      (history) => history.find((row) => row[`${split}Accuracy`] >= target) ?? [],
    );
    if (reached.length === 0) return [];
    const ring = split === 'train';
    return [
      {
        ...curve(axes, reached, split, 'Accuracy', reached.length),
        mode: 'markers',
        legendgroup: `${split} arrival`, // a group of its own is a column of its own in the legend
        name: `${split} first ≥ ${label}`,
        marker: {
          symbol,
          size: 9,
          color: ring ? COLOUR.paper : COLOUR[split],
          line: { color: ring ? COLOUR[split] : COLOUR.paper, width: ring ? 2 : 1 },
        },
        cliponaxis: false,
        showlegend: inLegend,
      },
    ];
  });
}

/** A curve's data and hover text, before its looks. */
function curve(
  axes: CurveAxes,
  history: readonly Evaluation[],
  split: Split,
  quantity: Quantity,
  mostPoints: number,
): { [attribute: string]: unknown } {
  const isLoss = quantity === 'Loss';
  const points = thin(
    history.map((row) => {
      const value = row[`${split}${quantity}`];
      const y = isLoss ? Number(axes.loss.place(value).toPrecision(4)) : Number(value.toFixed(4));
      return { x: axes.step.place(row.epoch), y, step: row.epoch, value };
    }),
    mostPoints,
  );
  const displaced = isLoss && points.some(({ value }) => value <= 0); // a loss of 0 is drawn elsewhere, but read as 0
  return {
    type: 'scatter',
    mode: points.length === 1 ? 'markers' : 'lines',
    x: points.map(({ x }) => x),
    y: points.map(({ y }) => y),
    customdata: points.map(({ step }) => step),
    ...(displaced ? { text: points.map(({ value }) => formatLoss(value)) } : {}),
    hovertemplate: `step %{customdata:,}: ${isLoss ? (displaced ? '%{text}' : '%{y:.3~g}') : '%{y:.2%}'}`,
    yaxis: isLoss ? 'y' : 'y2',
    legendgroup: split,
  };
}
