import { describe, expect, it } from 'vitest';
import { type Figure, sizeOf, titleOf } from '../../lib/figures/figure';
import { type LabelledHistory, trainingCurves } from '../../lib/figures/training-curves';
import type { Evaluation } from '../../lib/train/progress';
import { grokking } from './histories';
import { renderer } from './renderer';
import { overlaps, places, texts } from './svg';

const run = (history: readonly Evaluation[], label = 'seed 0'): LabelledHistory => ({ label, history });
const draw = (figure: Figure) => renderer.svg(figure, sizeOf(figure));
const named = (figure: Figure, name: string) => figure.data.filter((trace) => trace.name === name);

const full = grokking();
const nanRow = {
  epoch: 1000,
  trainAccuracy: 0,
  trainLoss: Number.NaN,
  validationAccuracy: 0,
  validationLoss: Number.NaN,
};
const cases: [string, LabelledHistory[]][] = [
  ['a grokking run', [run(full)]],
  ['one evaluation only', [run(full.slice(0, 1))]],
  ['a first evaluation after step 0', [run(full.slice(20, 21))]],
  ['a run that never generalises', [run(grokking(2000, 9000))]],
  [
    'losses of exactly 0 and of 1e-12',
    [run(full.map((row, i) => ({ ...row, trainLoss: i > 60 ? 0 : i > 40 ? 1e-12 : row.trainLoss })))],
  ],
  ['a loss of 0 everywhere', [run(full.map((row) => ({ ...row, trainLoss: 0, validationLoss: 0 })))]],
  ['a run that ends in NaN', [run([...full.slice(0, 30), nanRow])]],
  [
    'every step evaluated',
    [
      run(
        Array.from({ length: 3000 }, (_, epoch) => ({
          ...(full[Math.floor(epoch / 25)] as Evaluation),
          epoch,
        })),
      ),
    ],
  ],
  [
    'five seeds',
    [1800, 2000, 2300, 2500, 2900].map((jump, seed) => run(grokking(4000, jump), `seed ${seed}`)),
  ],
];

/** The cases with the longest titles and the most labels, which are also drawn at the smallest size. */
const TIGHT = new Set(['a run that never generalises', 'losses of exactly 0 and of 1e-12', 'five seeds']);

describe('trainingCurves', () => {
  it.each(cases)('%s: every label is inside the picture and none over another', async (name, runs) => {
    const small = { width: 480, height: 360 };
    for (const size of TIGHT.has(name) ? [{}, small] : [{}]) {
      const figure = trainingCurves(runs, size);
      const { width, height } = sizeOf(figure);
      const labels = texts(await draw(figure), renderer.measure);
      expect(labels.map(({ text }) => text)).toEqual(
        expect.arrayContaining(['train', 'validation', 'accuracy']),
      );
      expect(
        labels.filter(({ box }) => box.left < 0 || box.right > width || box.top < 0 || box.bottom > height),
      ).toEqual([]);
      expect(overlaps(labels)).toEqual([]);
    }
  });

  it('looks as it did', async () => {
    const figure = trainingCurves([run(grokking(4000).filter((_, index) => index % 20 === 0))], {
      subtitle: 'p 113',
    });
    expect(figure).toMatchSnapshot('specification');
    expect(places(texts(await draw(figure), renderer.measure))).toMatchSnapshot('labels');
  });

  it('is valid Plotly', () => {
    const rows = [...full.slice(0, 2), { ...(full[6] as Evaluation), trainLoss: 0 }];
    expect(renderer.problems(trainingCurves([run(rows)]))).toEqual([]);
    expect(renderer.problems({ data: [{ type: 'scatter', lines: {} }], layout: {} }).join()).toContain(
      'lines',
    );
  });

  it('says in its title what happened', () => {
    const title = (history: Evaluation[]) => titleOf(trainingCurves([run(history)]));
    expect(title(full)).toBe('Memorised by step 150, generalised by step 3,400');
    expect(title(full.slice(0, 1))).toBe('Validation accuracy 1.0 % at step 0');
    expect(title(full.slice(0, 41))).toBe('Memorised by step 150, validation accuracy 1.0 % at step 1,000');
    expect(title([...full.slice(0, 30), nanRow])).toBe('The loss became NaN at step 1,000');
  });

  it('tells training from validation by dash and symbol, not by colour alone', () => {
    const figure = trainingCurves([run(full)]);
    const [train] = named(figure, 'train');
    const [validation] = named(figure, 'validation');
    expect(train?.line).toMatchObject({ dash: '6px,3px' });
    expect(validation?.line).toMatchObject({ dash: 'solid' });
    expect(named(figure, 'train first ≥ 99 %')[0]?.marker).toMatchObject({ symbol: 'circle' });
    expect(named(figure, 'validation first ≥ 99 %')[0]?.marker).toMatchObject({ symbol: 'diamond' });
  });

  it('marks the first evaluation at the target', () => {
    const figure = trainingCurves([run(full)], { target: 0.5 });
    expect(named(figure, 'train first ≥ 50 %')[0]?.customdata).toEqual([125]);
    expect(named(figure, 'validation first ≥ 50 %')[0]?.customdata).toEqual([2500]);
  });

  it('draws step 0 at a tick of its own, half way to the first step on the scale of factors', () => {
    const figure = trainingCurves([run(full)]);
    const steps = named(figure, 'train')[0]?.x as number[];
    expect(steps.slice(0, 2)).toEqual([12.5, 25]);
    expect(figure.layout.xaxis).toMatchObject({ type: 'log' });
    const { tickvals, ticktext } = figure.layout.xaxis as { tickvals: number[]; ticktext: string[] };
    expect(tickvals[0]).toBe(12.5);
    expect(ticktext[0]).toBe('0');
    expect(ticktext).toContain('1,000');
  });

  it('keeps a loss of 0 readable under the pointer', () => {
    const figure = trainingCurves([run(full.map((row) => ({ ...row, trainLoss: 0 })))]);
    const { text, y } = named(figure, 'train')[0] as { text: string[]; y: number[] };
    expect(new Set(text)).toEqual(new Set(['0']));
    expect(Math.min(...y)).toBeGreaterThan(0);
  });

  it('shades the stages over both panels', () => {
    const shapes = trainingCurves([run(full)]).layout.shapes as {
      x0: number;
      x1: number;
      y0: number;
      y1: number;
    }[];
    expect(shapes).toHaveLength(4);
    for (let i = 1; i < shapes.length; i++) expect(shapes[i]?.x0).toBe(shapes[i - 1]?.x1);
    expect(shapes.every(({ y0, y1 }) => y0 === 0 && y1 === 1)).toBe(true);
    expect(shapes[0]?.x1).toBe(150);
  });

  it('names a stage inside its band, a word a line where it is narrow, and not at all where it is narrower', () => {
    const namesOf = (rising: number) => {
      // Memorised at step 100; from the given step on validation accuracy is well on its way.
      const history = Array.from({ length: 41 }, (_, index) => {
        const epoch = 25 * index;
        const accuracies = {
          trainAccuracy: epoch < 100 ? 0.5 : 1,
          validationAccuracy: epoch <= rising ? 0.1 : 0.5,
        };
        return { epoch, trainLoss: 1, validationLoss: 1, ...accuracies };
      });
      const { annotations } = trainingCurves([run(history)]).layout as { annotations: { text: string }[] };
      return annotations.flatMap(({ text }) => (/accuracy|nats/.test(text) ? [] : text));
    };
    expect(namesOf(400)).toEqual(['memorisation', 'circuit formation', 'clean-up']);
    expect(namesOf(150)).toEqual(['memorisation', 'circuit<br>formation', 'clean-up']);
    expect(namesOf(125)).toEqual(['memorisation', 'clean-up']);
  });

  it('says that median and band keep the last values of runs that have ended, where some have', () => {
    const said = (lengths: number[]) =>
      JSON.stringify(trainingCurves(lengths.map((steps) => run(grokking(steps, 500)))).layout.annotations);
    expect(said([1000, 2000])).toContain('ended runs keep their last value');
    expect(said([2000, 2000])).not.toContain('ended');
  });

  it('leaves what is not finite out of the curves', () => {
    const figure = trainingCurves([run([...full.slice(0, 30), nanRow])]);
    expect(JSON.stringify(figure)).not.toContain('null');
    expect(named(figure, 'train')[0]?.x).toHaveLength(30);
  });

  it('shows several runs as median, range and thin lines', () => {
    const figure = trainingCurves([
      run(grokking(2400, 1000), 'a'),
      run(grokking(2400, 1500), 'b'),
      run(grokking(2400, 2000), 'c'),
    ]);
    expect(named(figure, 'b, validation')).toHaveLength(2);
    expect(named(figure, 'validation')[1]?.y).toEqual(named(figure, 'b, validation')[1]?.y);
    expect(figure.data.filter((trace) => trace.fill === 'tonexty')).toHaveLength(4);
    expect(titleOf(figure)).toMatch(/^Median of 3 runs: memorised by step 150/);
  });

  it('stays thin however many evaluations there are', () => {
    const history = Array.from({ length: 20_000 }, (_, epoch) => ({
      ...(full[epoch % 160] as Evaluation),
      epoch,
    }));
    expect(JSON.stringify(trainingCurves([run(history)])).length).toBeLessThan(60_000);
  });

  it('draws the same bytes for the same figure', async () => {
    const figure = trainingCurves([run(full)]);
    const first = await draw(figure);
    const [second, third] = await Promise.all([draw(figure), draw(figure)]);
    expect(second).toBe(first);
    expect(third).toBe(first);
  });

  it('refuses what it cannot draw, in one line', () => {
    expect(() => trainingCurves([])).toThrow('the 0 given runs have no finite evaluation to draw');
    expect(() => trainingCurves([run([nanRow])])).toThrow('the 1 given runs have no finite evaluation');
    expect(() => trainingCurves([run(full)], { width: 300 })).toThrow(
      '300 × 560, expected at least 480 × 360',
    );
    expect(() => trainingCurves([run(full)], { target: 99 })).toThrow('target is 99');
  });
});
