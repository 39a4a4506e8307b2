/**
 * @file The singular values of many matrices at a few moments of training: a panel a matrix, a line a moment, from light to
 * dark as training goes on.
 */
import { recordedMatrices } from '../analysis/spectrum-course';
import { type SpectrumMoment, spectrumMoments } from '../analysis/spectrum-moments';
import { ArgumentError } from '../errors';
import { formatCount } from '../train/number-format';
import type { Evaluation } from '../train/progress';
import type { RecordedMatrix, Spectrum } from '../train/spectrum';
import type { Figure, Layout, Trace } from './figure';
import { groupLegend } from './group-legend';
import { type LogAxis, logAxis, powerLabel } from './log-axis';
import { axisId, axisKey, gridHeight, type PanelPlace, panelTitle, placeOf } from './panel-grid';
import { BASE_LAYOUT, COLOUR, heading, STEP_AXIS } from './theme';

/** Choices for `spectra`, all optional but the title. */
export interface SpectraOptions {
  /** The bold first line. */
  readonly title: string;
  /** A smaller second line. */
  readonly subtitle?: string;
  /** The run's evaluations, from which the moments are found where they are not given. */
  readonly history?: readonly Evaluation[];
  /** The steps to show, at most 6, each one that was recorded. Default: see `spectrumMoments`. */
  readonly moments?: readonly SpectrumMoment[];
  /** The matrices to show, in this order. Default all. */
  readonly matrices?: readonly string[];
  /** Whether σ/σ₁ is shown instead of σ. Default false. */
  readonly relative?: boolean;
  /** Panels side by side, at most; fewer where their titles are too long for that. Default 3. */
  readonly columns?: number;
  /** Design width in pixels, at least 480. Default 900. */
  readonly width?: number;
  /** Height of one panel in pixels, at least 120. Default 170. */
  readonly panelHeight?: number;
}

const MARGIN = { left: 62, right: 16, bottom: 50 };
/** Pixels between panels: below one, for its ticks and the next one's title. */
const GAP = { x: 24, y: 50 };
/** Pixels of a panel's title: its height with what is around it, and the width of a character. */
const TITLE = 26;
const TITLE_CHARACTER = 7;
/** From light to dark, by what is told apart on white. */
const SHADES = ['#9CCBE8', '#56B4E9', '#E69F00', '#D55E00', '#882255', '#22262B'] as const;
/** Values below this share of the largest are below the panel. */
const LOWEST_SHARE = 1e-3;

/**
 * Draws the singular values (logarithmic) of a run's matrices against their place in descending order.
 *
 * @throws {ArgumentError} for nothing to draw, a step or matrix that was not recorded, or a size out of range
 */
export function spectra(spectrum: Spectrum, options: SpectraOptions): Figure {
  const { title, subtitle, relative = false, width = 900, panelHeight = 170 } = options;
  const matrices = recordedMatrices(spectrum, options.matrices);
  const moments = options.moments ?? spectrumMoments(spectrum, options.history);
  const plotWidth = width - MARGIN.left - MARGIN.right;
  const columns = Math.min(options.columns ?? 3, matrices.length, titlesIn(plotWidth, matrices));
  check(spectrum, { moments, width, panelHeight, columns });
  const panels = matrices.map((matrix) => linesOf(matrix, spectrum, moments, relative));
  const axis = valueAxis(
    panels.flatMap((lines) => lines.flatMap(({ values }) => values)),
    panelHeight,
  );
  const plotHeight = gridHeight(Math.ceil(matrices.length / columns), panelHeight, GAP);
  const places = matrices.map((_, i) =>
    placeOf(i, { columns, plotWidth, plotHeight, panelHeight, gap: GAP }),
  );
  const head = heading(title, subtitle, plotWidth);
  const legend = groupLegend(moments.map(nameOf), { plotWidth, plotHeight, above: TITLE });
  const top = head.height + legend.height + TITLE;
  return {
    data: panels.flatMap((lines, i) => lines.map((line) => trace(line, i))),
    layout: {
      ...BASE_LAYOUT,
      width,
      height: top + plotHeight + MARGIN.bottom,
      title: head.title,
      margin: { l: MARGIN.left, r: MARGIN.right, t: top, b: MARGIN.bottom },
      hovermode: 'closest',
      legend: legend.layout,
      ...Object.assign(
        {},
        ...places.map((place, i) => {
          const size = Math.min(...(matrices[i] as RecordedMatrix).shape);
          return axesOf(place, i, { axis, size, lowest: i + columns >= matrices.length, relative });
        }),
      ),
      annotations: [
        ...head.subtitle(legend.height + TITLE + 2),
        ...places.map((place, i) => panelTitle(titleOfMatrix(matrices[i] as RecordedMatrix), place)),
      ],
    },
  };
}

function check(
  { steps }: Spectrum,
  given: Required<Pick<SpectraOptions, 'moments' | 'width' | 'panelHeight' | 'columns'>>,
): void {
  const { moments, width, panelHeight, columns } = given;
  if (steps.length === 0 || columns === 0)
    throw new ArgumentError('there are no singular values to draw, expected those of a step and a matrix');
  if (!(width >= 480 && panelHeight >= 120 && columns >= 1)) {
    throw new ArgumentError(
      `the size is ${width} wide, ${panelHeight} a panel, ${columns} columns; expected at least 480, 120 and 1`,
    );
  }
  if (!(moments.length >= 1 && moments.length <= SHADES.length)) {
    throw new ArgumentError(`there are ${moments.length} moments, expected 1 to ${SHADES.length}`);
  }
  const missing = moments.find(({ step }) => !steps.includes(step));
  if (missing !== undefined) {
    const last = steps.at(-1) as number;
    throw new ArgumentError(
      `step ${missing.step} was not recorded, expected one of ${steps.length} steps from ${steps[0]} to ${last}`,
    );
  }
}

/** A matrix at a moment. */
interface Line {
  readonly moment: SpectrumMoment;
  /** Which of the moments. */
  readonly index: number;
  readonly values: readonly number[];
}

function linesOf(
  { singularValues }: RecordedMatrix,
  { steps }: Spectrum,
  moments: readonly SpectrumMoment[],
  relative: boolean,
): Line[] {
  // Where there are fewer moments, they are the farther apart in colour.
  const stride = moments.length > 1 ? (SHADES.length - 1) / (moments.length - 1) : 0;
  return moments.map((moment, i) => {
    const values = Array.from(singularValues[steps.indexOf(moment.step)] as Float32Array);
    const scale = relative ? (values[0] ?? 0) : 1;
    return {
      moment,
      index: Math.round(i * stride),
      values: values.map((value) => (scale === 0 ? 0 : value / scale)),
    };
  });
}

/** From the largest value down to a share of it, or to the least where that is above. */
function valueAxis(values: readonly number[], panelHeight: number): LogAxis {
  const largest = values.reduce((most, value) => (value > most ? value : most), 0);
  return logAxis(
    values.filter((value) => value >= LOWEST_SHARE * largest && value > 0),
    { zeroGap: 2, maxTicks: Math.max(3, Math.floor(panelHeight / 32)), label: powerLabel, padding: 0.04 },
  );
}

function trace({ moment, index, values }: Line, panel: number): Trace {
  const name = nameOf(moment);
  return {
    type: 'scatter',
    mode: values.length < 8 ? 'lines+markers' : 'lines',
    marker: { size: 4 },
    x: values.map((_, i) => i + 1),
    // A logarithm has no place for 0, and a gap says so.
    y: values.map((value) => (value > 0 ? Number(value.toPrecision(5)) : null)),
    name,
    hovertemplate: `${name}: σ<sub>%{x}</sub> = %{y:.3g}<extra></extra>`,
    legendgroup: name,
    showlegend: panel === 0,
    line: { color: SHADES[index], width: 1.8 },
    xaxis: axisId('x', panel),
    yaxis: axisId('y', panel),
  };
}

function axesOf(
  { x, y, first }: PanelPlace,
  index: number,
  given: {
    readonly axis: LogAxis;
    readonly size: number;
    readonly lowest: boolean;
    readonly relative: boolean;
  },
): Layout {
  const { axis, size, lowest, relative } = given;
  const small = { size: 12, color: COLOUR.muted };
  const middle = size > 4 ? [Math.round(size / 2)] : [];
  return {
    [axisKey('x', index)]: {
      domain: [...x],
      anchor: axisId('y', index),
      range: [1 - 0.03 * size, size + 0.03 * size],
      tickmode: 'array',
      tickvals: [...new Set([1, ...middle, size])],
      ...STEP_AXIS,
      ...(lowest ? { title: { text: 'place in descending order', font: small, standoff: 6 } } : {}),
    },
    [axisKey('y', index)]: {
      type: 'log',
      domain: [...y],
      anchor: axisId('x', index),
      range: [...axis.range],
      tickmode: 'array',
      tickvals: axis.tickvals,
      ticktext: axis.ticktext,
      showticklabels: first,
      gridcolor: COLOUR.grid,
      zeroline: false,
      ticks: '',
      ticklabelstandoff: 6,
      automargin: false,
      ...(first ? { title: { text: relative ? 'σ/σ<sub>1</sub>' : 'σ', font: small, standoff: 4 } } : {}),
    },
  };
}

/** How many titles stand side by side, at least one. */
function titlesIn(plotWidth: number, matrices: readonly RecordedMatrix[]): number {
  const lengths = matrices.map((matrix) => titleOfMatrix(matrix).replace(/<.*?>/g, '').length);
  const longest = TITLE_CHARACTER * Math.max(1, ...lengths);
  return Math.max(1, Math.floor((plotWidth + GAP.x) / (longest + GAP.x)));
}

function titleOfMatrix({ name, shape }: RecordedMatrix): string {
  return `${shortName(name)}</b>  ${shape.join(' × ')}<b>`;
}

/** A matrix's name in a figure: what all models of transformers call so is left out. */
export function shortName(name: string): string {
  return name
    .replace(/^decoder\.(layers|blocks)\./, 'layer ')
    .replace(/^blocks\./, 'block ')
    .replace(/\.weight$/, '')
    .replace(/\.in_proj_weight\./, '.')
    .replace(/^((?:layer|block) \d+)\./, '$1 ');
}

/** What the legend calls a moment. */
const nameOf = ({ label, step }: SpectrumMoment) => `${label} (${formatCount(step)})`;
