/** @file The three figures of a comparison as specifications; as pictures they are in `comparison-figures.heavy.ts`. */
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { effectForest } from '../../lib/figures/effect-forest';
import { eventStrip } from '../../lib/figures/event-strip';
import { survivalCurves } from '../../lib/figures/survival-curves';
import { messageOf } from '../support/one-line';
import { ARMS, EFFECTS, STRIP_ARMS, SURVIVAL_ARMS } from './arms';

describe('survivalCurves', () => {
  it('falls to the share of runs that have not grokked and stands there to the end of what was watched', () => {
    const observations = [100, 200, 400, 400].map((step, i) => ({ step, censored: i === 3 }));
    const { data } = survivalCurves([{ label: 'a', panel: 'p', observations }], { title: 'x' });
    expect(data[0]).toMatchObject({ y: [1, 0.75, 0.5, 0.25] });
    expect((data[0] as { x: number[] }).x.slice(1)).toEqual([100, 200, 400]);
  });

  it('shows the other panels’ arms in grey behind each panel', () => {
    const { data } = survivalCurves(SURVIVAL_ARMS, { title: 'x' });
    expect(data).toHaveLength(3 * ARMS.length);
    const grey = data.filter(({ mode }) => mode === 'lines');
    expect(grey).toHaveLength(2 * ARMS.length);
  });

  it.each([
    ['no arm', [], {}, '0 arms'],
    ['no run', [{ label: 'a', panel: 'p', observations: [] }], {}, "'a'"],
    [
      'too many in a panel',
      SURVIVAL_ARMS.map((arm) => ({ ...arm, panel: 'all' })),
      {},
      '10 arms, expected at most 6',
    ],
    ['too small', SURVIVAL_ARMS, { width: 10 }, '10 wide'],
  ])('%s: one line', (_, arms, options, part) => {
    expect(messageOf(ArgumentError, () => survivalCurves(arms, { title: 'x', ...options }))).toContain(part);
  });
});

describe('eventStrip', () => {
  it('draws every run once, censored ones as other marks, and a line a seed', () => {
    const { data } = eventStrip(STRIP_ARMS, { title: 'x' });
    const marks = data.filter(({ customdata }) => customdata !== undefined) as unknown as { x: number[] }[];
    const runs = STRIP_ARMS.flatMap((arm) => arm.runs);
    expect(marks.map(({ x }) => x.length)).toEqual([
      runs.filter(({ censored }) => !censored).length,
      runs.filter(({ censored }) => censored).length,
    ]);
    expect(data.filter(({ mode }) => mode === 'lines')).toHaveLength(12);
    expect(eventStrip(STRIP_ARMS, { title: 'x', paired: false }).data).toHaveLength(3);
  });

  it('says that a median beyond the budget is a bound', () => {
    const runs = [100, 500, 500].map((step, seed) => ({ seed, step, censored: step === 500 }));
    const { annotations } = eventStrip([{ label: 'a', runs }], { title: 'x' }).layout as {
      annotations: { text: string }[];
    };
    expect(annotations.at(-1)?.text).toMatch(/<b>≥ 500<\/b> \(100–≥ 500\).*2 not/);
  });

  it('leaves out quartiles that are the median, and makes room for words that are long', () => {
    const arm = (label: string, steps: readonly number[]) => ({
      label,
      runs: steps.map((step, seed) => ({ seed, step, censored: step === 6000 })),
    });
    const drawn = (...arms: ReturnType<typeof arm>[]) =>
      eventStrip(arms, { title: 'x' }).layout as {
        annotations: { text: string }[];
        margin: { r: number };
      };
    const none = drawn(arm('none', [6000, 6000, 6000, 6000, 6000]));
    const some = drawn(arm('some', [1200, 1300, 6000, 6000, 6000]));
    expect(none.annotations.at(-1)?.text).toMatch(/^<b>≥ 6,000<\/b> <span.*5 not/);
    expect(some.annotations.at(-1)?.text).toMatch(/^<b>≥ 6,000<\/b> \(1,300–≥ 6,000\) <span.*3 not/);
    expect(some.margin.r).toBeGreaterThan(none.margin.r);
  });

  it('boxes the Kaplan–Meier quartiles, and marks the median only where it was watched', () => {
    const steps = [100, 200, 300, 400, 500, 600, 700, 800];
    const runs = steps.map((step, seed) => ({ seed, step: Math.min(step, 500), censored: step > 500 }));
    const half = steps.map((step, seed) => ({ seed, step: Math.min(step, 300), censored: step > 300 }));
    const { data, layout } = eventStrip(
      [
        { label: 'a', runs },
        { label: 'b', runs: half },
      ],
      { title: 'x', paired: false },
    );
    // Three quarters are past 200 and before 300; half lie between 400 and 500; the last quarter was not watched.
    expect((layout.shapes as { x0: number; x1: number }[]).map(({ x0, x1 }) => [x0, x1])).toEqual([
      [250, 500],
      [250, 300],
    ]);
    expect(data.find(({ mode }) => mode === 'markers')?.x).toEqual([450, null]);
  });

  it.each([
    ['no arm', [], {}, '0 arms'],
    ['no run', [{ label: 'a', runs: [] }], {}, "'a'"],
    ['too small', STRIP_ARMS, { rowHeight: 1 }, '1 a row'],
  ])('%s: one line', (_, arms, options, part) => {
    expect(messageOf(ArgumentError, () => eventStrip(arms, { title: 'x', ...options }))).toContain(part);
  });
});

describe('effectForest', () => {
  it('marks the intervals that leave out no effect', () => {
    const { data } = effectForest(EFFECTS, { title: 'x' });
    const widths = data.map(({ line }) => (line as { width: number }).width);
    expect(widths.map((width) => width > 2)).toEqual([false, true, false, true]);
  });

  it('shades what is too small to be of interest, on the axis as it is', () => {
    const shaded = (kind: 'ratio' | 'difference', negligible: [number, number]) => {
      const [shape] = effectForest(EFFECTS, { title: 'x', kind, negligible }).layout.shapes as {
        x0: number;
        x1: number;
      }[];
      return [shape?.x0, shape?.x1];
    };
    expect(shaded('ratio', [0.1, 10])).toEqual([-1, 1]);
    expect(shaded('difference', [-2, 3])).toEqual([-2, 3]);
    expect(effectForest(EFFECTS, { title: 'x' }).layout.shapes).toHaveLength(1);
  });

  it('leaves to a test that is adjusted what is settled', () => {
    const given = EFFECTS.map((effect, row) => ({ ...effect, settled: row === 0 }));
    const { data } = effectForest(given, { title: 'x' });
    const widths = data.map(({ line }) => (line as { width: number }).width);
    expect(widths.map((width) => width > 2)).toEqual([true, false, false, false]);
  });

  it.each([
    ['no effect', [], {}, '0 effects'],
    ['out of order', [{ label: 'a', estimate: 1, low: 2, high: 3 }], {}, "'a' is 1 from 2 to 3"],
    ['a ratio below 0', [{ label: 'a', estimate: -1, low: -2, high: 3 }], {}, 'positive'],
    ['NaN', [{ label: 'a', estimate: Number.NaN, low: 0, high: 1 }], {}, 'NaN'],
    ['too small', EFFECTS, { width: 100 }, '100 wide'],
  ])('%s: one line', (_, given, options, part) => {
    expect(messageOf(ArgumentError, () => effectForest(given, { title: 'x', ...options }))).toContain(part);
  });
});
