import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ObservedRun, type OrderOptions, orderOfEvents } from '../../lib/analysis/order-of-events';
import { spectrumMeasures } from '../../lib/analysis/spectrum';
import { matrixCourses, modelCourse, spectrumDrop } from '../../lib/analysis/spectrum-course';
import { ArgumentError } from '../../lib/errors';
import { messageOf } from '../support/one-line';
import { spectrumOf } from '../support/spectrum';

const courseOf = (...values: number[]) => ({ steps: values.map((_, i) => 10 * i), values });

describe('spectrumDrop', () => {
  it('is the first step in the lower half of the way from the maximum to the final value', () => {
    expect(spectrumDrop(courseOf(2, 9, 10, 8, 6.1, 6, 3, 2))).toEqual({
      step: 50,
      maximum: 10,
      maximumStep: 20,
      final: 2,
      fall: 0.8,
    });
  });

  it('is where the share asked for is fallen', () => {
    const course = courseOf(0, 10, 9.5, 9, 6, 5, 2, 1, 0.5, 0);
    const step = (share: number) => spectrumDrop(course, { share })?.step;
    expect([0.05, 0.1, 0.5, 0.9, 0.95, 0.99].map(step)).toEqual([20, 30, 50, 70, 80, 90]);
    expect(spectrumDrop(course)).toEqual(spectrumDrop(course, { share: 0.5 }));
  });

  it('looks after the maximum alone, and at the first fall of several', () => {
    expect(spectrumDrop(courseOf(0, 10, 9, 2, 8, 4))?.step).toBe(30);
    expect(spectrumDrop(courseOf(10, 1, 10, 9, 5, 4))?.step).toBe(10);
  });

  it('is none where the maximum is at the end, nothing changes, or less is lost than asked for', () => {
    for (const values of [[1, 2, 3], [2, 2, 2], [3, 1, 3], [0, 0], [5], []])
      expect(spectrumDrop(courseOf(...values)), `${values}`).toBeUndefined();
    expect(spectrumDrop(courseOf(10, 9.6, 9.5), { leastFall: 0.05 })?.step).toBe(10);
    expect(spectrumDrop(courseOf(10, 9.7, 9.6), { leastFall: 0.05 })).toBeUndefined();
  });

  it('passes over values that are not finite', () => {
    expect(spectrumDrop(courseOf(Number.NaN, 4, Number.NaN, 1, 0, Number.NaN))).toMatchObject({
      step: 30,
      final: 0,
    });
  });

  const courses = fc.array(fc.nat(9), { minLength: 1, maxLength: 12 });
  /** Of 64ths, in which the arithmetic of these courses is exact. */
  const shares = fc.integer({ min: 1, max: 63 }).map((part) => part / 64);

  it('finds, on any course, the first value after the maximum that is down by the share', () => {
    fc.assert(
      fc.property(courses, shares, (values, share) => {
        const drop = spectrumDrop(courseOf(...values), { share });
        const [maximum, final] = [Math.max(...values), values.at(-1) as number];
        if (drop === undefined) {
          expect(maximum).toBe(final);
          return;
        }
        const [from, to] = [values.indexOf(maximum), drop.step / 10];
        const level = maximum - share * (maximum - final);
        expect(drop.maximumStep).toBe(10 * from);
        expect(to).toBeGreaterThan(from);
        expect(values[to]).toBeLessThanOrEqual(level);
        for (let i = from; i < to; i++) expect(values[i]).toBeGreaterThan(level);
      }),
    );
  });

  it('is never earlier for a larger share', () => {
    fc.assert(
      fc.property(courses, shares, shares, (values, one, other) => {
        const step = (share: number) => spectrumDrop(courseOf(...values), { share })?.step ?? -1;
        expect(step(Math.max(one, other))).toBeGreaterThanOrEqual(step(Math.min(one, other)));
      }),
    );
  });

  it('refuses values without their steps and a share that is none', () => {
    expect(messageOf(ArgumentError, () => spectrumDrop({ steps: [1], values: [1, 2] }))).toContain(
      '2 values',
    );
    expect(messageOf(ArgumentError, () => spectrumDrop(courseOf(1), { leastFall: 2 }))).toContain(
      'leastFall',
    );
    for (const share of [0, 1, -0.1, Number.NaN])
      expect(messageOf(ArgumentError, () => spectrumDrop(courseOf(1), { share }))).toContain(
        `share is ${share}`,
      );
  });
});

const spectrum = spectrumOf([0, 10], {
  a: [
    [2, 2],
    [4, 0],
  ],
  b: [
    [3, 0, 0],
    [1, 1, 1],
  ],
});

describe('matrixCourses', () => {
  it('are the measures of each matrix at each step, of the matrices asked for', () => {
    const [b, ...others] = matrixCourses(spectrum, ['b']);
    expect(others).toEqual([]);
    expect(b?.sum).toEqual([3, 3]);
    expect(b?.effectiveRank).toEqual([1, spectrumMeasures([1, 1, 1]).effectiveRank]);
    expect(matrixCourses(spectrum).map(({ name }) => name)).toEqual(['a', 'b']);
    expect(messageOf(ArgumentError, () => matrixCourses(spectrum, ['c']))).toContain('a, b');
  });
});

describe('modelCourse', () => {
  it('adds what is a size, and takes the mean of ranks as shares of the largest', () => {
    expect(modelCourse(spectrum, 'sum')).toEqual({ steps: [0, 10], values: [7, 7] });
    expect(modelCourse(spectrum, 'norm').values[0]).toBeCloseTo(Math.sqrt(8 + 9), 12);
    const ranks = modelCourse(spectrum, 'effectiveRank').values;
    expect(ranks[0]).toBeCloseTo((2 / 2 + 1 / 3) / 2, 12);
    expect(ranks[1]).toBeCloseTo((1 / 2 + 3 / 3) / 2, 12);
  });
});

/** A run of 100 steps whose events come at given steps; Σσ and rank halve there. */
function runOf(
  label: string,
  events: { train?: number; validation?: number; rank?: number; sum?: number },
): ObservedRun {
  const steps = Array.from({ length: 11 }, (_, i) => 10 * i);
  const after = (step: number, event?: number) => event !== undefined && step >= event;
  const accuracy = (step: number, event?: number) => (after(step, event) ? 1 : 0.5);
  return {
    label,
    evaluations: steps.map((epoch) => ({
      epoch,
      trainAccuracy: accuracy(epoch, events.train),
      trainLoss: 1,
      validationAccuracy: accuracy(epoch, events.validation),
      validationLoss: 1,
    })),
    spectrum: spectrumOf(steps, {
      w: steps.map((step) => {
        const values = after(step, events.rank) ? [2, 0] : [1, 1];
        return values.map((value) => (after(step, events.sum) ? value / 2 : value));
      }),
    }),
  };
}

/** A Σσ that falls by the same amount at every step recorded, to 0 at step 100; the rank stays. */
const hundred = Array.from({ length: 11 }, (_, i) => 10 * i);
const steady = spectrumOf(hundred, { w: hundred.map((step) => [10 - step / 10, 10 - step / 10]) });

describe('orderOfEvents', () => {
  const runs = [
    runOf('seed 0', { train: 10, rank: 40, sum: 50, validation: 60 }),
    runOf('seed 1', { train: 20, rank: 30, sum: 30, validation: 70 }),
    runOf('seed 2', { train: 10, rank: 80, sum: 60, validation: 70 }),
    runOf('seed 3', { train: 10, sum: 60 }),
    runOf('seed 4', { train: 20, rank: 60, sum: 70, validation: 90 }),
  ];

  it('tells the order in each run and how often each occurs', () => {
    const { runs: ordered, counts } = orderOfEvents(runs);
    expect(ordered[0]?.steps).toEqual({ train: 10, rank: 40, sum: 50, validation: 60 });
    expect(ordered.map(({ order }) => order)).toEqual([
      'train < rank < sum < validation',
      'train < rank = sum < validation',
      'train < sum < validation < rank',
      'train < sum',
      'train < rank < sum < validation',
    ]);
    expect([...counts][0]).toEqual(['train < rank < sum < validation', 2]);
    expect([...counts.values()].reduce((a, b) => a + b)).toBe(runs.length);
  });

  it('counts which of two comes first; what happened precedes what did not', () => {
    const { precedences } = orderOfEvents(runs);
    const of = (first: string, second: string) =>
      precedences.find((each) => each.first === first && each.second === second);
    expect(precedences).toHaveLength(6);
    expect(of('rank', 'validation')).toMatchObject({ before: 3, together: 0, after: 1, neither: 1 });
    expect(of('rank', 'sum')).toMatchObject({ before: 2, together: 1, after: 2, neither: 0 });
    expect(of('sum', 'validation')).toMatchObject({ before: 5, after: 0 });
  });

  it('tells events as simultaneous with the first of them, so that ties do not chain', () => {
    const chain = runOf('chain', { train: 10, rank: 40, sum: 50, validation: 60 });
    const { runs: ordered, precedences } = orderOfEvents([chain], { within: 10 });
    expect(ordered[0]?.order).toBe('train < rank = sum < validation');
    expect(
      precedences.find(({ first, second }) => first === 'rank' && second === 'validation'),
    ).toMatchObject({ before: 1, together: 0 });
    expect(orderOfEvents([chain], { within: 20 }).runs[0]?.order).toBe('train < rank = sum = validation');
    expect(orderOfEvents([chain], { within: 50 }).runs[0]?.order).toBe('train = rank = sum = validation');
  });

  it('tells a tie in one way, whichever of its events is earlier', () => {
    const ties = [
      runOf('rank first', { train: 10, rank: 40, sum: 50, validation: 80 }),
      runOf('sum first', { train: 10, rank: 50, sum: 40, validation: 80 }),
    ];
    expect([...orderOfEvents(ties, { within: 10 }).counts]).toEqual([['train < rank = sum < validation', 2]]);
  });

  it('takes the final value so many steps after the validation accuracy, if that arrives', () => {
    const run = { ...runOf('falling on', { train: 10, validation: 40 }), spectrum: steady };
    const sum = (options: OrderOptions, each: ObservedRun = run) =>
      orderOfEvents([each], options).runs[0]?.steps.sum;
    expect(sum({})).toBe(50);
    expect(sum({ stepsAfterValidation: 20 })).toBe(30);
    expect(sum({ stepsAfterValidation: 0 })).toBe(20);
    const never = { ...runOf('not there', { train: 10 }), spectrum: steady };
    expect(sum({ stepsAfterValidation: 20 }, never)).toBe(50);
  });

  it('counts the fall asked for as a drop, none that is smaller', () => {
    const steps = [0, 10, 20, 30];
    const spectrum = spectrumOf(steps, { w: [100, 100, 97, 97].map((value) => [value, value]) });
    const run = { ...runOf('3 %', { train: 10, validation: 20 }), spectrum };
    const told = (options: OrderOptions) => orderOfEvents([run], options).runs[0]?.order;
    expect(told({})).toBe('train < sum = validation');
    expect(told({ leastFall: 0.03 })).toBe('train < sum = validation');
    expect(told({ leastFall: 0.05 })).toBe('train < validation');
  });

  it('takes how far a measure must have fallen', () => {
    const run = { ...runOf('steady', {}), spectrum: steady };
    const sum = (share: number) => orderOfEvents([run], { share }).runs[0]?.steps.sum;
    expect([0.1, 0.5, 0.9].map(sum)).toEqual([10, 50, 90]);
  });

  it('takes the first of two evaluations in a row, so that a spike is no arrival', () => {
    const run = runOf('spike', { train: 10, validation: 70 });
    const evaluations = run.evaluations.map((row) =>
      row.epoch === 30 ? { ...row, validationAccuracy: 1 } : row,
    );
    const step = (options = {}) =>
      orderOfEvents([{ ...run, evaluations }], options).runs[0]?.steps.validation;
    expect(step()).toBe(70);
    expect(step({ evaluations: 1 })).toBe(30);
    expect(step({ accuracy: 0.4 })).toBe(0);
  });

  it.each([
    [{ accuracy: 2 }],
    [{ evaluations: 0 }],
    [{ within: Number.NaN }],
    [{ share: 1 }],
    [{ leastFall: -1 }],
    [{ stepsAfterValidation: -1 }],
    [{ matrices: ['v'] }],
  ])('refuses %j in one line', (options) => {
    messageOf(ArgumentError, () => orderOfEvents(runs, options));
  });
});
