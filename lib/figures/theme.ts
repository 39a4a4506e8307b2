/**
 * @file The common look of the figures: one palette, one type face, thin grey furniture.
 *
 * Colours are those of Okabe and Ito, told apart with every common colour vision; what a colour says, a dash or a symbol
 * says too.
 *
 * @see Okabe & Ito 2008, "Color Universal Design"
 */
import type { PhaseName } from '../analysis/phases';
import type { Layout } from './figure';

/** Blue for the training rows, vermilion for the validation rows, everywhere. */
export const COLOUR = {
  train: '#0072B2',
  validation: '#D55E00',
  ink: '#22262B',
  muted: '#5B636D',
  grid: '#E3E6EA',
  paper: '#FFFFFF',
} as const;

/** A stage's tint, light enough to lie behind every curve, and the shade of it that is dark enough for its name. */
export const PHASE_COLOUR: Readonly<Record<PhaseName, { tint: string; text: string }>> = {
  memorisation: { tint: '#E4EFF8', text: '#2F6690' },
  'circuit formation': { tint: '#F4F1E4', text: '#746A3C' },
  'clean-up': { tint: '#FBE6D9', text: '#A4501C' },
  generalised: { tint: '#DDF1E6', text: '#1F7A50' },
};

/** What every figure's layout starts from: Open Sans in static pictures, its relatives in a browser that lacks it. */
export const BASE_LAYOUT: Layout = {
  font: { family: '"Open Sans", "Helvetica Neue", Arial, sans-serif', size: 12, color: COLOUR.ink },
  paper_bgcolor: COLOUR.paper,
  plot_bgcolor: COLOUR.paper,
};

/**
 * A legend in a row above the plot, from its left edge.
 *
 * @param y where its lower edge is, as a share of the plot's height
 */
export function rowLegend(y: number): Layout {
  return {
    orientation: 'h',
    x: 0,
    xanchor: 'left',
    y,
    yanchor: 'bottom',
    bgcolor: 'rgba(0,0,0,0)',
    font: { size: 12 },
    itemwidth: 36,
  };
}

/** How an axis of steps looks: a line with ticks, no grid. */
export const STEP_AXIS: Layout = {
  showgrid: false,
  zeroline: false,
  showline: true,
  linecolor: COLOUR.muted,
  ticks: 'outside',
  tickcolor: COLOUR.muted,
  ticklen: 4,
};

/** A figure's heading: a bold statement in the top left corner and a smaller line below it. */
export interface Heading {
  /** For the layout's `title`. */
  readonly title: Layout;
  /** For the layout's `annotations`; `above` pixels over the plot. */
  subtitle(above: number): Layout[];
  /** Pixels from the top of the picture that the heading takes. */
  readonly height: number;
}

const TITLE = { size: 16, line: 20.8, character: 9.6, above: 14 };
const SUBTITLE = { size: 12, line: 15.6, character: 6.6 };

/**
 * Sets a heading, broken into lines that fit a width.
 *
 * @param width pixels of the plot, at whose left edge the heading starts
 */
export function heading(title: string, subtitle: string | undefined, width: number): Heading {
  const titleLines = broken(title, width / TITLE.character);
  const subtitleLines = subtitle ? broken(subtitle, width / SUBTITLE.character) : [];
  const below = TITLE.line * (titleLines.length - 1);
  return {
    title: {
      text: `<b>${titleLines.join('<br>')}</b>`,
      font: { size: TITLE.size },
      x: 0,
      xref: 'paper',
      xanchor: 'left',
      y: 1,
      yref: 'container',
      yanchor: 'top',
      pad: { t: TITLE.above + below / 2 }, // Plotly centres the lines on the place of a single one
    },
    subtitle: (above) =>
      subtitleLines.length === 0
        ? []
        : [
            {
              text: subtitleLines.join('<br>'),
              font: { size: SUBTITLE.size, color: COLOUR.muted },
              showarrow: false,
              borderpad: 0,
              x: 0,
              xref: 'paper',
              xanchor: 'left',
              align: 'left',
              y: 1,
              yref: 'paper',
              yanchor: 'bottom',
              yshift: above,
            },
          ],
    height: Math.round(TITLE.above + TITLE.line + below + 6 + SUBTITLE.line * subtitleLines.length),
  };
}

/** Breaks a text between words, not inside a tag, into lines of at most so many characters, markup not counted. */
function broken(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/ (?![^<]*>)/)) {
    const line = lines.at(-1);
    const longer = line === undefined ? word : `${line} ${word}`;
    if (line !== undefined && longer.replace(/<[^>]*>/g, '').length <= most) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
