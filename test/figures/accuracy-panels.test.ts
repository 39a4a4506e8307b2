import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { type AccuracyPanel, accuracyPanels } from '../../lib/figures/accuracy-panels';
import { sizeOf } from '../../lib/figures/figure';
import { messageOf } from '../support/one-line';
import { grokking } from './histories';
import { renderer } from './renderer';
import { overlaps, texts } from './svg';

const runs = [1800, 2500].map((jump, seed) => ({ label: `seed ${seed}`, history: grokking(4000, jump) }));
const panels = (count: number): AccuracyPanel[] =>
  Array.from({ length: count }, (_, i) => ({ title: `setting ${i + 1}`, runs, level: 0.2 }));

describe('accuracyPanels', () => {
  it('draws every panel, label upon no label, at the smallest size too', async () => {
    for (const [count, size] of [
      [6, {}],
      [5, { width: 480, panelHeight: 120 }],
      [1, { width: 480 }],
    ] as const) {
      const figure = accuracyPanels(panels(count), { title: 'Accuracy', subtitle: 'two seeds', ...size });
      const labels = texts(await renderer.svg(figure, sizeOf(figure)), renderer.measure);
      const titles = labels.map(({ text }) => text);
      for (let i = 1; i <= count; i++) expect(titles).toContain(`setting ${i}`);
      expect(overlaps(labels)).toEqual([]);
    }
  });

  it('shares the axes: the same step stands at the same place in each panel', () => {
    const { data, layout } = accuracyPanels(
      [{ title: 'short', runs: [{ label: 'a', history: grokking(4000, 1800).slice(0, 20) }] }, ...panels(1)],
      { title: 'Accuracy' },
    );
    expect((layout.xaxis as { range: number[] }).range).toEqual((layout.xaxis2 as { range: number[] }).range);
    expect(data.filter(({ showlegend }) => showlegend).map(({ name }) => name)).toEqual([
      'train',
      'validation',
      'level',
    ]);
  });

  it.each([
    ['no panel', [], {}, '0 panels'],
    ['no evaluation', [{ title: 'empty', runs: [] }], {}, "'empty'"],
    ['too small', panels(1), { width: 100 }, '100 wide'],
  ])('%s: one line', (_, given, options, part) => {
    expect(messageOf(ArgumentError, () => accuracyPanels(given, { title: 'x', ...options }))).toContain(part);
  });
});
