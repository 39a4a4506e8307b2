import { describe, expect, it } from 'vitest';
import { orderOfEvents } from '../../lib/analysis/order-of-events';
import { spectrumMoments } from '../../lib/analysis/spectrum-moments';
import { ArgumentError } from '../../lib/errors';
import { eventOrder } from '../../lib/figures/event-order';
import { type Figure, sizeOf } from '../../lib/figures/figure';
import { openRenderer } from '../../lib/figures/plotly-renderer.node';
import { spectra } from '../../lib/figures/spectra';
import { type SpectrumCoursesOptions, spectrumCourses } from '../../lib/figures/spectrum-courses';
import type { Spectrum } from '../../lib/train/spectrum';
import { messageOf } from '../support/one-line';
import { spectrumOf } from '../support/spectrum';
import { grokking } from './histories';
import { overlaps, texts } from './svg';

const history = grokking(4000, 1800);
const steps = Array.from({ length: 41 }, (_, i) => 100 * i);

/** Singular values that fall around a step, of matrices of some sizes. */
function falling(at: number, sizes: Readonly<Record<string, number>>): Spectrum {
  const level = (step: number, i: number) =>
    2 / (1 + i / 8) / (1 + (i + 1) * Math.exp((step - at) / 300) * 0.01);
  return {
    schedule: { every: 100 },
    steps,
    matrices: Object.entries(sizes).map(([name, size]) => ({
      name,
      shape: [size, 2 * size],
      singularValues: steps.map((step) => Float32Array.from({ length: size }, (_, i) => level(step, i))),
    })),
  };
}

const GPT = {
  tok_embed: 12,
  pos_embed: 3,
  'blocks.0.q': 16,
  'blocks.0.head_out': 16,
};
const DECODER = Object.fromEntries(
  [0, 11].flatMap((layer) =>
    [
      'self_attn.in_proj_weight.q',
      'self_attn.out_proj.weight',
      'multihead_attn.out_proj.weight',
      'linear1.weight',
    ].map((name) => [`decoder.layers.${layer}.${name}`, 16]),
  ),
);
const spectrum = falling(1500, GPT);

const renderer = openRenderer();
const labelsOf = async (figure: Figure) =>
  texts(await renderer.svg(figure, sizeOf(figure)), renderer.measure);

const runs = [0, 1, 2].map((seed) => ({
  label: `seed ${seed}`,
  evaluations: grokking(4000, 1800 + 200 * seed),
  spectrum: falling(1400, { a: 8, b: 12 }),
}));
const order = orderOfEvents(runs, { evaluations: 1 });

describe('the figures of singular values', () => {
  it.each([
    ['spectra', () => spectra(spectrum, { title: 'Spectra', subtitle: 'one run', history })],
    [
      'spectra, small, of a decoder',
      () =>
        spectra(falling(900, DECODER), {
          title: 'Spectra',
          width: 480,
          columns: 2,
          panelHeight: 120,
          history,
          relative: true,
        }),
    ],
    ['courses', () => spectrumCourses(spectrum, history, { title: 'Courses' })],
    [
      'courses, small, of a decoder',
      () =>
        spectrumCourses(falling(900, DECODER), history, {
          title: 'Courses of all measures there are',
          measures: ['energyRank', 'stableRank', 'sum'],
          width: 680,
          panelHeight: 110,
        }),
    ],
    ['events', () => eventOrder(order, { title: 'What comes first' })],
    [
      'events, small',
      () => eventOrder(order, { title: 'What comes first of all, and what comes after that', width: 480 }),
    ],
  ])('%s: label upon no label', async (_, draw) => {
    expect(overlaps(await labelsOf(draw()))).toEqual([]);
  });
});

describe('spectra', () => {
  it('has a panel for each matrix and a line for each moment, the values in order', () => {
    const { data } = spectra(spectrum, { title: 'x', history });
    const moments = spectrumMoments(spectrum, history);
    expect(moments.map(({ label }) => label)).toEqual([
      'start',
      'memorised',
      'plateau',
      'transition',
      'generalised',
      'end',
    ]);
    expect(data).toHaveLength(4 * moments.length);
    expect(data.filter(({ showlegend }) => showlegend)).toHaveLength(moments.length);
    const last = data[2 * moments.length + 5] as { x: number[]; y: number[] };
    const expected = spectrum.matrices[2]?.singularValues.at(-1) as Float32Array;
    expect(last.x.slice(0, 3)).toEqual([1, 2, 3]);
    expect(last.y).toEqual(Array.from(expected, (value) => Number(value.toPrecision(5))));
  });

  it('divides by the largest where asked, and leaves a gap for a value of 0', () => {
    const zero: Spectrum = {
      ...spectrum,
      steps: [0],
      matrices: [{ name: 'w', shape: [3, 3], singularValues: [Float32Array.of(4, 2, 0)] }],
    };
    const [line] = spectra(zero, { title: 'x', relative: true }).data;
    expect(line?.y).toEqual([1, 0.5, null]);
  });

  it.each([
    ['a step that was not recorded', { moments: [{ label: 'a', step: 7 }] }, 'step 7'],
    ['a matrix that was not recorded', { matrices: ['w'] }, "'w'"],
    [
      'too many moments',
      { moments: Array.from({ length: 7 }, (_, i) => ({ label: 'a', step: 100 * i })) },
      '7 moments',
    ],
    ['no matrix', { matrices: [] }, 'no singular values'],
    ['too small', { width: 100 }, '100 wide'],
  ])('%s: one line', (_, options, part) => {
    expect(messageOf(ArgumentError, () => spectra(spectrum, { title: 'x', ...options }))).toContain(part);
  });
});

describe('spectrumMoments', () => {
  it('are recorded steps in order, once each, without those that a run did not reach', () => {
    const moments = spectrumMoments({ steps: [0, 1000, 4000] }, history);
    expect(moments.map(({ step }) => step)).toEqual([0, 1000, 4000]);
    expect(spectrumMoments(spectrum, history.slice(0, 5)).map(({ label }) => label)).toEqual([
      'start',
      'end',
    ]);
    expect(spectrumMoments({ steps: [] }, history)).toEqual([]);
  });
});

describe('spectrumCourses', () => {
  it('shows ranks as shares, and a dot where each course has fallen half-way', () => {
    const { data } = spectrumCourses(spectrum, history, {
      title: 'x',
      measures: ['effectiveRank'],
      matrices: ['tok_embed'],
    });
    const [, , course, dots] = data as unknown as { y: number[]; customdata: unknown[] }[];
    expect(Math.max(...(course?.y ?? []))).toBeLessThanOrEqual(1);
    expect(dots?.customdata).toHaveLength(1);
    expect(dots?.y[0]).toBeLessThanOrEqual(((course?.y[0] as number) + (course?.y.at(-1) as number)) / 2);
  });

  it('has no dot for what only rounds, and one where less is asked for', () => {
    const held = spectrumOf([0, 10, 20], { w: [1, 1 - 2e-6, 1 - 2e-6].map((value) => [value, value]) });
    const dots = (each: Spectrum, options: Partial<SpectrumCoursesOptions> = {}) =>
      spectrumCourses(each, [], { title: 'x', measures: ['sum'], ...options }).data.at(-1)?.customdata;
    expect(dots(held)).toEqual([]);
    expect(dots(held, { leastFall: 0 })).toEqual([['w', 10]]);
    const falls = (to: number) =>
      spectrumOf([0, 10], {
        w: [
          [100, 100],
          [to, to],
        ],
      });
    expect(dots(falls(96))).toEqual([]);
    expect(dots(falls(94))).toEqual([['w', 10]]);
    expect(dots(falls(94), { leastFall: 0.07 })).toEqual([]);
  });

  it('takes the final value at the last step that counts, and says so', () => {
    const fallsOn = spectrumOf([0, 1000, 2000, 3000], { w: [[8], [7], [6], [0]] });
    const figure = (until?: number) =>
      spectrumCourses(fallsOn, [], { title: 'x', measures: ['sum'], ...(until && { until }) });
    const dots = (until?: number) => figure(until).data.at(-1)?.customdata;
    const says = (until?: number) => JSON.stringify(figure(until).layout.annotations);
    expect(dots()).toEqual([['w', 3000]]);
    expect(dots(2000)).toEqual([['w', 1000]]);
    expect(says()).toContain('half-way from the maximum to the final value');
    expect(says(2000)).toContain('half-way from the maximum to the value at step 2,000');
    expect(figure(2000).data.at(-2)?.x).toHaveLength(4);
  });

  it('is as high as its legend, and refuses a width that the names of matrices leave no room in', () => {
    const options = { title: 'x', measures: ['sum'] as const, panelHeight: 110 };
    expect(sizeOf(spectrumCourses(falling(900, DECODER), history, options)).height).toBeGreaterThan(
      sizeOf(spectrumCourses(spectrum, history, options)).height,
    );
    expect(
      messageOf(ArgumentError, () =>
        spectrumCourses(falling(900, DECODER), history, { ...options, width: 600 }),
      ),
    ).toContain('600 wide');
  });

  it.each([
    ['no measure', { measures: [] }, 'effectiveRank'],
    ['an unknown one', { measures: ['relative' as never] }, 'relative'],
    ['a matrix that was not recorded', { matrices: ['w'] }, "'w'"],
    ['too small', { width: 300 }, '300 wide'],
    ['a fall that is no share', { leastFall: 5 }, 'leastFall is 5'],
  ])('%s: one line', (_, options, part) => {
    expect(
      messageOf(ArgumentError, () => spectrumCourses(spectrum, history, { title: 'x', ...options })),
    ).toContain(part);
  });
});

describe('eventOrder', () => {
  it('has a row a run and no mark where an event did not happen', async () => {
    const short = {
      ...runs[0],
      label: 'stopped',
      evaluations: history.filter(({ epoch }) => epoch < 1000),
    } as (typeof runs)[0];
    const figure = eventOrder(orderOfEvents([...runs, short], { evaluations: 1 }), { title: 'x' });
    const marks = (name: string) => figure.data.find((trace) => trace.name === name) as { y: number[] };
    expect(marks('training accuracy').y).toEqual([0, 1, 2, 3]);
    expect(marks('validation accuracy').y).toEqual([0, 1, 2]);
    const found = (await labelsOf(figure)).map(({ text }) => text);
    for (const label of ['seed 0', 'seed 1', 'seed 2', 'stopped']) expect(found).toContain(label);
    expect(found.join(' ')).toMatch(/[1-4] of 4 runs: training accuracy, then /);
  });

  it('without an event to draw, or too small: one line', () => {
    expect(messageOf(ArgumentError, () => eventOrder(orderOfEvents([]), { title: 'x' }))).toContain('0 runs');
    expect(messageOf(ArgumentError, () => eventOrder(order, { title: 'x', width: 10 }))).toContain('10');
  });
});
