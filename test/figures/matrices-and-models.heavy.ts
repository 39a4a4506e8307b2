/** @file Matrices, attention and models as they are drawn: every label inside the picture and none over another. */
import { beforeAll, expect, it } from 'vitest';
import { attentionMaps } from '../../lib/figures/attention-maps';
import { decoderDiagram } from '../../lib/figures/decoder-diagram';
import { type Figure, sizeOf } from '../../lib/figures/figure';
import { heatMap } from '../../lib/figures/heat-map';
import { heatMaps } from '../../lib/figures/heat-maps';
import { openRenderer, type Renderer } from '../../lib/figures/plotly-renderer.node';
import { WRITE_UP_DECODER } from '../support/decoder';
import { overlaps, texts } from './svg';

let renderer: Renderer;
beforeAll(() => {
  renderer = openRenderer();
});

const wave = (rows: number, columns: number) => ({
  shape: [rows, columns],
  data: Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i)),
});
const titles = { title: 'A matrix', xTitle: 'column', yTitle: 'row', unit: 'value' };

const attention = (labels: readonly string[], heads: number, queries: number) => {
  const weights = {
    shape: [heads, queries, 3],
    data: new Float32Array(heads * queries * 3).fill(1 / 3),
  };
  const rows = labels.map((label) => ({ label, weights }));
  return attentionMaps(rows, { title: 'Where each head looks', tokens: ['a', 'b', '='] });
};

const large = { ...WRITE_UP_DECODER, dModel: 1024, dFF: 8192, classes: 4096, vocabulary: 4096, layers: 12 };

it.each<[string, Figure, labels: number]>([
  ['a large matrix', heatMap(wave(64, 64), titles), 10],
  ['a wide matrix', heatMap(wave(3, 128), { ...titles, yLabels: ['first', 'second', 'third'] }), 10],
  [
    'a small matrix',
    heatMap(wave(3, 3), { ...titles, xLabels: ['a', 'b', '='], subtitle: 'nine numbers', height: 300 }),
    20,
  ],
  [
    'two small matrices',
    heatMaps(
      ['at the start', 'after training'].map((title) => ({ title, matrix: wave(3, 3) })),
      { ...titles, xLabels: ['a', 'b', '='], yLabels: ['a', 'b', '='], width: 720, height: 380 },
    ),
    35,
  ],
  ['attention under three masks', attention(['additive', 'causal', 'none'], 4, 3), 12 * 15],
  ['attention of one query', attention(['a'], 1, 1), 9],
  ["write-up 1's decoder", decoderDiagram(WRITE_UP_DECODER), 35],
  ['a large decoder', decoderDiagram(large), 35],
])('%s: every label is inside the picture and none over another', async (_, figure, least) => {
  const { width, height } = sizeOf(figure);
  const labels = texts(await renderer.svg(figure, { width, height }), renderer.measure);
  expect(labels.length).toBeGreaterThanOrEqual(least);
  expect(
    labels.filter(({ box }) => box.left < 0 || box.right > width || box.top < 0 || box.bottom > height),
  ).toEqual([]);
  expect(overlaps(labels)).toEqual([]);
  expect(renderer.problems(figure)).toEqual([]);
  expect(width).toBeLessThanOrEqual(800);
});
