import { JSDOM } from 'jsdom';
import { describe, expect, it } from 'vitest';
import type { Bundle } from '../../lib/train/notebook-display.node';
import { notebookProgress } from '../../lib/train/progress-notebook.node';
import { state } from './progress-states';

/** A display whose outputs are kept: one entry an output, its states in order. */
function outputs() {
  const shown: Bundle[][] = [];
  const display = (bundle: Bundle) => {
    const states = [bundle];
    shown.push(states);
    return { update: (next: Bundle) => void states.push(next) };
  };
  return { shown, display };
}

const document = (bundle: Bundle | undefined) => new JSDOM(String(bundle?.['text/html'])).window.document;

describe('notebookProgress', () => {
  it('replaces one output in place, at most five times a second', () => {
    const { shown, display } = outputs();
    let now = 0;
    const progress = notebookProgress({ display, now: () => now });
    for (; now <= 1000; now += 50) progress.update(state({ step: now }));
    progress.finish(state({ step: 2000 }), 'step budget used');
    expect(shown).toHaveLength(1);
    expect(shown[0]?.map((bundle) => /step ([\d,]+)/.exec(String(bundle['text/plain']))?.[1])).toEqual([
      '0',
      '200',
      '400',
      '600',
      '800',
      '1,000',
      '2,000',
    ]);
  });

  it('shows speed, time left, losses and accuracies', () => {
    const { shown, display } = outputs();
    notebookProgress({ display }).update(state());
    const text = document(shown[0]?.[0]).body.textContent;
    for (const part of [
      'step 500 of 2,000',
      '38.2 steps/s · ETA 39 s',
      'train loss 1.2e-6, accuracy 100 %',
      'validation loss 4.1, accuracy 12.3 %',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('leaves the truth behind when a run stops early', () => {
    const { shown, display } = outputs();
    const progress = notebookProgress({ display });
    progress.update(state());
    progress.finish(state({ step: 750 }), 'target reached: validation accuracy ≥ 99.0 %');
    const last = shown[0]?.at(-1);
    const page = document(last);
    expect(page.querySelector('[role=progressbar]')?.getAttribute('aria-valuenow')).toBe('37.5');
    expect(page.querySelector<HTMLElement>('[role=progressbar] > div')?.style.width).toBe('37.5%');
    expect(page.body.textContent).toContain(
      'step 750 of 2,000 · target reached: validation accuracy ≥ 99.0 %',
    );
    expect(page.body.textContent).not.toContain('ETA');
    expect(last?.['text/plain']).toMatch(/^step 750 of 2,000 · target reached/);
  });

  it('shows a closing line as text, whatever it contains', () => {
    const { shown, display } = outputs();
    notebookProgress({ display }).finish(state(), 'loss < 0 & <b>odd</b>');
    expect(document(shown[0]?.[0]).body.textContent).toContain('loss < 0 & <b>odd</b>');
  });
});
