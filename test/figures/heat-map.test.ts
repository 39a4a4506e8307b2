import { describe, expect, it } from 'vitest';
import { attentionMaps } from '../../lib/figures/attention-maps';
import { heatMap } from '../../lib/figures/heat-map';
import { heatMaps } from '../../lib/figures/heat-maps';
import { indexTicks } from '../../lib/figures/index-ticks';

const wave = (rows: number, columns: number) => ({
  shape: [rows, columns],
  data: Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i)),
});

describe('indexTicks', () => {
  it('gives round numbers and the last', () => {
    expect(indexTicks(1)).toEqual([0]);
    expect(indexTicks(2)).toEqual([0, 1]);
    expect(indexTicks(113)).toEqual([0, 20, 40, 60, 80, 100, 112]);
    expect(indexTicks(64)).toEqual([0, 20, 40, 63]);
  });
});

describe('heatMap', () => {
  it('puts row 0 on top, rounds to what can be seen, and has zero in the middle of a diverging scale', () => {
    const { data, layout } = heatMap({ shape: [2, 2], data: [0, -1.23456, 2.34567, 1] }, { title: 'Four' });
    expect(data[0]).toMatchObject({
      z: [
        [0, -1.23],
        [2.35, 1],
      ],
      zmin: -2.34567,
      zmax: 2.34567,
    });
    expect(layout.yaxis).toMatchObject({ range: [1.5, -0.5] });
  });

  it('starts at zero where no number is negative', () => {
    const [trace] = heatMap({ shape: [1, 2], data: [1, 4] }, { title: 'Two', limit: 8 }).data;
    expect(trace).toMatchObject({ zmin: 0, zmax: 8 });
  });

  it('writes all numbers of a picture with the same decimals, and an exact zero as such', () => {
    const textOf = (data: number[], options = {}) =>
      heatMap({ shape: [1, data.length], data }, { title: '', ...options }).data[0]?.text;
    expect(textOf([0.374, 0.36, 0, -0.1])).toEqual([['0.374', '0.360', '0', '−0.100']]);
    expect(textOf([2, 1, 40])).toEqual([['2', '1', '40']]);
    expect(textOf([0.374, -0.001], { decimals: 1 })).toEqual([['0.4', '0.0']]);
    expect(textOf(Array.from({ length: 65 }, (_, index) => index))).toBeUndefined();
  });

  it('refuses what is not a matrix, in one line', () => {
    const refused = (matrix: Parameters<typeof heatMap>[0], options = {}) => {
      expect(() => heatMap(matrix, { title: '', ...options })).toThrowErrorMatchingSnapshot();
    };
    refused({ shape: [2, 2], data: [1, 2, 3] });
    refused({ shape: [1, 2], data: [1, Number.NaN] });
    refused(wave(2, 2), { limit: 0 });
    refused(wave(2, 2), { xLabels: ['a'] });
    refused(wave(2, 2), { width: 100 });
    refused(wave(2, 2), { decimals: 1.5 });
  });
});

describe('heatMaps', () => {
  const panels = [
    { title: 'before', matrix: { shape: [2, 2], data: [1, 0, 1, 1] } },
    { title: 'after', matrix: { shape: [2, 2], data: [0, -3, 1, 2] } },
  ];

  it('puts titled pictures apart, on one scale with one colour bar', () => {
    const { data, layout } = heatMaps(panels, { title: 'Both', yTitle: 'row', width: 600 });
    expect(data).toMatchObject([
      {
        z: [
          [1, 0],
          [1, 1],
        ],
        zmin: -3,
        zmax: 3,
        showscale: false,
        xaxis: 'x',
      },
      {
        z: [
          [0, -3],
          [1, 2],
        ],
        zmin: -3,
        zmax: 3,
        showscale: true,
        xaxis: 'x2',
      },
    ]);
    const [left, right] = [layout.xaxis, layout.xaxis2].map((axis) => (axis as { domain: number[] }).domain);
    expect(right?.[0]).toBeGreaterThan((left?.[1] as number) + 0.05);
    expect([left?.[0], right?.[1]]).toEqual([0, 1]);
    expect(layout.width).toBeLessThanOrEqual(600);
    const titles = (layout.annotations as { text: string; x: number }[]).map(({ text, x }) => [text, x]);
    expect(titles).toEqual([
      ['<b>before</b>', left?.[0]],
      ['<b>after</b>', right?.[0]],
    ]);
    expect(layout.yaxis).toHaveProperty('title');
    expect(layout.yaxis2).not.toHaveProperty('title');
  });

  it('writes the numbers of all pictures with the same decimals', () => {
    const half = { title: 'half', matrix: { shape: [2, 2], data: [0.5, 0.25, 0, 1] } };
    const texts = heatMaps([...panels, half], { title: '' }).data.map(({ text }) => (text as string[][])[0]);
    expect(texts).toEqual([
      ['1.00', '0'],
      ['0', '−3.00'],
      ['0.50', '0.25'],
    ]);
  });

  it('refuses what does not go together, in one line', () => {
    expect(() => heatMaps([], { title: '' })).toThrow('there is no matrix to draw');
    const other = { title: 'other', matrix: { shape: [1, 4], data: [1, 2, 3, 4] } };
    expect(() => heatMaps([...panels, other], { title: '' })).toThrow(
      "'other' has shape [1, 4], expected [2, 2] like the first",
    );
    expect(() => heatMaps(panels, { title: '', width: 400 })).toThrow(
      'expected at least 518 pixels for 2 matrices',
    );
  });
});

describe('attentionMaps', () => {
  const even = (heads: number, queries: number) => ({
    shape: [heads, queries, 3],
    data: new Float32Array(heads * queries * 3).fill(1 / 3),
  });
  const tokens = ['a', 'b', '='];

  it('has a picture a head and row, the last queries where there are fewer', () => {
    const first = { shape: [2, 3, 3], data: Array.from({ length: 18 }, (_, i) => i / 18) };
    const { data, layout } = attentionMaps(
      [
        { label: 'all', weights: first },
        { label: 'last', weights: even(2, 1) },
      ],
      { title: 'Attention', tokens },
    );
    expect(data).toHaveLength(4);
    expect(data[1]).toMatchObject({
      xaxis: 'x2',
      z: [[0.5, 0.556, 0.611], [0.667, 0.722, 0.778], expect.anything()],
    });
    expect(data[3]).toMatchObject({ z: [[0.333, 0.333, 0.333]] });
    expect(layout.yaxis4).toMatchObject({ ticktext: ['='] });
  });

  it('refuses what is not attention, in one line', () => {
    const refused = (weights: ReturnType<typeof even>, options = {}) => {
      expect(() =>
        attentionMaps([{ label: 'x', weights }], { title: '', tokens, ...options }),
      ).toThrowErrorMatchingSnapshot();
    };
    refused({ shape: [1, 3], data: new Float32Array(3) });
    refused({ shape: [1, 1, 3], data: Float32Array.of(0, 2, 0) });
    refused(even(1, 3), { tokens: ['a', 'b'] });
    refused(even(1, 3), { heads: ['first', 'second'] });
    expect(() => attentionMaps([], { title: '', tokens })).toThrow('no attention weights');
  });
});
