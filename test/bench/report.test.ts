import { describe, expect, it } from 'vitest';
import { disagreement } from '../../bench/harness/agreement.mjs';
import { ratioTable, results } from '../../bench/harness/report.mjs';

const measured = (name: string, rounds: number[]) => ({
  name,
  description: `what ${name} is`,
  versions: {},
  settings: {},
  losses: [],
  rounds,
});

describe('results', () => {
  const rows = results([measured('compiled', [10, 20, 10]), measured('peer', [50, 80, 40])], 'compiled');

  it('keeps every round and puts the slowest first', () => {
    expect(rows.map(({ name }) => name)).toEqual(['peer', 'compiled']);
    expect(rows[0]?.msPerStep).toMatchObject({ median: 50, min: 40, max: 80, rounds: [50, 80, 40] });
  });

  it('takes the median of paired ratios, not the ratio of medians', () => {
    expect(rows[0]?.ratio).toEqual({ median: 4, q1: 4, q3: 4.5, min: 4, max: 5, rounds: [5, 4, 4] });
  });

  it('needs the baseline', () => {
    expect(() => results([measured('peer', [1])], 'compiled')).toThrow(RangeError);
  });

  it('is printed as ratios alone', () => {
    expect(ratioTable({ rows, unit: '× compiled', baseline: 'compiled' }).split('\n')).toEqual([
      '          × compiled  quartiles    range',
      'peer      4.00        4.00 – 4.50  4.00 – 5.00  what peer is',
      'compiled  1                                     what compiled is',
    ]);
  });
});

describe('disagreement', () => {
  const reference = { name: 'compiled', losses: [4.75, 4.73, 4.72] };

  it('accepts losses that differ by rounding', () => {
    expect(disagreement([reference, { name: 'peer', losses: [4.7501, 4.73, 4.7195] }])).toBeUndefined();
  });

  it.each([
    ['another loss', [4.75, 4.73, 4.71]],
    ['NaN', [4.75, Number.NaN, 4.72]],
    ['too few losses', [4.75, 4.73]],
  ])('names the contender with %s', (_, losses) => {
    const others = [
      { name: 'good', losses: reference.losses },
      { name: 'bad', losses },
    ];
    expect(disagreement([reference, ...others])).toMatch(
      /^bad does not do the same work: .*those of compiled/,
    );
  });
});
