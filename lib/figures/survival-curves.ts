/**
 * @file Survival curves of "not yet grokked": the share of runs whose event has not come, against the step. Many arms are
 * spread over panels with the same axes; the arms of the other panels stand behind each in grey, so that any two can be
 * compared.
 */
import { kaplanMeier, type Observation, type SurvivalPoint, survivalQuantile } from '../analysis/survival';
import { ArgumentError } from '../errors';
import { formatCount } from '../train/number-format';
import { armStyle, MOST_STYLES } from './arm-style';
import type { Figure, Layout, Trace } from './figure';
import type { LogAxis } from './log-axis';
import { axisId, axisKey, gridHeight, type PanelPlace, placeOf } from './panel-grid';
import { fitStepAxis, stepAxisLayout } from './step-axis';
import { BASE_LAYOUT, COLOUR, heading } from './theme';

/** The runs of one arm. */
export interface SurvivalArm {
  readonly label: string;
  /** The title of the panel that it belongs to; panels come in the order in which they are first named. */
  readonly panel: string;
  /** One a run, at least one. */
  readonly observations: readonly Observation[];
}

/** Choices for `survivalCurves`, all optional but the title. */
export interface SurvivalCurvesOptions {
  /** The bold first line. */
  readonly title: string;
  /** A smaller second line. */
  readonly subtitle?: string;
  /** Panels side by side. Default 3. */
  readonly columns?: number;
  /** Design width in pixels, at least 480. Default 860. */
  readonly width?: number;
  /** Height of the plot of one panel in pixels, at least 100. Default 180. */
  readonly panelHeight?: number;
}

const MARGIN = { left: 58, right: 14, bottom: 48 };
const GAP = { x: 20, y: 26 };
/** Pixels of a panel's title and of a line of its key. */
const TITLE = 20;
const KEY = 16;
/** Pixels of the sample of a line in the key. */
const SAMPLE = 26;
const BEHIND = '#C9CED6';

interface Curve {
  readonly arm: SurvivalArm;
  readonly points: readonly SurvivalPoint[];
}

/**
 * Draws the Kaplan–Meier estimate of each arm over a logarithmic axis of steps. The key of a panel names its arms with the
 * step by which half of their runs have grokked. A cross marks where runs are censored.
 *
 * @throws ArgumentError if there is no arm, one has no run, a panel has more than six, or a size is out of range.
 */
export function survivalCurves(arms: readonly SurvivalArm[], options: SurvivalCurvesOptions): Figure {
  const { title, subtitle, width = 860, panelHeight = 180 } = options;
  if (arms.length === 0) throw new ArgumentError('there are 0 arms to draw, expected at least one');
  const panels = [...new Set(arms.map(({ panel }) => panel))];
  const columns = Math.min(options.columns ?? 3, panels.length);
  if (!(width >= 480 && panelHeight >= 100 && columns >= 1)) {
    throw new ArgumentError(
      `the size is ${width} wide, ${panelHeight} a panel, ${columns} columns; expected at least 480, 100 and 1`,
    );
  }
  const curves = arms.map((arm): Curve => {
    if (arm.observations.length === 0) throw new ArgumentError(`the arm '${arm.label}' has no run to draw`);
    return { arm, points: kaplanMeier(arm.observations) };
  });
  const inPanel = panels.map((panel) => curves.filter(({ arm }) => arm.panel === panel));
  const most = Math.max(...inPanel.map(({ length }) => length));
  if (most > MOST_STYLES) {
    throw new ArgumentError(`a panel has ${most} arms, expected at most ${MOST_STYLES}; give it fewer`);
  }
  const plotWidth = width - MARGIN.left - MARGIN.right;
  const panelWidth = (plotWidth - (columns - 1) * GAP.x) / columns;
  const axis = fitStepAxis(
    arms.flatMap(({ observations }) => observations.map(({ step }) => step)),
    panelWidth,
    0.05,
  );
  const above = TITLE + most * KEY + 6;
  const gap = { x: GAP.x, y: above + GAP.y };
  const plotHeight = gridHeight(Math.ceil(panels.length / columns), panelHeight, gap);
  const head = heading(title, subtitle, plotWidth);
  const places = panels.map((_, index) =>
    placeOf(index, { columns, plotWidth, plotHeight, panelHeight, gap }),
  );
  return {
    data: panels.flatMap((_, index) => {
      const own = inPanel[index] as readonly Curve[];
      return [
        ...curves.filter((curve) => !own.includes(curve)).map((curve) => line(curve, axis, index)),
        ...own.map((curve, i) => line(curve, axis, index, i)),
      ];
    }),
    layout: {
      ...BASE_LAYOUT,
      width,
      height: head.height + 8 + above + plotHeight + MARGIN.bottom,
      title: head.title,
      margin: { l: MARGIN.left, r: MARGIN.right, t: head.height + 8 + above, b: MARGIN.bottom },
      hovermode: 'closest',
      showlegend: false,
      ...Object.assign(
        {},
        ...places.map((place, index) => axes(place, index, axis, index + columns >= panels.length)),
      ),
      annotations: [
        ...head.subtitle(above + 8),
        ...panels.flatMap((panel, index) =>
          keyTexts(panel, inPanel[index] as readonly Curve[], places[index] as PanelPlace, above),
        ),
      ],
      shapes: places.flatMap((place, index) => keySamples(inPanel[index] as readonly Curve[], place, above)),
    },
  };
}

/** The axes of a panel; steps are named below the lowest of a column. */
function axes({ x, y, first }: PanelPlace, index: number, axis: LogAxis, lowest: boolean): Layout {
  return {
    [axisKey('x', index)]: {
      domain: [...x],
      anchor: axisId('y', index),
      ...stepAxisLayout(axis, lowest),
    },
    [axisKey('y', index)]: {
      domain: [...y],
      anchor: axisId('x', index),
      range: [-0.04, 1.06],
      tickvals: [0, 0.5, 1],
      ticktext: ['0 %', '50 %', '100 %'],
      showticklabels: first,
      gridcolor: COLOUR.grid,
      zeroline: false,
      ticks: '',
      ticklabelstandoff: 6,
      automargin: false,
      ...(first && index === 0
        ? { title: { text: 'not yet grokked', font: { size: 12, color: COLOUR.muted }, standoff: 2 } }
        : {}),
    },
  };
}

/** A curve; grey and thin without a style. */
function line({ arm, points }: Curve, axis: LogAxis, panel: number, style?: number): Trace {
  const { color, dash } = style === undefined ? { color: BEHIND, dash: 'solid' } : armStyle(style);
  const end = points.at(-1) as SurvivalPoint;
  return {
    type: 'scatter',
    mode: style === undefined ? 'lines' : 'lines+markers',
    x: [10 ** axis.range[0], ...points.map(({ step }) => axis.place(Math.max(1, step)))],
    y: [1, ...points.map(({ survival }) => Number(survival.toFixed(4)))],
    line: { shape: 'hv', color, dash, width: style === undefined ? 1 : 2 },
    marker: {
      symbol: 'cross-thin',
      size: [0, ...points.map(({ censored }) => (censored > 0 ? 8 : 0))],
      opacity: 1,
      line: { color, width: 1.6 },
    },
    name: arm.label,
    hovertemplate: `${arm.label}, step %{x:,}: %{y:.0%} not yet grokked<extra></extra>`,
    ...(style === undefined ? { hoverinfo: 'skip' } : {}),
    cliponaxis: end.survival > 0,
    xaxis: axisId('x', panel),
    yaxis: axisId('y', panel),
  };
}

/** A panel's title, and the names of its arms with their medians. */
function keyTexts(title: string, curves: readonly Curve[], { x, y }: PanelPlace, above: number): Layout[] {
  const at = (yshift: number, xshift: number, text: string, font: Layout): Layout => ({
    text,
    font,
    showarrow: false,
    borderpad: 0,
    xref: 'paper',
    yref: 'paper',
    x: x[0],
    xanchor: 'left',
    xshift,
    y: y[1],
    yanchor: 'middle',
    yshift,
  });
  return [
    at(above - TITLE / 2, 0, `<b>${title}</b>`, { size: 12, color: COLOUR.ink }),
    ...curves.map(({ arm, points }, i) => {
      const median = survivalQuantile(points, 0.5);
      const words = median === null ? 'less than half' : formatCount(median);
      return at(keyHeight(i, above), SAMPLE + 6, `${arm.label} · <b>${words}</b>`, {
        size: 11,
        color: armStyle(i).color,
      });
    }),
  ];
}

/** Pixels above a panel's plot at which the middle of a line of its key stands. */
const keyHeight = (index: number, above: number) => above - TITLE - KEY * (index + 0.5);

function keySamples(curves: readonly Curve[], { x, y }: PanelPlace, above: number): Layout[] {
  return curves.map((_, i) => {
    const height = keyHeight(i, above);
    return {
      type: 'line',
      xref: 'paper',
      yref: 'paper',
      xsizemode: 'pixel',
      ysizemode: 'pixel',
      xanchor: x[0],
      yanchor: y[1],
      x0: 0,
      x1: SAMPLE,
      y0: height,
      y1: height,
      line: { width: 2, ...armStyle(i) },
    };
  });
}
