/**
 * @file Progress in a notebook: one output, replaced in place, whose last state stays readable on paper and on GitHub.
 */
import { type Bundle, type DisplayHandle, displayBundle } from './notebook-display.node';
import { formatCount, formatSeconds, formatSpeed } from './number-format';
import type { ProgressDisplay, TrainingProgress } from './progress';
import { closingLine, measurements, plainLine, shareDone } from './progress-text';

/** How often to draw, and with what; the defaults are for a notebook, the rest for tests. */
export interface NotebookProgressOptions {
  /** Milliseconds between two updates. Default 200. */
  readonly interval?: number;
  /** Milliseconds, from any origin. Default `Date.now`. */
  readonly now?: () => number;
  readonly display?: (bundle: Bundle) => DisplayHandle;
}

/** A display in the output of the running notebook cell. */
export function notebookProgress(options: NotebookProgressOptions = {}): ProgressDisplay {
  const { interval = 200, now = Date.now, display = displayBundle } = options;
  let handle: DisplayHandle | undefined;
  let next = Number.NEGATIVE_INFINITY;
  const show = (bundle: Bundle) => {
    if (handle) handle.update(bundle);
    else handle = display(bundle);
  };
  return {
    update(progress) {
      if (now() < next) return;
      next = now() + interval;
      show(running(progress));
    },
    finish(progress, closing) {
      show(finished(progress, closing));
    },
    stop() {},
  };
}

function running(progress: TrainingProgress): Bundle {
  const speed = `${formatSpeed(progress.stepsPerSecond)} · ETA ${formatSeconds(progress.etaSeconds)}`;
  return {
    'text/html': panel(progress, counter(progress), speed, 'var(--jp-brand-color1, #0072B2)'),
    'text/plain': plainLine(progress),
  };
}

function finished(progress: TrainingProgress, closing: string): Bundle {
  const state = `${counter(progress)} · <b>${escaped(closing)}</b>`;
  return {
    'text/html': panel(progress, state, formatSeconds(progress.elapsedSeconds), '#7A838D'),
    'text/plain': closingLine(progress, closing),
  };
}

function counter({ step, steps }: TrainingProgress): string {
  return `step ${formatCount(step)} of ${formatCount(steps)}`;
}

/** Three lines: state and speed, the bar, losses and accuracies. Stripped of its styles it still reads as text. */
function panel(progress: TrainingProgress, left: string, right: string, colour: string): string {
  const percent = Number((shareDone(progress) * 100).toFixed(1));
  return [
    '<div style="max-width: 46em; font-variant-numeric: tabular-nums; line-height: 1.5">',
    `<div style="display: flex; justify-content: space-between; gap: 1em"><span>${left}</span> <span>${right}</span></div>`,
    `<div role="progressbar" aria-valuenow="${percent}" aria-valuemin="0" aria-valuemax="100" style="height: 6px; margin: 3px 0; border-radius: 3px; background: rgba(127, 127, 127, 0.25)">`,
    `<div style="width: ${percent}%; height: 100%; border-radius: 3px; background: ${colour}"></div></div>`,
    `<div>${measurements(progress).join(' · ')}</div>`,
    '</div>',
  ].join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
