import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { barLine, closingLine, plainLine, shareDone } from '../../lib/train/progress-text';
import { state } from './progress-states';

describe('plainLine', () => {
  it('has everything in words', () => {
    expect(plainLine(state())).toBe(
      'step 500 of 2,000 (25 %) · 38.2 steps/s · ETA 39 s · train loss 1.2e-6, accuracy 100 % · validation loss 4.1, accuracy 12.3 %',
    );
  });

  it('does without what is not known yet', () => {
    expect(
      plainLine(
        state({ step: 0, stepsPerSecond: 0, etaSeconds: Number.POSITIVE_INFINITY, evaluation: undefined }),
      ),
    ).toBe('step 0 of 2,000 (0 %) · – steps/s · ETA – · train loss 0.31');
  });
});

describe('closingLine', () => {
  it('says how far the run came and why it ended', () => {
    expect(closingLine(state(), 'target reached')).toMatch(
      /^step 500 of 2,000 · target reached · 13 s · train loss/,
    );
  });
});

describe('barLine', () => {
  it('spells everything out in a wide terminal', () => {
    const line = barLine(state(), 180);
    expect(line).toContain('step 500/2,000 ━━━━━━━─────────────────────── 25 % · 38.2 steps/s · ETA 39 s');
    expect(line).toContain('validation loss 4.1, accuracy 12.3 %');
  });

  it('grows terser as the terminal narrows', () => {
    expect(barLine(state(), 80)).toBe(
      '500/2,000 ━──── 38.2 steps/s · ETA 39 s · train 1.2e-6 100 % · val 4.1 12.3 %',
    );
    expect(barLine(state(), 40)).toBe('500/2,000 ━━──────── val 4.1 12.3 %');
    expect(barLine(state(), 12)).toBe('500/2,000');
    expect(barLine(state(), 0)).toBe('');
  });

  it('is never wider than the terminal', () => {
    const whole = fc.nat(5_000_000);
    const loss = fc.double({ min: 0, max: 1e6 });
    fc.assert(
      fc.property(
        whole,
        whole,
        loss,
        fc.double({ min: 0, max: 1e6 }),
        fc.nat(200),
        (step, steps, trainLoss, speed, width) => {
          const line = barLine(
            state({ step, steps, trainLoss, stepsPerSecond: speed, etaSeconds: step }),
            width,
          );
          expect(line.length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  it('is full only when every step is done', () => {
    expect(barLine(state({ step: 1999 }), 180)).toContain('─ 99 %');
    expect(barLine(state({ step: 2000 }), 180)).toContain('━ 100 %');
  });
});

describe('shareDone', () => {
  it('lies between 0 and 1', () => {
    expect(shareDone(state({ step: 0, steps: 0 }))).toBe(0);
    expect(shareDone(state({ step: 3000 }))).toBe(1);
  });
});
