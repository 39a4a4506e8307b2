/**
 * @file What a training run tells the outside while it runs. The loop emits these events between calls of the native
 * program; a terminal bar and a notebook bar draw them.
 */

/** One evaluation: the losses and accuracies of the parameters *before* update number `epoch`. */
export interface Evaluation {
  /** Step index, from 0; full batch, so also the epoch. */
  readonly epoch: number;
  /** Share of training rows predicted right, 0 to 1. */
  readonly trainAccuracy: number;
  /** Mean cross-entropy over the training rows, in nats. */
  readonly trainLoss: number;
  readonly validationAccuracy: number;
  readonly validationLoss: number;
}

/** The state of a run after a call of the native program. */
export interface TrainingProgress {
  /** Updates done so far, 0 to `steps`. */
  readonly step: number;
  /**
   * Where the run ends as far as is known: the step budget, though a run may stop earlier when it reaches its target accuracy;
   * once it has and goes on for some steps more, the end of those.
   */
  readonly steps: number;
  /** Recent speed in updates a second, evaluations included; 0 before the first call has ended. */
  readonly stepsPerSecond: number;
  /** Seconds left until `steps` at that speed; `Infinity` until some 2 s have been timed, calls that warm up left out. */
  readonly etaSeconds: number;
  /** Seconds since training began, compilation excluded. */
  readonly elapsedSeconds: number;
  /** Training loss of the newest step itself, in nats: over the rows of its batch, with dropout and noise where the run has them. */
  readonly trainLoss: number;
  /** The newest evaluation, absent before the first. */
  readonly evaluation?: Evaluation;
}

/** Draws a run's progress somewhere. */
export interface ProgressDisplay {
  /** Shows a new state; may be called several times a second. */
  update(progress: TrainingProgress): void;
  /** Shows the last state for good with a closing line such as `validation accuracy reached 0.99`, and lets go of the output. */
  finish(progress: TrainingProgress, closing: string): void;
  /** Lets go of the output without a closing line, after an error; nothing happens after `finish`. */
  stop(): void;
}
