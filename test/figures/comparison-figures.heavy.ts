/** @file The figures of a comparison, drawn: every label is there, within the picture, and none covers another. */
import { describe, expect, it } from 'vitest';
import { effectForest } from '../../lib/figures/effect-forest';
import { eventStrip } from '../../lib/figures/event-strip';
import { type Figure, sizeOf } from '../../lib/figures/figure';
import { openRenderer } from '../../lib/figures/plotly-renderer.node';
import { survivalCurves } from '../../lib/figures/survival-curves';
import { ARMS, EFFECTS, STRIP_ARMS, SURVIVAL_ARMS } from './arms';
import { overlaps, texts } from './svg';

const renderer = openRenderer();
const labelsOf = async (figure: Figure) =>
  texts(await renderer.svg(figure, sizeOf(figure)), renderer.measure);

/** Every label is within the picture, and none covers another. */
async function expectLegible(figure: Figure, expected: readonly string[]) {
  const labels = await labelsOf(figure);
  const { width, height } = sizeOf(figure);
  for (const text of expected) expect(labels.map((label) => label.text).join('\n')).toContain(text);
  expect(overlaps(labels)).toEqual([]);
  for (const { text, box } of labels) {
    expect([text, box.left >= 0, box.right <= width, box.top >= -1, box.bottom <= height]).toEqual([
      text,
      true,
      true,
      true,
      true,
    ]);
  }
}

describe('the figures of a comparison', () => {
  it('names every arm of ten, no label upon another', async () => {
    const names = ARMS.map(([label]) => label);
    await expectLegible(
      survivalCurves(SURVIVAL_ARMS, { title: 'Not yet grokked', subtitle: 'seeds' }),
      names,
    );
    await expectLegible(survivalCurves(SURVIVAL_ARMS, { title: 'Small', columns: 2, width: 560 }), names);
    await expectLegible(survivalCurves(SURVIVAL_ARMS.slice(0, 1), { title: 'One', width: 480 }), ['AdamW']);
  });

  it('names every arm with its median and quartiles, no label upon another', async () => {
    const figure = eventStrip(STRIP_ARMS, { title: 'Steps to 99 % validation accuracy' });
    await expectLegible(figure, [...ARMS.map(([label]) => label), ' not']);
    await expectLegible(eventStrip(STRIP_ARMS, { title: 'Small', width: 560, rowHeight: 22 }), []);
  });

  it('names every claim with its numbers, no label upon another', async () => {
    const figure = effectForest(EFFECTS, { title: 'Effects', axisTitle: 'ratio of steps' });
    await expectLegible(figure, ['1.20 [0.80, 1.75]', '3.20 [2.40, no end]', 'adjusted .03']);
    const differences = EFFECTS.map((effect) => ({ ...effect, estimate: -0.2, low: -12.5, high: 3 }));
    await expectLegible(effectForest(differences, { title: 'Drops', kind: 'difference' }), [
      '−0.20 [−12.5, 3.00]',
    ]);
  });
});
