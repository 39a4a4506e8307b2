/** @file A training program of plain arithmetic: what the loop around it does can be tested without compiling anything. */
import type { HostTensor } from '../../lib/compile';
import type { StepProgram } from '../../lib/compile/devices';
import type { TrainState } from '../../lib/train/state';
import { METRICS, scheduleOf } from '../../lib/train/step';

/** How the numbers of a run come about; each is a function of the step. */
export interface FakeRun {
  readonly loss?: (step: number) => number;
  readonly validationAccuracy?: (step: number) => number;
  /** Told of every call of the program. */
  readonly onRun?: (steps: number) => void;
}

/** One parameter, whose every value depends on all those before. */
const update = (weight: number, step: number) => Math.fround(Math.sin(weight * 3 + step));

/** A state before any update, with the schedule of `evalEvery` and `steps`. */
export function fakeState(evalEvery: number, steps: number): TrainState {
  return {
    params: { w: { dtype: 'float32', shape: [1], data: Float32Array.of(0.5) } },
    optimizer: {},
    step: { dtype: 'int32', shape: [], data: Int32Array.of(0) },
    schedule: scheduleOf(evalEvery, steps - 1),
  };
}

/** A program that counts steps; host and device state are the same. */
export function fakeProgram({
  loss = (step) => 1 / (step + 1),
  validationAccuracy = () => 0,
  onRun,
}: FakeRun = {}): StepProgram<TrainState> {
  const run = async (state: TrainState, { steps }: { steps: number }) => {
    onRun?.(steps);
    let step = state.step.data[0] as number;
    let weight = ((state.params as { w: HostTensor }).w.data as Float32Array)[0] as number;
    const values: Record<string, number[]> = {};
    for (const name of Object.values(METRICS)) values[name] = [];
    for (const end = step + steps; step < end; step++) {
      values[METRICS.trainLoss]?.push(loss(step));
      values[METRICS.evaluatedTrainLoss]?.push(Math.abs(weight));
      values[METRICS.trainAccuracy]?.push(1);
      values[METRICS.validationLoss]?.push(Math.fround(weight + 1));
      values[METRICS.validationAccuracy]?.push(validationAccuracy(step));
      weight = update(weight, step);
    }
    const metrics = Object.fromEntries(
      Object.entries(values).map(([name, data]) => [
        name,
        { dtype: 'float32', shape: [steps], data: Float32Array.from(data) },
      ]),
    );
    const next: TrainState = {
      ...state,
      params: { w: { dtype: 'float32', shape: [1], data: Float32Array.of(weight) } },
      step: { ...state.step, data: Int32Array.of(step) },
    };
    return { state: next, metrics };
  };
  return {
    put: (state: TrainState) => state,
    get: async (state: TrainState) => state,
    run,
    findNonFinite: async () => undefined,
    release: async () => {},
  } as unknown as StepProgram<TrainState>;
}
