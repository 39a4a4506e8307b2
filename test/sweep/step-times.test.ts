import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readStepTimes } from '../../lib/sweep/comparison/step-times';
import { temporaryFolder } from '../support/temporary';

const root = temporaryFolder();
let count = 0;
function folderWith(text?: string): string {
  count += 1;
  const folder = join(root, String(count));
  mkdirSync(folder);
  if (text !== undefined) writeFileSync(join(folder, 'step-times.json'), text);
  return folder;
}

/** What the benchmark's report has of it, and some of what it has besides. */
const report = {
  date: '2026-01-02T03:04:05.678Z',
  machine: { cpu: 'a processor', cores: 2 },
  rounds: 15,
  sections: [
    {
      id: 'arms-1',
      subtitle: '1 thread, 15 rounds',
      baseline: 'adamw',
      rows: [
        { name: 'adamw', msPerStep: { median: 20, q1: 19 }, ratio: { q1: 1, median: 1, q3: 1, max: 1 } },
        // The median of the ratios of a round, which is not 38.5 / 20.
        { name: 'released', msPerStep: { median: 38.5 }, ratio: { q1: 1.7, median: 1.8, q3: 1.9, max: 2.1 } },
      ],
    },
  ],
};

describe('the times of a step', () => {
  it('are the medians of the benchmark’s report and its paired ratios, with how they were measured', () => {
    expect(readStepTimes(folderWith(JSON.stringify(report)))).toEqual({
      measured: '1 thread, 15 rounds, a processor, 2026-01-02',
      msPerStep: { adamw: 20, released: 38.5 },
      ratio: { adamw: { q1: 1, median: 1, q3: 1 }, released: { q1: 1.7, median: 1.8, q3: 1.9 } },
    });
  });

  it('are none where nothing was measured', () => {
    expect(readStepTimes(folderWith())).toEqual({ measured: null, msPerStep: {}, ratio: {} });
  });

  it.each([
    ['no JSON', '{', 'no JSON'],
    ['another suite', { ...report, sections: [{ ...report.sections[0], id: 'gpt-1' }] }, 'sections.0.id'],
    ['two sections', { ...report, sections: [report.sections[0], report.sections[0]] }, 'sections'],
    [
      'a time of 0',
      { ...report, sections: [{ ...report.sections[0], rows: [{ name: 'a', msPerStep: { median: 0 } }] }] },
      'sections.0.rows.0.msPerStep.median',
    ],
    [
      'a time over none',
      { ...report, sections: [{ ...report.sections[0], rows: [{ name: 'a', msPerStep: { median: 1 } }] }] },
      'sections.0.rows.0.ratio',
    ],
    [
      'times over those of another arm',
      { ...report, sections: [{ ...report.sections[0], baseline: 'adam-l2' }] },
      'sections.0.baseline',
    ],
  ])('refuses %s in one line that names the file and what makes it', (_, content, problem) => {
    const folder = folderWith(typeof content === 'string' ? content : JSON.stringify(content));
    const read = () => readStepTimes(folder);
    expect(read).toThrow(problem);
    expect(read).toThrow(/^[^\n]*step-times\.json: [^\n]*--only arms[^\n]*$/);
  });
});
