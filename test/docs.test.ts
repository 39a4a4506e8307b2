import { describe, expect, it } from 'vitest';
import { examplesOf, runExamples } from './support/markdown';

const [operation = '', model = '', optimiser = '', ...more] = examplesOf('docs/extend.md');
const [compiler = '', ...others] = examplesOf('lib/compile/README.md');
const [ofOperation, ofModel, ofOptimiser, ofCompiler] = runExamples([operation, model, optimiser, compiler]);

/** Lines of an example, without empty ones and those that import. */
const linesOf = (example: string) =>
  example
    .replace(/^import [^;]*;\n/gm, '')
    .split('\n')
    .filter((line) => line.trim() !== '');

describe('docs/extend.md', () => {
  it('has three examples, of at most thirty lines each', () => {
    expect(more).toEqual([]);
    for (const example of [operation, model, optimiser])
      expect(linesOf(example).length).toBeLessThanOrEqual(30);
  });

  it('your own operation: value and gradient, compiled as eager', () => {
    expect(ofOperation).toMatchObject({ mistakes: [], stderr: '' });
    expect(ofOperation?.stdout.trim().split('\n')).toEqual([
      'compiled: -1,-1,1,1 and 0,2,3,0',
      'eager:    -1,-1,1,1 and 0,2,3,0',
    ]);
  });

  it('your own model learns the pairs that it is not trained on', () => {
    expect(ofModel).toMatchObject({ mistakes: [], stderr: '' });
    expect(Number(/accuracy ([\d.]+)/.exec(ofModel?.stdout ?? '')?.[1])).toBeGreaterThan(0.95);
  });

  it('your own optimiser finds the bottom', () => {
    expect(ofOptimiser).toMatchObject({ mistakes: [], stderr: '' });
    const [from, to] = (/from ([\d.]+) to ([\d.]+)/.exec(ofOptimiser?.stdout ?? '') ?? [])
      .slice(1)
      .map(Number);
    expect(from).toBe(13);
    expect(to).toBeLessThan(0.01);
  });
});

describe('lib/compile/README.md', () => {
  it('has one example of 25 lines, which runs and fits the curve', () => {
    expect(others).toEqual([]);
    expect(linesOf(compiler).length).toBeLessThanOrEqual(25);
    expect(ofCompiler).toMatchObject({ mistakes: [], stderr: '' });
    expect(ofCompiler?.stdout).toContain('w2 has 32 weights');
    const loss = Number(/loss ([\d.e-]+);/.exec(ofCompiler?.stdout ?? '')?.[1]);
    expect(loss).toBeGreaterThan(0);
    expect(loss).toBeLessThan(0.01);
  });
});
