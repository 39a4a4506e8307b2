import { describe, expect, it } from 'vitest';
import { spread } from '../../lib/analysis/spread';
import type { Evaluation } from '../../lib/train/progress';

const row = (epoch: number, accuracy: number, loss = 1): Evaluation => ({
  epoch,
  trainAccuracy: accuracy,
  trainLoss: loss,
  validationAccuracy: accuracy,
  validationLoss: loss,
});
const accuracies = (rows: readonly Evaluation[]) => rows.map((evaluation) => evaluation.validationAccuracy);

describe('spread', () => {
  it('gives median and extremes at each step', () => {
    const { low, median, high } = spread([
      [row(0, 0.1), row(10, 0.2)],
      [row(0, 0.2), row(10, 0.9)],
      [row(0, 0.6), row(10, 0.4)],
    ]);
    expect(low.map(({ epoch }) => epoch)).toEqual([0, 10]);
    expect(accuracies(low)).toEqual([0.1, 0.2]);
    expect(accuracies(median)).toEqual([0.2, 0.4]);
    expect(accuracies(high)).toEqual([0.6, 0.9]);
  });

  it('halves the middle two of an even number', () => {
    expect(accuracies(spread([[row(0, 0.25)], [row(0, 0.75)]]).median)).toEqual([0.5]);
  });

  it('keeps the last values of a run that has stopped', () => {
    const { low } = spread([
      [row(0, 0.1), row(10, 0.7)],
      [row(0, 1), row(10, 1), row(20, 1)],
    ]);
    expect(accuracies(low)).toEqual([0.1, 0.7, 0.7]);
  });

  it('leaves a run out before its first evaluation', () => {
    const { high } = spread([[row(0, 0.1), row(10, 0.1)], [row(10, 0.9)]]);
    expect(accuracies(high)).toEqual([0.1, 0.9]);
  });

  it('interpolates between evaluations, losses by their ratio', () => {
    const { median } = spread([[row(0, 0, 1), row(20, 1, 1e-4)], [row(10, 0.5, 1e-2)]]);
    expect(median[1]?.trainAccuracy).toBeCloseTo(0.5, 12);
    expect(median[1]?.trainLoss).toBeCloseTo(1e-2, 12);
    const zero = spread([[row(0, 0, 1), row(20, 0, 0)], [row(10, 0, 0.5)]]);
    expect(zero.median[1]?.trainLoss).toBe(0.5);
  });

  it('is empty for no runs', () => {
    expect(spread([[], []])).toEqual({ median: [], low: [], high: [] });
  });
});
