/** @file Who watches a run's states: the loop shows them at the steps that the observer asks for, and no number changes. */
import type { Evaluation } from './progress';
import type { TrainState } from './state';

export interface StateObserver {
  /**
   * The first step after `step` whose state is wanted. It must be a function of `step` and of the evaluations before the step
   * that it gives, so that a run that was stopped and goes on shows the states of one that was never stopped.
   *
   * @param evaluations at least those before `step`, in order
   */
  nextAfter(step: number, evaluations: readonly Evaluation[]): number;
  /**
   * Is shown the state before update number `state.step`: those it asked for, in order, and the one that the run ends with.
   * A run whose loss is no longer finite ends with an earlier one.
   */
  see(state: TrainState): void;
  /** A checkpoint follows: what was seen should be kept, for whoever goes on from there. */
  save(): void;
}
