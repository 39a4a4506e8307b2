/** @file The ratios of a section as a bar chart: bars are medians, whiskers the quartiles. */
import { BASE_LAYOUT, COLOUR, heading } from 'optimal-grokking/dist/figures/theme.js';

const WIDTH = 800;
const MARGIN = { left: 190, right: 60, bottom: 50 };

/**
 * @param {import('./report.mjs').Section} section
 * @param {string} machine for the subtitle
 * @returns {import('optimal-grokking/dist/figures/index.js').Figure}
 */
export function ratioFigure({ rows, title, subtitle, baseline, axis }, machine) {
  const head = heading(title, `${subtitle}, ${machine}`, WIDTH - MARGIN.left - MARGIN.right);
  const top = head.height + 14;
  const bottomUp = [...rows].reverse();
  const longest = Math.max(...rows.map(({ ratio }) => ratio.q3));
  return {
    data: [
      {
        type: 'bar',
        orientation: 'h',
        x: bottomUp.map(({ ratio }) => ratio.median),
        y: bottomUp.map(({ name }) => name),
        marker: { color: bottomUp.map(({ name }) => (name === baseline ? COLOUR.validation : COLOUR.train)) },
        error_x: {
          type: 'data',
          symmetric: false,
          array: bottomUp.map(({ ratio }) => ratio.q3 - ratio.median),
          arrayminus: bottomUp.map(({ ratio }) => ratio.median - ratio.q1),
          color: COLOUR.ink,
          thickness: 1,
          width: 4,
        },
      },
    ],
    layout: {
      ...BASE_LAYOUT,
      width: WIDTH,
      height: top + 34 * rows.length + MARGIN.bottom,
      showlegend: false,
      margin: { l: MARGIN.left, r: MARGIN.right, t: top, b: MARGIN.bottom },
      title: head.title,
      xaxis: {
        title: { text: axis },
        range: [0, longest * 1.15],
        gridcolor: COLOUR.grid,
      },
      yaxis: { type: 'category', ticksuffix: ' ' },
      annotations: [
        ...head.subtitle(10),
        ...bottomUp.map(({ name, ratio }) => ({
          x: ratio.q3,
          y: name,
          text: name === baseline ? '1' : ratio.median.toPrecision(3),
          xanchor: 'left',
          xshift: 10,
          showarrow: false,
        })),
      ],
    },
  };
}
