import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ArgumentError, FileError } from '../../lib/errors';
import { readComparison } from '../../lib/sweep/comparison/folder';
import {
  exploratoryRuns,
  pilotRuns,
  sensitivityRuns,
  standInChoices,
  testRuns,
  tuningRuns,
} from '../../lib/sweep/comparison/plan';
import { type ComparisonProtocol, parseProtocol } from '../../lib/sweep/comparison/protocol';
import { messageOf } from '../support/one-line';
import { tinyProtocol } from './tiny-protocol';

const protocol = tinyProtocol();

describe('parseProtocol', () => {
  const read = (change: (draft: ComparisonProtocol) => unknown) => () =>
    parseProtocol(JSON.stringify(change(structuredClone(protocol))), 'p.json');

  it('reads the published one, whose runs all make sense', () => {
    const folder = fileURLToPath(new URL('../../output/published/truegrad/', import.meta.url));
    const published = parseProtocol(readFileSync(join(folder, 'protocol.json'), 'utf8'));
    // One geometry for every arm: four rates in steps of 2, three decays in steps of 2, or of 3 where they are coupled.
    for (const { grid, options } of published.arms) {
      const rates = [...new Set(grid.map(([rate]) => rate))];
      expect(rates.slice(1).map((rate, i) => rate / (rates[i] as number))).toEqual(
        new Array(3).fill(expect.closeTo(2, 6)),
      );
      // Steps of 3 in round numbers are 3.33 and 3.
      const step = options.optimizer === 'adam' ? expect.closeTo(3, 0) : expect.closeTo(2, 3);
      for (const rate of rates) {
        const decays = grid.flatMap(([own, decay]) => (own === rate ? decay : []));
        expect(decays.slice(1).map((decay, i) => decay / (decays[i] as number))).toEqual([step, step]);
      }
    }
    const { times } = readComparison(folder);
    if (times.measured !== null) {
      for (const ofArms of [times.msPerStep, times.ratio])
        expect(Object.keys(ofArms).sort()).toEqual(published.arms.map(({ name }) => name).sort());
    }
    expect(published.test.seeds).toHaveLength(12);
    expect(tuningRuns(published)).toHaveLength(published.arms.length * 24);
    const anyChoices = standInChoices(published);
    const all = [
      pilotRuns(published),
      tuningRuns(published),
      testRuns(published, anyChoices),
      sensitivityRuns(published, anyChoices),
      exploratoryRuns(published, anyChoices),
    ].flat();
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(new Set(all.map(({ digest }) => digest)).size).toBe(all.length);
  });

  it('makes trials of learning rates with products or with decays', () => {
    const grids = (one: unknown, other: unknown) => {
      const { arms } = JSON.parse(JSON.stringify(protocol));
      const draft = {
        ...protocol,
        arms: [
          { ...arms[0], grid: one },
          { ...arms[1], grid: other },
        ],
      };
      return parseProtocol(JSON.stringify(draft)).arms.map(({ grid }) => grid);
    };
    expect(
      grids(
        { learningRates: [0.0015, 0.003], products: [0.009, 0.018] },
        { learningRates: [0.001, 0.002], decays: [0.1, 0.3] },
      ),
    ).toEqual([
      [
        [0.0015, 6],
        [0.0015, 12],
        [0.003, 3],
        [0.003, 6],
      ],
      [
        [0.001, 0.1],
        [0.001, 0.3],
        [0.002, 0.1],
        [0.002, 0.3],
      ],
    ]);
    expect(messageOf(FileError, () => grids({ learningRates: [0.1], products: [0] }, [[1, 1]]))).toContain(
      'arms.0.grid is wrong: expected trials',
    );
  });

  it.each<[string, (draft: ComparisonProtocol) => unknown, string]>([
    ['no object', () => 3, 'the file is wrong'],
    ['a misspelt key', (p) => ({ ...p, titel: 'x' }), 'titel'],
    ['a missing key', (p) => ({ ...p, claims: undefined }), 'claims is wrong'],
    ['a text for a number', (p) => ({ ...p, drops: { ...p.drops, below: '.95' } }), 'drops.below is wrong'],
    [
      'an arm with fewer trials',
      (p) => ({ ...p, arms: [p.arms[0], { ...p.arms[1], grid: [[1, 1]] }] }),
      'the arm adam-l2 has 1 trials, adamw has 2',
    ],
    [
      'a seed of tuning in the test',
      (p) => ({ ...p, test: { ...p.test, seeds: [11] } }),
      'seed 11 is in tuning and in test',
    ],
    [
      'a seed of the pilot in tuning',
      (p) => ({ ...p, tuning: { ...p.tuning, seeds: [1] } }),
      'seed 1 is in pilot',
    ],
    ['a seed twice', (p) => ({ ...p, test: { ...p.test, seeds: [5, 5] } }), 'test.seeds has a seed twice'],
    ['a budget between evaluations', (p) => ({ ...p, test: { ...p.test, budget: 61 } }), 'test.budget is 61'],
    ['an unknown arm', (p) => ({ ...p, groups: { best: ['adamax'] } }), 'groups.best names adamax'],
    ['an arm twice', (p) => ({ ...p, arms: [p.arms[0], p.arms[0]] }), 'adamw is given twice'],
    [
      'a group like an arm',
      (p) => ({ ...p, groups: { ...p.groups, adamw: ['adamw'] } }),
      'an arm and a group',
    ],
    [
      'a name that is no file name',
      (p) => ({ ...p, arms: [p.arms[0], { ...p.arms[1], name: '../x' }] }),
      'arms.1.name',
    ],
    [
      'a seed of an arm’s own',
      (p) => ({ ...p, arms: [p.arms[0], { ...p.arms[1], options: { seed: 1 } }] }),
      'the arm adam-l2 has seed',
    ],
    [
      'a level of 1',
      (p) => ({ ...p, statistics: { ...p.statistics, level: 1 } }),
      'statistics.level is wrong',
    ],
    [
      'few resamples',
      (p) => ({ ...p, statistics: { ...p.statistics, resamples: 99 } }),
      'statistics.resamples is wrong',
    ],
    [
      'an exploratory seed of the test',
      (p) => ({ ...p, exploratory: { ...p.exploratory, seeds: [20] } }),
      'seed 20 is in test and in exploratory',
    ],
    [
      'drops between evaluations',
      (p) => ({ ...p, drops: { ...p.drops, steps: 21 } }),
      'drops.steps is 21, expected a multiple of event.every, 5',
    ],
    [
      'a trial twice',
      (p) => ({
        ...p,
        arms: [
          p.arms[0],
          {
            ...p.arms[1],
            grid: [
              [1, 1],
              [1, 1],
            ],
          },
        ],
      }),
      'the arm adam-l2 has the trial 1, 1 twice',
    ],
    [
      'a group against one of its arms',
      (p) => ({ ...p, claims: [{ ...p.claims[0], arm: 'best', against: 'adamw' }] }),
      'the claim sooner has adamw on both sides',
    ],
    [
      'an unknown arm of the sensitivity',
      (p) => ({ ...p, sensitivity: { ...p.sensitivity, arms: ['best'] } }),
      'sensitivity.arms names best',
    ],
    ['a budget in the base', (p) => ({ ...p, base: { ...p.base, steps: 10 } }), 'base has steps'],
  ])('refuses %s', (_, change, part) => {
    expect(messageOf(FileError, read(change))).toContain(part);
  });

  it('refuses what is no JSON', () => {
    expect(messageOf(FileError, () => parseProtocol('{\n"title": ', 'p.json'))).toContain('p.json: no JSON');
  });

  it('names the arm whose options make no run', () => {
    const [first, second] = protocol.arms;
    const wrong = { ...protocol, arms: [first, { ...second, options: { optimizer: 'adamax' } }] };
    expect(messageOf(ArgumentError, () => tuningRuns(wrong as ComparisonProtocol))).toMatch(
      /^the arm adam-l2: optimizer is 'adamax'/,
    );
  });
});
