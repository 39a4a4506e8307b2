/**
 * @file Progress in a terminal: one line on stderr, rewritten in place and at last replaced by the outcome; in
 * a log file a plain line now and then.
 *
 * The line is cut to the terminal's present width at every drawing, so it neither wraps nor flickers when the window is
 * resized. Cursor and line wrapping are left as they are: a run that dies leaves a usable terminal.
 */
import { SingleBar } from 'cli-progress';
import type { ProgressDisplay, TrainingProgress } from './progress';
import { barLine, closingLine, closingState, measurements, plainLine } from './progress-text';

/** Where and how often to draw; the defaults are for a program at work, the rest for tests. */
export interface TerminalProgressOptions {
  /** Default stderr, so that stdout stays for results. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  /** Seconds between two lines where the stream is not a terminal. Default 10. */
  readonly plainInterval?: number;
  /** Milliseconds, from any origin. Default `Date.now`. */
  readonly now?: () => number;
}

/** A display on a terminal, or on the file or pipe that stands for one. */
export function terminalProgress(options: TerminalProgressOptions = {}): ProgressDisplay {
  const { stream = process.stderr, plainInterval = 10, now = Date.now } = options;
  return stream.isTTY ? livingLine(stream) : plainLines(stream, plainInterval * 1000, now);
}

type Stream = NonNullable<TerminalProgressOptions['stream']>;

function livingLine(stream: Stream): ProgressDisplay {
  let latest: TrainingProgress | undefined;
  const bar = new SingleBar({
    stream,
    fps: 10, // drawn at most at half of it while the event loop is busy
    linewrap: true,
    clearOnComplete: true, // the closing lines take its place
    // One column is left free: a full line makes some terminals wrap.
    format: () => (latest ? barLine(latest, (stream.columns ?? 80) - 1) : ''),
  });
  const draw = (progress: TrainingProgress) => {
    const first = latest === undefined;
    latest = progress;
    if (first) bar.start(progress.steps, progress.step);
    else bar.update(progress.step);
  };
  return {
    update: draw,
    finish(progress, closing) {
      draw(progress);
      bar.stop();
      stream.write(`${closingState(progress, closing)}\n${measurements(progress).join(' · ')}\n`);
    },
    // The bar's timer would keep the process alive.
    stop: () => bar.stop(),
  };
}

function plainLines(stream: Stream, interval: number, now: () => number): ProgressDisplay {
  let next = Number.NEGATIVE_INFINITY;
  return {
    update(progress) {
      if (now() < next) return;
      next = now() + interval;
      stream.write(`${plainLine(progress)}\n`);
    },
    finish(progress, closing) {
      stream.write(`${closingLine(progress, closing)}\n`);
    },
    stop() {},
  };
}
