/**
 * @file Records the singular values of a run's matrices while it trains, as an observer of its states. What it records is a
 * function of the run alone, not of how often that was stopped.
 */
import { shown } from '../compile/errors';
import { ArgumentError } from '../errors';
import type { Model } from '../models/model';
import { singularValues } from '../models/singular-values';
import { weightMatrices, weightMatrixShapes } from '../models/weight-matrices';
import type { StateObserver } from './observer';
import type { Evaluation } from './progress';
import type { Spectrum, SpectrumSchedule } from './spectrum';
import type { TrainState } from './state';

export interface SpectrumRecorderOptions extends SpectrumSchedule {
  readonly model: Pick<Model, 'shapes' | 'withoutGradient'>;
  /** What was recorded of these matrices before the step that the run goes on from. */
  readonly before?: Pick<Spectrum, 'steps' | 'matrices'>;
  /** Takes what is recorded so far, before every checkpoint for which there is more. */
  readonly save?: (spectrum: Spectrum) => void;
}

/** A recorder, and what it has recorded. */
export interface SpectrumRecorder extends StateObserver {
  spectrum(): Spectrum;
}

/** By how much validation accuracy must have changed over one interval for the next to be recorded densely. */
const MOVED = 0.02;

/** The singular values of one state, matrix after matrix. */
interface Row {
  readonly step: number;
  readonly values: readonly Float32Array[];
}

/** Which state after `step` a schedule wants next. */
export function nextRecorded(
  { every, dense }: SpectrumSchedule,
  step: number,
  evaluations: readonly Evaluation[],
): number {
  const start = Math.floor(step / every) * every;
  const next = start + every;
  if (dense === undefined || !movesBefore(start, every, evaluations)) return next;
  return Math.min(next, start + (Math.floor((step - start) / dense) + 1) * dense);
}

/** Whether validation accuracy has changed over the interval that ends at `start`, by the evaluations before it alone. */
function movesBefore(start: number, every: number, evaluations: readonly Evaluation[]): boolean {
  const newest = evaluations.findLast(({ epoch }) => epoch < start);
  const earlier = newest && evaluations.findLast(({ epoch }) => epoch <= newest.epoch - every);
  if (newest === undefined || earlier === undefined) return false;
  return Math.abs(newest.validationAccuracy - earlier.validationAccuracy) >= MOVED;
}

/** @throws {ArgumentError} for steps that are no whole numbers of at least 1, or dense ones that are not closer */
export function checkSchedule({ every, dense }: SpectrumSchedule): void {
  const check = (name: string, value: number, example: number) => {
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new ArgumentError(
        `${name} is ${shown(value)}, expected a whole number of steps, at least 1, such as ${example}`,
      );
  };
  check('spectrum-every', every, 50);
  if (dense === undefined) return;
  check('spectrum-dense', dense, 10);
  if (dense >= every)
    throw new ArgumentError(`spectrum-dense is ${dense}, expected fewer steps than spectrum-every ${every}`);
}

/**
 * A recorder for one run.
 *
 * @throws {ArgumentError} for a schedule out of range
 */
export function spectrumRecorder(options: SpectrumRecorderOptions): SpectrumRecorder {
  const { model, every, dense, before = { steps: [], matrices: [] }, save } = options;
  const schedule: SpectrumSchedule = dense === undefined ? { every } : { every, dense };
  checkSchedule(schedule);
  const rows: Row[] = before.steps.map((step, i) => ({
    step,
    values: before.matrices.map(({ singularValues }) => singularValues[i] as Float32Array),
  }));
  const shapes = weightMatrixShapes(model);
  let saved = true;
  const spectrum = (): Spectrum => ({
    schedule,
    steps: rows.map(({ step }) => step),
    matrices: shapes.map((matrix, i) => ({
      ...matrix,
      singularValues: rows.map(({ values }) => values[i] as Float32Array),
    })),
  });
  return {
    spectrum,
    nextAfter: (step, evaluations) => nextRecorded(schedule, step, evaluations),
    see({ params, step: { data } }: TrainState) {
      const step = data[0] as number;
      while ((rows.at(-1)?.step ?? -1) > step) {
        rows.pop();
        saved = false;
      }
      if (rows.at(-1)?.step === step) return;
      const matrices = weightMatrices(model, params);
      rows.push({ step, values: matrices.map((matrix) => Float32Array.from(singularValues(matrix))) });
      saved = false;
    },
    save() {
      if (saved) return;
      save?.(spectrum());
      saved = true;
    },
  };
}
