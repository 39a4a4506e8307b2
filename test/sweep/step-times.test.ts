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
      rows: [
        { name: 'adamw', msPerStep: { median: 20, q1: 19 }, ratio: { median: 1 } },
        { name: 'released', msPerStep: { median: 38.5 } },
      ],
    },
  ],
};

describe('the times of a step', () => {
  it('are the medians of the benchmark’s report, with how they were measured', () => {
    expect(readStepTimes(folderWith(JSON.stringify(report)))).toEqual({
      measured: '1 thread, 15 rounds, a processor, 2026-01-02',
      msPerStep: { adamw: 20, released: 38.5 },
    });
  });

  it('are none where nothing was measured', () => {
    expect(readStepTimes(folderWith())).toEqual({ measured: null, msPerStep: {} });
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
  ])('refuses %s in one line that names the file and what makes it', (_, content, problem) => {
    const folder = folderWith(typeof content === 'string' ? content : JSON.stringify(content));
    const read = () => readStepTimes(folder);
    expect(read).toThrow(problem);
    expect(read).toThrow(/^[^\n]*step-times\.json: [^\n]*--only arms[^\n]*$/);
  });
});
