import { expect, it } from 'vitest';
import { examplesOf, runExamples } from './support/markdown';

it('the example of the README is typed, runs as it stands and finds the line', () => {
  const [example = '', ...more] = examplesOf('README.md');
  expect(more).toEqual([]);
  expect(example).toContain("{ device: 'cpu' }");
  const [result] = runExamples([example]);
  expect(result).toMatchObject({ mistakes: [], stderr: '' });
  const [loss, slope, intercept] = (result?.stdout ?? '').trim().split(' ').map(Number);
  expect(loss).toBeLessThan(1e-6);
  expect(slope).toBeCloseTo(2, 3);
  expect(intercept).toBeCloseTo(0.5, 3);
});
