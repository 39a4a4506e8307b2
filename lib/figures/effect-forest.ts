/** @file Effects with their intervals, a claim a row, around the line of no effect. */
import { ArgumentError } from '../errors';
import type { Figure, Trace } from './figure';
import { besideRow, rowFrame } from './row-frame';
import { COLOUR, STEP_AXIS } from './theme';

/** An effect and its interval. */
export interface Effect {
  readonly label: string;
  readonly estimate: number;
  /** May be infinite: the interval then has no end. */
  readonly low: number;
  readonly high: number;
  /**
   * Whether it is drawn in full colour. Of several effects at once this is for a test adjusted for their number to say: single
   * intervals leave out no effect too often. Default: whether the interval does.
   */
  readonly settled?: boolean;
  /** What stands to the right after the numbers, such as a p-value. */
  readonly note?: string;
}

/** Choices for `effectForest`, all optional but the title. */
export interface EffectForestOptions {
  /** The bold first line. */
  readonly title: string;
  /** A smaller second line. */
  readonly subtitle?: string;
  /** `ratio`: positive numbers around 1, on a logarithmic axis; `difference`: around 0. Default `ratio`. */
  readonly kind?: 'ratio' | 'difference';
  /** Effects between these two are too small to be of interest; shaded. */
  readonly negligible?: readonly [low: number, high: number];
  /** What the axis shows. */
  readonly axisTitle?: string;
  /** Design width in pixels, at least 480. Default 860. */
  readonly width?: number;
  /** Height of a row in pixels, at least 20. Default 34. */
  readonly rowHeight?: number;
}

const MARGIN = { right: 300, bottom: 52 };
/** Least reach of the axis to either side of no effect. */
const LEAST = { ratio: Math.log10(1.25), difference: 1 };
const RATIO_TICKS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 20];

/**
 * Draws effects, the first on top. One that is settled is drawn in full colour.
 *
 * @throws ArgumentError if there is no effect, one is not a number its kind allows, or a size is out of range.
 */
export function effectForest(effects: readonly Effect[], options: EffectForestOptions): Figure {
  const { title, subtitle, kind = 'ratio', negligible, axisTitle, width = 860, rowHeight = 34 } = options;
  if (effects.length === 0) throw new ArgumentError('there are 0 effects to draw, expected at least one');
  const none = kind === 'ratio' ? 1 : 0;
  const wrong = effects.find(
    ({ estimate, low, high }) =>
      !(Number.isFinite(estimate) && low <= estimate && estimate <= high) ||
      (kind === 'ratio' && !(estimate > 0 && low >= 0)),
  );
  if (wrong !== undefined) {
    throw new ArgumentError(
      `the effect '${wrong.label}' is ${wrong.estimate} from ${wrong.low} to ${wrong.high}, expected ${kind === 'ratio' ? 'positive numbers' : 'numbers'} in that order`,
    );
  }
  const place = (value: number) => (kind === 'ratio' ? Math.log10(value) : value);
  const ends = effects
    .flatMap(({ low, estimate, high }) => [place(low), place(estimate), place(high)])
    .filter(Number.isFinite);
  const reach = 1.08;
  const range = [
    Math.min(-LEAST[kind], reach * Math.min(...ends)),
    Math.max(LEAST[kind], reach * Math.max(...ends)),
  ] as const;
  const frame = rowFrame({
    title,
    subtitle,
    labels: effects.map(({ label }) => label),
    width,
    rowHeight,
    margin: MARGIN,
  });
  const ticks = ratioTicks(range, frame.plotWidth);
  return {
    data: effects.map((effect, row) => interval(effect, row, { none, range, place, kind })),
    layout: frame.layout({
      xaxis: {
        range: [...range],
        ...(kind === 'ratio'
          ? { tickmode: 'array', tickvals: ticks.map(Math.log10), ticktext: ticks.map((tick) => `${tick}`) }
          : { nticks: 7 }),
        ...STEP_AXIS,
        ...(axisTitle === undefined
          ? {}
          : { title: { text: axisTitle, font: { size: 12, color: COLOUR.muted }, standoff: 6 } }),
      },
      shapes: [
        ...(negligible === undefined ? [] : [band(place(negligible[0]), place(negligible[1]))]),
        {
          type: 'line',
          layer: 'below',
          x0: place(none),
          x1: place(none),
          yref: 'paper',
          y0: 0,
          y1: 1,
          line: { color: COLOUR.muted, width: 1.2, dash: 'dot' },
        },
      ],
      annotations: effects.map((effect, row) => besideRow(rowText(effect), row)),
    }),
  };
}

/** A shaded stretch of the axis, behind everything. */
function band(x0: number, x1: number) {
  return {
    type: 'rect',
    layer: 'below',
    x0,
    x1,
    yref: 'paper',
    y0: 0,
    y1: 1,
    fillcolor: COLOUR.grid,
    opacity: 0.5,
    line: { width: 0 },
  } as const;
}

/** Of the round ratios in a range those that have room, 1 always among them. */
function ratioTicks([from, to]: readonly [number, number], pixels: number): number[] {
  const apart = ((to - from) / pixels) * 34;
  const kept = [1];
  for (const tick of RATIO_TICKS) {
    const at = Math.log10(tick);
    if (at < from || at > to) continue;
    if (kept.every((other) => Math.abs(Math.log10(other) - at) >= apart)) kept.push(tick);
  }
  return kept.sort((a, b) => a - b);
}

interface Scale {
  readonly none: number;
  readonly range: readonly [number, number];
  readonly place: (value: number) => number;
  readonly kind: 'ratio' | 'difference';
}

function interval(effect: Effect, row: number, scale: Scale): Trace {
  const { label, estimate, low, high } = effect;
  const { none, range, place } = scale;
  const within = (value: number) => Math.min(range[1], Math.max(range[0], place(value)));
  const { settled = low > none || high < none } = effect;
  const color = settled ? COLOUR.validation : COLOUR.muted;
  return {
    type: 'scatter',
    mode: 'lines+markers',
    x: [within(low), within(estimate), within(high)],
    y: [row, row, row],
    line: { color, width: settled ? 2.4 : 1.6 },
    marker: { color, symbol: ['line-ns', 'square', 'line-ns'], size: [9, 8, 9], line: { color, width: 1.6 } },
    hovertemplate: `${label}: ${numbers({ estimate, low, high })}<extra></extra>`,
    cliponaxis: false,
  };
}

function numbers({ estimate, low, high }: Pick<Effect, 'estimate' | 'low' | 'high'>): string {
  const text = (value: number) => {
    if (!Number.isFinite(value)) return 'no end';
    const digits = Math.abs(value) >= 10 ? 1 : 2;
    return value.toFixed(digits).replace('-', '−');
  };
  return `${text(estimate)} [${text(low)}, ${text(high)}]`;
}

function rowText(effect: Effect): string {
  const note = effect.note === undefined ? '' : `  ${effect.note}`;
  return `<b>${numbers(effect)}</b>${note}`;
}
