/**
 * @file The words of a progress display, shared by the terminal and the notebook: pure functions from a state to text.
 */
import { formatCount, formatLoss, formatPercent, formatSeconds, formatSpeed } from './number-format';
import type { TrainingProgress } from './progress';

/** Widths of the bar in the terminal's line, characters: a few sizes, or it would twitch with every digit beside it. */
const BAR_SIZES = [30, 20, 10, 5];

/** Share of the step budget that is used, 0 to 1. A run that stopped early keeps the share it stopped at. */
export function shareDone({ step, steps }: TrainingProgress): number {
  return steps > 0 ? Math.min(Math.max(step / steps, 0), 1) : 0;
}

/** One line without a bar, in full words: for a log file, and where HTML cannot be shown. */
export function plainLine(progress: TrainingProgress): string {
  const { step, steps, stepsPerSecond, etaSeconds } = progress;
  return join([
    `step ${formatCount(step)} of ${formatCount(steps)} (${percentDone(progress)})`,
    formatSpeed(stepsPerSecond),
    `ETA ${formatSeconds(etaSeconds)}`,
    ...measurements(progress),
  ]);
}

/** How far the run came and why it ended, such as `step 750 of 2,000 · target reached · 22 s`. */
export function closingState({ step, steps, elapsedSeconds }: TrainingProgress, closing: string): string {
  return join([`step ${formatCount(step)} of ${formatCount(steps)}`, closing, formatSeconds(elapsedSeconds)]);
}

/** The last state with its closing line and its measurements. */
export function closingLine(progress: TrainingProgress, closing: string): string {
  return join([closingState(progress, closing), ...measurements(progress)]);
}

/**
 * Losses and accuracies in full words, training first, both of the newest evaluation: a step's own loss, of its rows and with
 * dropout, would not fit the accuracy beside it. Before the first evaluation that loss is all there is.
 */
export function measurements({ trainLoss, evaluation }: TrainingProgress): string[] {
  if (!evaluation) return [`train loss ${formatLoss(trainLoss)}`];
  return [
    `train loss ${formatLoss(evaluation.trainLoss)}, accuracy ${formatPercent(evaluation.trainAccuracy)}`,
    `validation loss ${formatLoss(evaluation.validationLoss)}, accuracy ${formatPercent(evaluation.validationAccuracy)}`,
  ];
}

/**
 * One line with a bar that never exceeds `width` characters: the wordiest form that leaves room for a bar, a terser one
 * in a narrow terminal, at last its beginning.
 */
export function barLine(progress: TrainingProgress, width: number): string {
  const { step, steps, stepsPerSecond, etaSeconds, trainLoss, evaluation } = progress;
  const counter = `${formatCount(step)}/${formatCount(steps)}`;
  const speed = formatSpeed(stepsPerSecond);
  const eta = `ETA ${formatSeconds(etaSeconds)}`;
  const train = evaluation
    ? `train ${formatLoss(evaluation.trainLoss)} ${formatPercent(evaluation.trainAccuracy)}`
    : `train ${formatLoss(trainLoss)}`;
  const accuracy = evaluation && formatPercent(evaluation.validationAccuracy);
  const validation = evaluation ? [`val ${formatLoss(evaluation.validationLoss)} ${accuracy}`] : [];
  const forms = [
    { head: `step ${counter}`, tail: [percentDone(progress), speed, eta, ...measurements(progress)] },
    { head: counter, tail: [speed, eta, train, ...validation] },
    { head: counter, tail: [speed.replace(' steps', ''), eta.replace('ETA ', ''), train, ...validation] },
    { head: counter, tail: validation.length > 0 ? validation : [train] },
    { head: counter, tail: [percentDone(progress)] },
  ];
  for (const { head, tail } of forms) {
    const rest = join(tail);
    const room = width - head.length - rest.length - 2;
    const size = BAR_SIZES.find((candidate) => candidate <= room);
    if (size) return `${head} ${bar(shareDone(progress), size)} ${rest}`;
  }
  return counter.slice(0, Math.max(0, width));
}

function bar(share: number, size: number): string {
  const done = Math.floor(share * size);
  return '━'.repeat(done) + '─'.repeat(size - done);
}

/** Rounded down, so that 100 % means that every step is done. */
function percentDone(progress: TrainingProgress): string {
  return `${Math.floor(shareDone(progress) * 100)} %`;
}

function join(parts: readonly string[]): string {
  return parts.join(' · ');
}
