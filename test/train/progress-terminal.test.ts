import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { terminalProgress } from '../../lib/train/progress-terminal.node';
import { state } from './progress-states';

/** A stream that stands for a terminal of some width, or for a file, and keeps what was written. */
function stream(columns?: number) {
  const written: string[] = [];
  const through = new PassThrough();
  through.on('data', (chunk: Buffer) => written.push(chunk.toString()));
  const target = Object.assign(through, columns === undefined ? {} : { isTTY: true, columns });
  return { target, text: () => written.join('') };
}

/** The visible lines: what stands between carriage moves, without control sequences. */
function drawn(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal control sequences are what is taken out
  return text.split(/\u001b\[1G|\n/).map((line) => line.replaceAll(/\u001b(?:\[[0-9;?]*[A-Za-z]|[78])/g, ''));
}

describe('terminalProgress on a terminal', () => {
  it('rewrites one line and ends with the outcome', () => {
    const { target, text } = stream(120);
    const display = terminalProgress({ stream: target });
    display.update(state({ step: 0, evaluation: undefined }));
    display.update(state());
    expect(text()).not.toContain('\n');
    display.finish(state({ step: 750 }), 'target reached');
    const lines = drawn(text());
    expect(lines.slice(-3)).toEqual([
      'step 750 of 2,000 · target reached · 13 s',
      'train loss 1.2e-6, accuracy 100 % · validation loss 4.1, accuracy 12.3 %',
      '',
    ]);
    expect(lines.find((line) => line.includes('750/2,000'))).toBeDefined();
  });

  it('follows the width of the window', () => {
    const { target, text } = stream(150);
    const display = terminalProgress({ stream: target });
    display.update(state());
    const wide = text().length;
    Object.assign(target, { columns: 40 });
    display.finish(state({ step: 501 }), 'stopped');
    const [last] = drawn(text().slice(wide)).filter((line) => line.startsWith('501/'));
    expect(last?.length).toBeLessThan(40);
    expect(Math.max(...drawn(text().slice(0, wide)).map((line) => line.length))).toBeGreaterThan(100);
  });

  it('leaves cursor and wrapping alone, so that a run that dies does no harm', () => {
    const { target, text } = stream(100);
    const display = terminalProgress({ stream: target });
    display.update(state());
    display.finish(state(), 'stopped');
    expect(text()).not.toContain('\u001b[?25l');
    expect(text()).not.toContain('\u001b[?7l');
  });

  it('can finish before it ever drew', () => {
    const { target, text } = stream(100);
    terminalProgress({ stream: target }).finish(state(), 'nothing to do');
    expect(text()).toContain('nothing to do');
  });
});

describe('terminalProgress into a file', () => {
  it('writes a plain line at most every ten seconds, and the outcome', () => {
    const { target, text } = stream();
    let now = 0;
    const display = terminalProgress({ stream: target, now: () => now });
    for (const second of [0, 5, 9, 10, 15, 21]) {
      now = 1000 * second;
      display.update(state({ step: second }));
    }
    display.finish(state({ step: 22 }), 'interrupted');
    expect(text()).not.toContain('\u001b');
    const steps = text()
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[1]);
    expect(steps).toEqual(['0', '10', '21', '22']);
    expect(text()).toMatch(/step 22 of 2,000 · interrupted · 13 s · .*12\.3 %\n$/);
  });
});
