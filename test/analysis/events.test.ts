import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dropsAfter, eventStep } from '../../lib/analysis/events';
import { ArgumentError } from '../../lib/errors';
import type { Evaluation } from '../../lib/train/progress';
import { messageOf } from '../support/one-line';

/** A run evaluated every 25 steps from 0 on with these validation accuracies. */
const run = (...accuracies: number[]): Evaluation[] =>
  accuracies.map((validationAccuracy, i) => ({
    epoch: 25 * i,
    trainAccuracy: 1,
    trainLoss: 0.1,
    validationAccuracy,
    validationLoss: 0.1,
  }));
const rule = { accuracy: 0.99, evaluations: 2, every: 25, budget: 1000 };

describe('eventStep', () => {
  it.each([
    ['two in a row', run(0.1, 0.99, 0.995, 0.2), 25],
    ['a single spike', run(0.1, 0.99, 0.5, 0.99, 0.98), null],
    ['a spike, then two', run(0, 1, 0, 1, 1), 75],
    ['at the very first', run(1, 1), 0],
    ['NaN between', run(0.99, Number.NaN, 0.99, 0.99), 50],
    ['no evaluation', [], null],
  ])('%s', (_, evaluations, expected) => {
    expect(eventStep(evaluations, rule)).toBe(expected);
  });

  it('counts no evaluation beyond the budget, not even to confirm', () => {
    const evaluations = run(0, 0, 1, 1);
    expect(eventStep(evaluations, { ...rule, budget: 75 })).toBe(50);
    expect(eventStep(evaluations, { ...rule, budget: 74 })).toBeNull();
  });

  it('leaves out the evaluation between the multiples that ends a budget, and takes none across a gap', () => {
    const last = { ...run(1)[0], epoch: 60 } as Evaluation;
    expect(eventStep([...run(0, 0, 1), last], rule)).toBeNull();
    const gap = run(0, 1, 0, 1, 1).filter(({ epoch }) => epoch !== 50);
    expect(eventStep(gap, rule)).toBe(75);
  });

  it('finds the least step from which as many evaluations as asked for reach the accuracy', () => {
    const shares = fc.array(fc.constantFrom(0, 0.98, 0.99, 1), { maxLength: 30 });
    fc.assert(
      fc.property(shares, fc.integer({ min: 1, max: 4 }), (accuracies, evaluations) => {
        const found = accuracies.findIndex(
          (_, i) =>
            i + evaluations <= accuracies.length &&
            accuracies.slice(i, i + evaluations).every((accuracy) => accuracy >= 0.99),
        );
        expect(eventStep(run(...accuracies), { ...rule, evaluations })).toBe(found < 0 ? null : 25 * found);
      }),
    );
  });

  it.each([
    [{ accuracy: 0 }, 'accuracy is 0'],
    [{ accuracy: Number.NaN }, 'accuracy is NaN'],
    [{ evaluations: 0 }, 'evaluations is 0'],
    [{ every: 2.5 }, 'every is 2.5'],
    [{ budget: -1 }, 'budget is -1'],
  ])('refuses %j', (wrong, part) => {
    expect(messageOf(ArgumentError, () => eventStep([], { ...rule, ...wrong }))).toContain(part);
  });
});

describe('dropsAfter', () => {
  const drop = { after: 50, steps: 150, every: 25, below: 0.95 };

  it('counts evaluations and episodes after the event, within its steps', () => {
    //               0    25  50 75   100   125  150  175   200   225
    const history = run(0.1, 0.2, 1, 0.9, 0.94, 0.96, 0.5, 0.95, 0.99, 0.1);
    expect(dropsAfter(history, drop)).toEqual({ evaluations: 3, episodes: 2, lowest: 0.5, observed: 150 });
  });

  it('takes what is not a number for a drop, and says how far it could look', () => {
    expect(dropsAfter(run(0, 0, 1, 1, Number.NaN), drop)).toEqual({
      evaluations: 1,
      episodes: 1,
      lowest: 1,
      observed: 50,
    });
    expect(dropsAfter(run(0, 0, 1), drop)).toEqual({
      evaluations: 0,
      episodes: 0,
      lowest: null,
      observed: 0,
    });
  });
});
