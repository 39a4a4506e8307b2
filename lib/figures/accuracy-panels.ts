/**
 * @file Accuracy of many runs side by side: a panel a setting, its seeds as thin lines, all panels over the same axes, so that
 * settings can be compared by eye.
 */
import { finiteEvaluations } from '../analysis/phases';
import { ArgumentError } from '../errors';
import { formatCount } from '../train/number-format';
import type { Figure, Layout, Trace } from './figure';
import { type LogAxis, logAxis } from './log-axis';
import { axisId, axisKey, gridHeight, type PanelPlace, panelTitle, placeOf } from './panel-grid';
import { stepAxisLayout } from './step-axis';
import { BASE_LAYOUT, COLOUR, heading, rowLegend } from './theme';
import { thin } from './thin';
import type { LabelledHistory } from './training-curves';

/** One panel. */
export interface AccuracyPanel {
  /** What its runs have in common, above the panel. */
  readonly title: string;
  readonly runs: readonly LabelledHistory[];
  /** An accuracy worth comparing with, from 0 to 1, drawn as a dotted line. */
  readonly level?: number;
}

/** Choices for `accuracyPanels`, all optional but the title. */
export interface AccuracyPanelsOptions {
  /** The bold first line. */
  readonly title: string;
  /** A smaller second line. */
  readonly subtitle?: string;
  /** Panels side by side. Default 2. */
  readonly columns?: number;
  /** What the dotted line is, for the legend. Default `level`. */
  readonly levelName?: string;
  /** Design width in pixels, at least 480. Default 800. */
  readonly width?: number;
  /** Height of one panel in pixels, at least 120. Default 170. */
  readonly panelHeight?: number;
}

const MARGIN = { left: 62, right: 16, bottom: 50, legend: 26 };
/** Pixels between panels: to the right of one, and below one for the next one's title. */
const GAP = { x: 22, y: 34 };
const MOST_POINTS = 320;
const TICKS = { tickvals: [0, 0.5, 1], ticktext: ['0 %', '50 %', '100 %'] };
const LINES = [
  { split: 'train', key: 'trainAccuracy', dash: '5px,3px', width: 1.2 },
  { split: 'validation', key: 'validationAccuracy', dash: 'solid', width: 1.8 },
] as const;

/**
 * Draws accuracy on training and validation rows against the step (logarithmic), a panel a setting.
 *
 * @throws ArgumentError if there is no panel, a panel has no finite evaluation, or a size is out of range.
 */
export function accuracyPanels(panels: readonly AccuracyPanel[], options: AccuracyPanelsOptions): Figure {
  const { title, subtitle, levelName = 'level', width = 800, panelHeight = 170 } = options;
  const columns = Math.min(options.columns ?? 2, panels.length);
  if (panels.length === 0) throw new ArgumentError('there are 0 panels to draw, expected at least one');
  if (!(width >= 480 && panelHeight >= 120 && columns >= 1)) {
    throw new ArgumentError(
      `the size is ${width} wide, ${panelHeight} a panel, ${columns} columns; expected at least 480, 120 and 1`,
    );
  }
  const finite = panels.map((panel) => ({
    ...panel,
    runs: panel.runs.map(({ label, history }) => ({ label, history: finiteEvaluations(history) })),
  }));
  for (const { title: name, runs } of finite) {
    if (runs.every(({ history }) => history.length === 0)) {
      throw new ArgumentError(`the panel '${name}' has no finite evaluation to draw, expected one or more`);
    }
  }
  const rows = Math.ceil(panels.length / columns);
  const plotWidth = width - MARGIN.left - MARGIN.right;
  const axis = logAxis(
    finite.flatMap(({ runs }) => runs.flatMap(({ history }) => history.map(({ epoch }) => epoch))),
    {
      zeroGap: 2,
      maxTicks: Math.max(3, Math.floor(plotWidth / columns / 62)),
      label: formatCount,
      whole: true,
    },
  );
  const head = heading(title, subtitle, plotWidth);
  const top = head.height + MARGIN.legend + GAP.y;
  const plotHeight = gridHeight(rows, panelHeight, GAP);
  const places = panels.map((_, i) => placeOf(i, { columns, plotWidth, plotHeight, panelHeight, gap: GAP }));
  return {
    data: [
      ...finite.flatMap(({ runs }, i) =>
        runs.flatMap((run) => lines(run, axis, i, i === 0 && run === runs[0])),
      ),
      ...finite.flatMap(({ level }, i) =>
        level === undefined
          ? []
          : [levelLine(level, axis, i, levelName, finite.findIndex((p) => p.level !== undefined) === i)],
      ),
    ],
    layout: {
      ...BASE_LAYOUT,
      width,
      height: top + plotHeight + MARGIN.bottom,
      title: head.title,
      margin: { l: MARGIN.left, r: MARGIN.right, t: top, b: MARGIN.bottom },
      hovermode: 'closest',
      legend: rowLegend(1 + (GAP.y - 6) / plotHeight),
      ...Object.assign({}, ...places.map((place, i) => axesOf(place, i, axis, i + columns >= panels.length))),
      annotations: [
        ...head.subtitle(MARGIN.legend + GAP.y + 2),
        ...places.map((place, i) => panelTitle((panels[i] as AccuracyPanel).title, place)),
      ],
    },
  };
}

function axesOf({ x, y, first }: PanelPlace, index: number, axis: LogAxis, lowest: boolean): Layout {
  return {
    [axisKey('x', index)]: {
      domain: [...x],
      anchor: axisId('y', index),
      showticklabels: lowest,
      ...stepAxisLayout(axis, lowest),
    },
    [axisKey('y', index)]: {
      domain: [...y],
      anchor: axisId('x', index),
      range: [-0.04, 1.06],
      ...TICKS,
      showticklabels: first,
      gridcolor: COLOUR.grid,
      zeroline: false,
      ticks: '',
      ticklabelstandoff: 6,
      automargin: false,
    },
  };
}

function lines(
  { label, history }: LabelledHistory,
  axis: LogAxis,
  panel: number,
  inLegend: boolean,
): Trace[] {
  return LINES.map(({ split, key, dash, width }) => {
    const points = thin(
      history.map((row) => ({ x: axis.place(row.epoch), y: Number(row[key].toFixed(4)), step: row.epoch })),
      MOST_POINTS,
    );
    return {
      type: 'scatter',
      mode: points.length === 1 ? 'markers' : 'lines',
      x: points.map(({ x }) => x),
      y: points.map(({ y }) => y),
      customdata: points.map(({ step }) => step),
      hovertemplate: `${label}, step %{customdata:,}: %{y:.1%}`,
      name: split,
      legendgroup: split,
      showlegend: inLegend,
      line: { color: COLOUR[split], width, dash },
      xaxis: axisId('x', panel),
      yaxis: axisId('y', panel),
    };
  });
}

function levelLine(level: number, axis: LogAxis, panel: number, name: string, inLegend: boolean): Trace {
  return {
    type: 'scatter',
    mode: 'lines',
    x: axis.range.map((end) => 10 ** end),
    y: [level, level],
    name,
    legendgroup: 'level',
    showlegend: inLegend,
    hovertemplate: `${name}: %{y:.1%}`,
    line: { color: COLOUR.ink, width: 1.2, dash: 'dot' },
    xaxis: axisId('x', panel),
    yaxis: axisId('y', panel),
  };
}
