/** @file A comparison of a moment: two arms on mod 7 with a model of width 8. */
import type { ComparisonProtocol } from '../../lib/sweep/comparison/protocol';

/** The protocol, with some of its members replaced. */
export function tinyProtocol(changes: Partial<ComparisonProtocol> = {}): ComparisonProtocol {
  return {
    title: 'Tiny',
    notes: [],
    base: { preset: 'gpt', operation: 'add', modulus: 7, trainFraction: 0.5, dModel: 8, batchSize: 'full' },
    // Two in a row above chance: some runs have it soon, some not.
    event: { accuracy: 0.2, evaluations: 2, every: 5 },
    drops: { steps: 20, below: 0.2, leastPairs: 2 },
    arms: [
      {
        name: 'adamw',
        title: 'AdamW',
        options: { optimizer: 'adamw', betas: [0.9, 0.98] },
        grid: [
          [0.01, 1],
          [0.03, 1],
        ],
        msPerStep: 1,
      },
      {
        name: 'adam-l2',
        title: 'Adam, L2',
        options: { optimizer: 'adam', betas: [0.9, 0.98] },
        grid: [
          [0.01, 0.01],
          [0.03, 0.01],
        ],
        msPerStep: 1,
      },
    ],
    groups: { best: ['adamw', 'adam-l2'] },
    pilot: { seeds: [1], budget: 10, expectedSteps: 10, grids: { adamw: [[0.02, 1]] } },
    tuning: { seeds: [10, 11], budget: 50, expectedSteps: 40 },
    test: { seeds: [20, 21, 22], budget: 60, expectedSteps: 60 },
    sensitivity: { arms: ['adamw'], expectedSteps: 40 },
    exploratory: {
      seeds: [30],
      budget: 20,
      expectedSteps: 20,
      arms: ['best'],
      settings: [{ name: 'subtract', title: 'x − y', options: { operation: 'sub' }, cost: 1 }],
    },
    claims: [
      { name: 'sooner', text: 'One is sooner.', measure: 'event', arm: 'adamw', against: 'adam-l2' },
      { name: 'steadier', text: 'One is steadier.', measure: 'drops', arm: 'adamw', against: 'adam-l2' },
      { name: 'other way', text: 'The other is sooner.', measure: 'event', arm: 'adam-l2', against: 'adamw' },
    ],
    statistics: { level: 0.95, resamples: 200, seed: 0, negligible: [0.9, 1.1] },
    ...changes,
  };
}
