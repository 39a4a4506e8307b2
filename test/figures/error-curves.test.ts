import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { type ErrorPanel, errorCurves } from '../../lib/figures/error-curves';
import { sizeOf } from '../../lib/figures/figure';
import { messageOf } from '../support/one-line';
import { renderer } from './renderer';
import { overlaps, texts } from './svg';

const LABELS = [
  'Adam',
  'AdamW',
  'AdamW .999, floor',
  'tgAdamW, graft',
  'tgAdamW, no graft',
  'tgLaProp',
  'tgRmsProp',
];

/** A run that ends with the given share of wrong answers. */
const history = (end: number, steps = 384) =>
  Array.from({ length: 25 }, (_, i) => ({
    epoch: (i * steps) / 24,
    trainAccuracy: 0.9,
    trainLoss: 0.3,
    validationAccuracy: 1 - (end + (0.9 - end) * Math.exp(-i / 3)),
    validationLoss: 0.3,
  }));

const arms = (count = LABELS.length) =>
  LABELS.slice(0, count).map((label, i) => ({
    label,
    histories: [0.04, 0.05, 0.07].map((end) => history(end + i / 200)),
  }));
const panels: ErrorPanel[] = [
  { title: 'MLP', arms: arms() },
  { title: 'conv net', arms: arms() },
];

describe('errorCurves', () => {
  it('draws every label inside the picture and none over another, at the smallest size too', async () => {
    for (const [given, size] of [
      [panels, {}],
      [panels, { width: 560, height: 300 }],
      [panels.slice(0, 1), {}],
    ] as const) {
      const figure = errorCurves(given, {
        title: 'Wrong answers of seven optimisers on handwritten digits',
        ...size,
      });
      const { width, height } = sizeOf(figure);
      const labels = texts(await renderer.svg(figure, sizeOf(figure)), renderer.measure);
      expect(labels.map(({ text }) => text)).toEqual(
        expect.arrayContaining([...LABELS, ...given.map(({ title }) => title), 'wrong answers', '10 %']),
      );
      expect(
        labels.filter(({ box }) => box.left < 0 || box.right > width || box.top < 0 || box.bottom > height),
      ).toEqual([]);
      expect(overlaps(labels)).toEqual([]);
    }
  });

  it('draws the median of the seeds, the band between the extremes, and one look a label', () => {
    const { data } = errorCurves(
      [
        { title: 'a', arms: arms(2) },
        { title: 'b', arms: arms(3) },
      ],
      { title: 'x' },
    );
    const ends = data.slice(0, 3).map(({ y }) => (y as number[]).at(-1) as number);
    // The band's lower edge is the lowest accuracy, so the largest share of wrong answers.
    expect(ends[0]).toBeCloseTo(0.07, 3);
    expect(ends[1]).toBeCloseTo(0.04, 3);
    expect(ends[2]).toBeCloseTo(0.05, 3);
    const named = data.filter(({ name }) => name !== undefined);
    expect(named.filter(({ showlegend }) => showlegend).map(({ name }) => name)).toEqual(LABELS.slice(0, 3));
    expect(named.map(({ line }) => JSON.stringify(line)).slice(0, 2)).toEqual(
      named.map(({ line }) => JSON.stringify(line)).slice(2, 4),
    );
    expect(new Set(named.slice(2).map(({ line }) => JSON.stringify(line))).size).toBe(3);
  });

  it.each([
    ['no panel', [], {}, '0 panels'],
    [
      'no evaluation',
      [{ title: 'MLP', arms: [{ label: 'Adam', histories: [[]] }] }],
      {},
      "'Adam' in the panel 'MLP'",
    ],
    ['too small', panels, { width: 100 }, '100 × 440'],
    [
      'too many arms',
      [
        {
          title: 'MLP',
          arms: Array.from({ length: 22 }, (_, i) => ({ label: `${i}`, histories: [history(0.1)] })),
        },
      ],
      {},
      '22 arms',
    ],
  ])('%s: one line', (_, given, options, part) => {
    expect(messageOf(ArgumentError, () => errorCurves(given, { title: 'x', ...options }))).toContain(part);
  });
});
