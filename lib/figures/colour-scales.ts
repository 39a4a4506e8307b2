/**
 * @file Colour scales for heat maps: one from little to much, one with a middle. Both run through lightness, so that they
 * also read in grey, and the second pairs blue with orange, which every common colour vision tells apart.
 */

/** Pairs of a position from 0 to 1 and a colour, as Plotly wants them. */
export type ColourScale = readonly (readonly [position: number, colour: string])[];

/** For amounts: white is none, dark blue is the most. */
export const SEQUENTIAL: ColourScale = [
  [0, '#FFFFFF'],
  [0.25, '#C6DDEF'],
  [0.5, '#6BABD6'],
  [0.75, '#0072B2'],
  [1, '#00324F'],
];

/** For values of either sign: blue is negative, near white is zero, orange is positive. */
export const DIVERGING: ColourScale = [
  [0, '#00324F'],
  [0.2, '#0072B2'],
  [0.35, '#86BCE0'],
  [0.5, '#F6F6F4'],
  [0.65, '#F3AE82'],
  [0.8, '#D55E00'],
  [1, '#6B2C00'],
];
