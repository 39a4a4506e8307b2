import { expect, it } from 'vitest';
import { examplesOf, runExamples } from './support/markdown';

it('the examples of the README are typed, and the first runs as it stands and finds the line', () => {
  const [example = '', ofLibrary = '', ...more] = examplesOf('README.md');
  expect(more).toEqual([]);
  expect(example).toContain("{ device: 'cpu' }");
  for (const name of ['simpleTrain', 'resume: true', 'loadDigits']) expect(ofLibrary).toContain(name);
  const [result, trained] = runExamples([example, ofLibrary], 1);
  expect(trained?.mistakes).toEqual([]);
  expect(result).toMatchObject({ mistakes: [], stderr: '' });
  const [loss, slope, intercept] = (result?.stdout ?? '').trim().split(' ').map(Number);
  expect(loss).toBeLessThan(1e-6);
  expect(slope).toBeCloseTo(2, 3);
  expect(intercept).toBeCloseTo(0.5, 3);
});
