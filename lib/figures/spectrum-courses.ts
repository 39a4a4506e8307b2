/**
 * @file The measures of singular values through training under the accuracies of the same run, all over one axis of steps: a
 * line a matrix.
 */
import { finiteEvaluations } from '../analysis/phases';
import type { SpectrumMeasure } from '../analysis/spectrum';
import { type DropOptions, matrixCourses, recordedMatrices, spectrumDrop } from '../analysis/spectrum-course';
import { ArgumentError } from '../errors';
import { formatCount } from '../train/number-format';
import type { Evaluation } from '../train/progress';
import type { Spectrum } from '../train/spectrum';
import type { Figure, Layout, Trace } from './figure';
import { type LogAxis, logAxis, powerLabel } from './log-axis';
import { axisId, axisKey, gridHeight, type PanelPlace, panelTitle, placeOf } from './panel-grid';
import { shortName } from './spectra';
import { stepAxisLayout } from './step-axis';
import { BASE_LAYOUT, COLOUR, heading } from './theme';
import { thin } from './thin';

/** Choices for `spectrumCourses`, all optional but the title. */
export interface SpectrumCoursesOptions {
  /** The bold first line. */
  readonly title: string;
  /** A smaller second line. By default what the dots are. */
  readonly subtitle?: string;
  /** The measures to show, from top to bottom. Default effective rank, Σσ and weight norm. */
  readonly measures?: readonly SpectrumMeasure[];
  /** The matrices to show. Default all. */
  readonly matrices?: readonly string[];
  /**
   * The least share of its maximum that a measure must lose to get a dot, from 0 to 1. Default 0.05, so that one held constant
   * gets none from rounding.
   */
  readonly leastFall?: number;
  /** The last step that counts for the dots: the final value is the last recorded up to there. Default: the last of all. */
  readonly until?: number;
  /** Design width in pixels, at least 560, and more where matrices have long names. Default 900. */
  readonly width?: number;
  /** Height of one panel in pixels, at least 110; more where the legend needs it. Default 150. */
  readonly panelHeight?: number;
}

const MARGIN = { left: 66, top: 8, bottom: 50 };
const GAP = { x: 0, y: 32 };
/** Pixels of the legend beside the panels: a character, what comes with the longest, a row, and what comes with all. */
const LEGEND = { character: 6.4, entry: 62, least: 130, row: 19.5, around: 90 };
/** Pixels that the panels' titles take. */
const LEAST_PLOT_WIDTH = 320;
const MOST_POINTS = 400;
/**
 * Tol's muted scheme, which every common colour vision tells apart and which has none of the accuracies' colours; a second round
 * is dashed, a third dotted.
 *
 * @see Tol 2021, "Colour schemes"
 */
const COLOURS = [
  '#332288',
  '#CC6677',
  '#117733',
  '#88CCEE',
  '#DDCC77',
  '#882255',
  '#44AA99',
  '#999933',
  '#AA4499',
];
const DASHES = ['solid', '5px,3px', '2px,2px'];

const RANKS: readonly SpectrumMeasure[] = ['effectiveRank', 'energyRank', 'stableRank'];
const NAMES: Readonly<Record<SpectrumMeasure, string>> = {
  effectiveRank: 'effective rank (q = σ/Σσ), share of full rank',
  energyRank: 'effective rank (q = σ²/Σσ²), share of full rank',
  stableRank: 'stable rank Σσ²/σ₁², share of full rank',
  sum: 'Σσ (logarithmic)',
  norm: 'weight norm √Σσ² (logarithmic)',
};
const ACCURACIES = [
  { name: 'training', key: 'trainAccuracy', colour: COLOUR.train, dash: '5px,3px' },
  { name: 'validation', key: 'validationAccuracy', colour: COLOUR.validation, dash: 'solid' },
] as const;

/** A curve of a panel, its values as the panel has them. */
interface Curve {
  readonly name: string;
  readonly colour: string;
  readonly dash: string;
  readonly points: readonly { readonly step: number; readonly value: number }[];
  readonly drop: { readonly step: number; readonly value: number } | undefined;
}

/**
 * Draws accuracy and measures of every matrix against the step (logarithmic). Ranks are shown as shares of the rank a matrix
 * of its size can have. A dot marks where a measure has fallen half-way from its maximum to its final value, if it loses
 * `leastFall` of its maximum or more.
 *
 * @param history the run's evaluations
 * @throws {ArgumentError} for nothing to draw, an unknown measure or matrix, or a size or `leastFall` out of range
 */
export function spectrumCourses(
  spectrum: Spectrum,
  history: readonly Evaluation[],
  options: SpectrumCoursesOptions,
): Figure {
  const { measures = ['effectiveRank', 'sum', 'norm'], width = 900 } = options;
  const { leastFall = 0.05, until = Number.POSITIVE_INFINITY } = options;
  const final = until < (spectrum.steps.at(-1) ?? 0) ? `value at step ${formatCount(until)}` : 'final value';
  const { subtitle = `dots: half-way from the maximum to the ${final}` } = options;
  const rows = finiteEvaluations(history);
  const matrices = recordedMatrices(spectrum, options.matrices);
  check(options, measures, spectrum.steps.length * matrices.length);
  const axis = logAxis([...spectrum.steps, ...rows.map(({ epoch }) => epoch)], {
    zeroGap: 2,
    maxTicks: width < 700 ? 5 : 8,
    label: formatCount,
    whole: true,
    padding: 0.015,
  });
  const names = matrices.map(({ name }) => shortName(name));
  const legendWidth = Math.max(
    LEGEND.least,
    Math.ceil(LEGEND.entry + LEGEND.character * Math.max(...names.map(({ length }) => length))),
  );
  const plotWidth = width - MARGIN.left - legendWidth;
  if (plotWidth < LEAST_PLOT_WIDTH) {
    const least = LEAST_PLOT_WIDTH + MARGIN.left + legendWidth;
    throw new ArgumentError(
      `the figure is ${width} wide, expected at least ${least} for these names of matrices`,
    );
  }
  const count = 1 + measures.length;
  const legendHeight = LEGEND.around + LEGEND.row * (matrices.length + ACCURACIES.length);
  const panelHeight = Math.max(
    options.panelHeight ?? 150,
    Math.ceil((legendHeight - gridHeight(count, 0, GAP)) / count),
  );
  const plotHeight = gridHeight(count, panelHeight, GAP);
  const places = Array.from({ length: count }, (_, i) =>
    placeOf(i, { columns: 1, plotWidth, plotHeight, panelHeight, gap: GAP }),
  );
  const head = heading(options.title, subtitle, width - MARGIN.left - 16);
  const top = head.height + MARGIN.top + GAP.y;
  const curves = measures.map((measure) =>
    curvesOf(spectrum, measure, options.matrices, { leastFall, until }),
  );
  return {
    data: [
      ...ACCURACIES.map(({ name, key, colour, dash }) =>
        line(
          { name, colour, dash, points: rows.map((row) => ({ step: row.epoch, value: row[key] })) },
          axis,
          { panel: 0, inLegend: true, group: 'accuracy', format: '.1%' },
        ),
      ),
      ...curves.flatMap((each, i) => panelTraces(each, axis, i + 1, measures[i] as SpectrumMeasure)),
    ],
    layout: {
      ...BASE_LAYOUT,
      width,
      height: top + plotHeight + MARGIN.bottom,
      title: head.title,
      margin: { l: MARGIN.left, r: legendWidth, t: top, b: MARGIN.bottom },
      hovermode: 'closest',
      legend: { x: 1, xanchor: 'left', y: 1, yanchor: 'top', xpad: 14, font: { size: 12 }, itemwidth: 30 },
      xaxis: { anchor: axisId('y', count - 1), ...stepAxisLayout(axis, true) },
      [axisKey('y', 0)]: valueAxis(places[0] as PanelPlace, SHARES),
      ...Object.fromEntries(
        measures.map((measure, i) => [
          axisKey('y', i + 1),
          valueAxis(
            places[i + 1] as PanelPlace,
            RANKS.includes(measure) ? SHARES : sizes(curves[i] as Curve[], panelHeight),
          ),
        ]),
      ),
      annotations: [
        ...head.subtitle(MARGIN.top + GAP.y + 2),
        panelTitle('accuracy', places[0] as PanelPlace),
        ...measures.map((measure, i) => panelTitle(NAMES[measure], places[i + 1] as PanelPlace)),
      ],
    },
  };
}

function check(options: SpectrumCoursesOptions, measures: readonly SpectrumMeasure[], values: number): void {
  const { width = 900, panelHeight = 150 } = options;
  if (!(width >= 560 && panelHeight >= 110))
    throw new ArgumentError(
      `the size is ${width} wide, ${panelHeight} a panel; expected at least 560 and 110 pixels`,
    );
  const unknown = measures.find((measure) => !Object.hasOwn(NAMES, measure));
  if (unknown !== undefined || measures.length === 0) {
    const known = Object.keys(NAMES).join(', ');
    throw new ArgumentError(`measures are [${measures.join(', ')}], expected some of ${known}`);
  }
  if (values === 0)
    throw new ArgumentError('there are no singular values to draw, expected those of a step and a matrix');
}

function curvesOf(
  spectrum: Spectrum,
  measure: SpectrumMeasure,
  names: readonly string[] | undefined,
  dropOptions: DropOptions,
): Curve[] {
  const shapes = recordedMatrices(spectrum, names).map(({ shape }) => shape);
  return matrixCourses(spectrum, names).map((course, i) => {
    const most = RANKS.includes(measure) ? Math.min(...(shapes[i] as readonly number[])) : 1;
    const values = course[measure].map((value) => value / most);
    const drop = spectrumDrop({ steps: spectrum.steps, values }, dropOptions);
    return {
      name: shortName(course.name),
      colour: COLOURS[i % COLOURS.length] as string,
      dash: DASHES[Math.floor(i / COLOURS.length) % DASHES.length] as string,
      points: spectrum.steps.map((step, j) => ({ step, value: values[j] as number })),
      drop: drop && { step: drop.step, value: values[spectrum.steps.indexOf(drop.step)] as number },
    };
  });
}

function panelTraces(
  curves: readonly Curve[],
  axis: LogAxis,
  panel: number,
  measure: SpectrumMeasure,
): Trace[] {
  const format = RANKS.includes(measure) ? '.1%' : '.4g';
  const drops = curves.flatMap(({ name, colour, drop }) =>
    drop === undefined ? [] : [{ name, colour, ...drop }],
  );
  return [
    ...curves.map((curve) => line(curve, axis, { panel, inLegend: panel === 1, group: 'matrices', format })),
    {
      type: 'scatter',
      mode: 'markers',
      x: drops.map(({ step }) => axis.place(step)),
      y: drops.map(({ value }) => value),
      customdata: drops.map(({ name, step }) => [name, step]),
      hovertemplate: '%{customdata[0]}: half-way down at step %{customdata[1]:,}<extra></extra>',
      marker: {
        size: 7,
        color: drops.map(({ colour }) => colour),
        line: { color: COLOUR.paper, width: 1 },
      },
      showlegend: false,
      xaxis: 'x',
      yaxis: axisId('y', panel),
    },
  ];
}

function line(
  { name, colour, dash, points }: Omit<Curve, 'drop'>,
  axis: LogAxis,
  how: { panel: number; inLegend: boolean; group: 'accuracy' | 'matrices'; format: string },
): Trace {
  const { panel, inLegend, group, format } = how;
  const kept = thin(
    points
      .filter(({ value }) => Number.isFinite(value))
      .map(({ step, value }) => ({ x: axis.place(step), y: Number(value.toPrecision(5)), step })),
    MOST_POINTS,
  );
  return {
    type: 'scatter',
    mode: kept.length === 1 ? 'markers' : 'lines',
    x: kept.map(({ x }) => x),
    y: kept.map(({ y }) => y),
    customdata: kept.map(({ step }) => step),
    hovertemplate: `${name}, step %{customdata:,}: %{y:${format}}<extra></extra>`,
    name,
    legendgroup: group,
    legendgrouptitle: { text: `<b>${group}</b>`, font: { size: 12 } },
    showlegend: inLegend,
    line: { color: colour, width: 1.8, dash },
    xaxis: 'x',
    yaxis: axisId('y', panel),
  };
}

/** An axis of shares. */
const SHARES: Layout = {
  range: [-0.04, 1.06],
  tickvals: [0, 0.5, 1],
  ticktext: ['0 %', '50 %', '100 %'],
};

/** A logarithmic axis of what can be of any size. */
function sizes(curves: readonly Curve[], panelHeight: number): Layout {
  const axis = logAxis(
    curves.flatMap(({ points }) => points.map(({ value }) => value)).filter((value) => value > 0),
    { zeroGap: 2, maxTicks: Math.max(3, Math.floor(panelHeight / 34)), label: powerLabel, padding: 0.06 },
  );
  return { type: 'log', range: [...axis.range], tickvals: axis.tickvals, ticktext: axis.ticktext };
}

function valueAxis({ y }: PanelPlace, scale: Layout): Layout {
  return {
    domain: [...y],
    anchor: 'x',
    ...scale,
    tickmode: 'array',
    gridcolor: COLOUR.grid,
    zeroline: false,
    ticks: '',
    ticklabelstandoff: 6,
    automargin: false,
  };
}
