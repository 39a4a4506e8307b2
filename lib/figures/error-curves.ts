/**
 * @file Optimisers, or other settings, compared by the share of answers they get wrong as they train: a panel a task, a line a
 * setting, each the median of its seeds with a band from the lowest to the highest.
 */
import { finiteEvaluations } from '../analysis/phases';
import { spread } from '../analysis/spread';
import { ArgumentError } from '../errors';
import { formatCount } from '../train/number-format';
import type { Evaluation } from '../train/progress';
import type { Figure, Layout, Trace } from './figure';
import { type LogAxis, logAxis } from './log-axis';
import { BASE_LAYOUT, COLOUR, heading, STEP_AXIS } from './theme';

/** A setting with its runs, one a seed. */
export interface ErrorArm {
  /** For the legend; a label has the same looks in every panel. */
  readonly label: string;
  readonly histories: readonly (readonly Evaluation[])[];
}

/** One task. */
export interface ErrorPanel {
  /** Above the panel. */
  readonly title: string;
  readonly arms: readonly ErrorArm[];
}

/** Choices for `errorCurves`, all optional but the title. */
export interface ErrorCurvesOptions {
  /** The bold first line. */
  readonly title: string;
  /** A smaller second line. By default how to read the lines. */
  readonly subtitle?: string;
  /** Design width in pixels, at least 560. Default 920. */
  readonly width?: number;
  /** Design height in pixels, at least 300. Default 440. */
  readonly height?: number;
}

/** The colours of Okabe and Ito, grey for black and without yellow, which is too pale for a line; and a dash with each. */
const COLOURS = ['#5B636D', '#0072B2', '#56B4E9', '#D55E00', '#E69F00', '#009E73', '#CC79A7'];
const DASHES = ['solid', '7px,3px', '2px,2px'];
/** Most settings that colour and dash together tell apart. */
const MOST_ARMS = COLOURS.length * DASHES.length;
const MARGIN = { left: 66, right: 16, bottom: 52, title: 30 };
const GAP = 26;
/** Pixels of a letter in the legend, and of what stands before it. */
const LEGEND = { letter: 6.7, symbol: 52 };

/**
 * Draws 1 − validation accuracy (logarithmic) against the step, a panel a task.
 *
 * @throws {ArgumentError} if there is no panel, an arm without a finite evaluation, more than 21 arms, or a size out of range.
 */
export function errorCurves(panels: readonly ErrorPanel[], options: ErrorCurvesOptions): Figure {
  const { title, width = 920, height = 440 } = options;
  const { subtitle = 'line: median of the seeds, band: lowest to highest' } = options;
  if (panels.length === 0) throw new ArgumentError('there are 0 panels to draw, expected at least one');
  if (!(width >= 560 && height >= 300)) {
    throw new ArgumentError(`figure size is ${width} × ${height}, expected at least 560 × 300 pixels`);
  }
  const labels = [...new Set(panels.flatMap(({ arms }) => arms.map(({ label }) => label)))];
  if (labels.length > MOST_ARMS) {
    throw new ArgumentError(
      `there are ${labels.length} arms, expected at most ${MOST_ARMS}; draw fewer at once`,
    );
  }
  const summaries = panels.map((panel) =>
    panel.arms.map(({ label, histories }) => {
      if (histories.every((history) => finiteEvaluations(history).length === 0)) {
        throw new ArgumentError(
          `'${label}' in the panel '${panel.title}' has no finite evaluation to draw, expected one or more`,
        );
      }
      return { label, ...spread(histories) };
    }),
  );
  const all = summaries.flat().flatMap(({ low, high }) => [...low, ...high]);
  const axis = logAxis(all.map(errorOf), {
    zeroGap: 2,
    maxTicks: height < 400 ? 5 : 7,
    label: (share) => `${Number((100 * share).toPrecision(3))} %`,
    padding: 0.03,
  });
  const legendWidth = LEGEND.symbol + LEGEND.letter * Math.max(...labels.map(({ length }) => length));
  const plotWidth = width - MARGIN.left - MARGIN.right - legendWidth;
  const head = heading(title, subtitle, width - MARGIN.left - MARGIN.right);
  const top = head.height + MARGIN.title;
  const panelWidth = (plotWidth - (panels.length - 1) * GAP) / panels.length;
  const places = panels.map((_, i) => {
    const left = i * (panelWidth + GAP);
    return [left / plotWidth, (left + panelWidth) / plotWidth] as const;
  });
  const last = Math.max(...all.map(({ epoch }) => epoch));
  return {
    data: summaries.flatMap((arms, panel) =>
      arms.flatMap((arm) => {
        const index = labels.indexOf(arm.label);
        const inLegend =
          summaries.findIndex((others) => others.some(({ label }) => label === arm.label)) === panel;
        return lines(arm, { axis, panel, index, inLegend });
      }),
    ),
    layout: {
      ...BASE_LAYOUT,
      width,
      height,
      title: head.title,
      margin: { l: MARGIN.left, r: MARGIN.right + Math.ceil(legendWidth), t: top, b: MARGIN.bottom },
      hovermode: 'closest',
      legend: {
        x: 1,
        xanchor: 'left',
        xref: 'paper',
        y: 1,
        yanchor: 'top',
        bgcolor: 'rgba(0,0,0,0)',
        font: { size: 12 },
        itemwidth: 30,
        tracegroupgap: 2,
      },
      ...Object.assign({}, ...places.map((place, i) => axesOf(place, i, { axis, last, panelWidth }))),
      annotations: [
        ...head.subtitle(MARGIN.title + 2),
        ...places.map(([x], i) => ({
          text: `<b>${(panels[i] as ErrorPanel).title}</b>`,
          showarrow: false,
          borderpad: 0,
          xref: 'paper',
          yref: 'paper',
          x,
          xanchor: 'left',
          y: 1,
          yanchor: 'bottom',
          yshift: 5,
          font: { size: 12, color: COLOUR.ink },
        })),
      ],
    },
  };
}

const errorOf = ({ validationAccuracy }: Evaluation) => 1 - validationAccuracy;

/** Plotly's name of the axis of a panel. */
const axisId = (letter: 'x' | 'y', index: number) => `${letter}${index === 0 ? '' : index + 1}`;

function axesOf(
  domain: readonly [number, number],
  index: number,
  { axis, last, panelWidth }: { readonly axis: LogAxis; readonly last: number; readonly panelWidth: number },
): Layout {
  const name = (letter: 'x' | 'y') => axisId(letter, index).replace(letter, `${letter}axis`);
  return {
    [name('x')]: {
      domain: [...domain],
      anchor: axisId('y', index),
      range: [-0.01 * last, 1.01 * last],
      nticks: Math.max(3, Math.floor(panelWidth / 60)),
      tickformat: ',d',
      ...STEP_AXIS,
      title: { text: 'step', font: { size: 12, color: COLOUR.muted }, standoff: 8 },
    },
    [name('y')]: {
      type: 'log',
      anchor: axisId('x', index),
      range: [...axis.range],
      tickmode: 'array',
      tickvals: axis.tickvals,
      ticktext: axis.ticktext,
      showticklabels: index === 0,
      gridcolor: COLOUR.grid,
      zeroline: false,
      ticks: '',
      ticklabelstandoff: 6,
      automargin: false,
      ...(index === 0
        ? { title: { text: 'wrong answers', font: { size: 12, color: COLOUR.muted }, standoff: 6 } }
        : {}),
    },
  };
}

/** The band of a setting, then its line. */
function lines(
  arm: ReturnType<typeof spread> & { readonly label: string },
  place: {
    readonly axis: LogAxis;
    readonly panel: number;
    readonly index: number;
    readonly inLegend: boolean;
  },
): Trace[] {
  const { axis, panel, index, inLegend } = place;
  const colour = COLOURS[index % COLOURS.length] as string;
  const dash = DASHES[index % DASHES.length];
  const curve = (history: readonly Evaluation[]) => ({
    type: 'scatter',
    mode: history.length === 1 ? 'markers' : 'lines',
    x: history.map(({ epoch }) => epoch),
    y: history.map((row) => Number(axis.place(errorOf(row)).toPrecision(4))),
    legendgroup: arm.label,
    xaxis: axisId('x', panel),
    yaxis: axisId('y', panel),
  });
  const edge = (history: readonly Evaluation[]) => ({
    ...curve(history),
    mode: 'lines',
    line: { width: 0 },
    hoverinfo: 'skip',
    showlegend: false,
  });
  return [
    edge(arm.low),
    { ...edge(arm.high), fill: 'tonexty', fillcolor: `${colour}26` },
    {
      ...curve(arm.median),
      name: arm.label,
      customdata: arm.median.map(({ epoch }) => formatCount(epoch)),
      hovertemplate: `${arm.label}, step %{customdata}: %{y:.2%}`,
      line: { color: colour, width: 2, dash },
      marker: { color: colour, size: 7 },
      showlegend: inLegend,
    },
  ];
}
