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

/** A bold statement in the top left corner. */
export function titleBlock(title: string): Layout {
  return {
    text: `<b>${title}</b>`,
    font: { size: 16 },
    x: 0,
    xref: 'paper',
    xanchor: 'left',
    y: 1,
    yref: 'container',
    yanchor: 'top',
    pad: { t: 14 },
  };
}

/** A smaller line under the title, `above` pixels over the plot. */
export function subtitleNote(text: string, above: number): Layout {
  return {
    text,
    font: { size: 12, color: COLOUR.muted },
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
  };
}
