import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finiteEvaluations, phases } from '../../lib/analysis/phases';
import type { Evaluation } from '../../lib/train/progress';

/** A history from training and validation accuracies, evaluated every 100 steps. */
function history(...accuracies: [train: number, validation: number][]): Evaluation[] {
  return accuracies.map(([trainAccuracy, validationAccuracy], index) => ({
    epoch: 100 * index,
    trainAccuracy,
    trainLoss: 1,
    validationAccuracy,
    validationLoss: 1,
  }));
}

const grokking = history([0, 0], [0.5, 0], [0.99, 0], [1, 0.05], [1, 0.09], [1, 0.4], [1, 0.99], [1, 1]);

describe('phases', () => {
  it('finds the turning points of a grokking run', () => {
    expect(phases(grokking)).toEqual({
      memorised: 200,
      rising: 400,
      generalised: 600,
      spans: [
        { name: 'memorisation', from: 0, to: 200 },
        { name: 'circuit formation', from: 200, to: 400 },
        { name: 'clean-up', from: 400, to: 600 },
        { name: 'generalised', from: 600, to: 700 },
      ],
    });
  });

  it('measures the rise from the validation accuracy when memorised', () => {
    const head = history([0, 0], [1, 0.5], [1, 0.54], [1, 0.55], [1, 1]); // level: 0.5 + 0.1 · 0.49 = 0.549
    expect(phases(head).rising).toBe(200);
  });

  it('takes a passing spike for no rise', () => {
    const spike = history([1, 0], [1, 0.8], [1, 0.02], [1, 0.03], [1, 0.7], [1, 1]);
    expect(phases(spike).rising).toBe(300);
  });

  it('ends in clean-up if validation was rising when the run stopped', () => {
    const cut = grokking.slice(0, 6);
    expect(phases(cut)).toMatchObject({ memorised: 200, rising: 400, generalised: undefined });
    expect(phases(cut).spans.at(-1)).toEqual({ name: 'clean-up', from: 400, to: 500 });
  });

  it('ends on the plateau if the run never generalised', () => {
    const stuck = history([0, 0], [1, 0.01], [1, 0.02], [1, 0.02]);
    expect(phases(stuck).spans).toEqual([
      { name: 'memorisation', from: 0, to: 100 },
      { name: 'circuit formation', from: 100, to: 300 },
    ]);
  });

  it('knows only memorisation before the training rows are learned', () => {
    expect(phases(history([0, 0], [0.5, 0.1]))).toEqual({
      memorised: undefined,
      rising: undefined,
      generalised: undefined,
      spans: [{ name: 'memorisation', from: 0, to: 100 }],
    });
  });

  it('leaves plateau and clean-up out of a run that generalises as it learns', () => {
    const quick = history([0, 0], [0.5, 0.5], [1, 1], [1, 1]);
    expect(phases(quick).spans.map(({ name }) => name)).toEqual(['memorisation', 'generalised']);
  });

  it('lets validation be first', () => {
    const odd = history([0, 0], [0.9, 0.99], [1, 0.97], [1, 1]);
    expect(phases(odd)).toMatchObject({ memorised: 200, generalised: 100 });
    expect(phases(odd).spans.map(({ name }) => name)).toEqual(['memorisation', 'generalised']);
  });

  it('has points but no stages for a single evaluation, and nothing for none', () => {
    expect(phases(history([1, 1]))).toEqual({ memorised: 0, rising: 0, generalised: 0, spans: [] });
    expect(phases([]).spans).toEqual([]);
  });

  it('leaves out what is not finite, in any order of rows', () => {
    const nan = {
      epoch: 800,
      trainAccuracy: 0,
      trainLoss: Number.NaN,
      validationAccuracy: 0,
      validationLoss: Number.NaN,
    };
    expect(phases([nan, ...grokking].reverse())).toEqual(phases(grokking));
    expect(finiteEvaluations([nan])).toEqual([]);
  });

  it('takes other targets', () => {
    expect(phases(grokking, { target: 0.4 })).toMatchObject({ memorised: 100, generalised: 500 });
    expect(phases(grokking, { rise: 0.5 }).rising).toBe(500);
  });

  it('covers the run without gaps, whatever the accuracies', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(share, share), { minLength: 2, maxLength: 30 }), (accuracies) => {
        const { spans } = phases(history(...accuracies), { target: 0.8 });
        expect(spans[0]?.from).toBe(0);
        expect(spans.at(-1)?.to).toBe(100 * (accuracies.length - 1));
        spans.forEach((span, index) => {
          expect(span.from).toBeLessThan(span.to);
          if (index > 0) expect(span.from).toBe(spans[index - 1]?.to);
        });
      }),
    );
  });

  it('refuses options out of range, in one line', () => {
    expect(() => phases(grokking, { target: 99 })).toThrow(
      'target is 99, expected an accuracy above 0 and at most 1',
    );
    expect(() => phases(grokking, { rise: 0 })).toThrow(
      'rise is 0, expected a share strictly between 0 and 1',
    );
  });
});
