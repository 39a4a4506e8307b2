/**
 * @file The evaluations that led to a checkpoint, as two of its tensors. With them a checkpoint is all that continuing a run
 * takes: whatever else lies in the run's folder can be made from it. They are named like the optimiser's tensors, which
 * readers of the parameters leave out.
 */
import { FileError } from '../errors';
import { OPTIMIZER_PREFIX } from './checkpoint';
import type { Evaluation } from './progress';
import { stepOf } from './restore';
import type { StoredTensor, TensorFile } from './safetensors';

/** int32 [evaluations]. */
const EPOCHS = `${OPTIMIZER_PREFIX}history.epoch`;
/** float32 [evaluations, 4]. */
const VALUES = `${OPTIMIZER_PREFIX}history.values`;

const COLUMNS = ['trainAccuracy', 'trainLoss', 'validationAccuracy', 'validationLoss'] as const;

/** The tensors of some evaluations, by name. */
export function historyTensors(rows: readonly Evaluation[]): Map<string, StoredTensor> {
  const values = Float32Array.from(rows.flatMap((row) => COLUMNS.map((column) => row[column])));
  // There are many NaNs, and which one a runtime made must not matter.
  values.forEach((value, i) => {
    if (Number.isNaN(value)) values[i] = Number.NaN;
  });
  return new Map<string, StoredTensor>([
    [EPOCHS, { dtype: 'I32', shape: [rows.length], data: Int32Array.from(rows, ({ epoch }) => epoch) }],
    [VALUES, { dtype: 'F32', shape: [rows.length, COLUMNS.length], data: values }],
  ]);
}

/**
 * The evaluations in a checkpoint, those of the steps before its own.
 *
 * @param source the file's name, for messages
 * @throws {FileError} if it has none, or other ones than `historyTensors` makes
 */
export function historyOf(file: TensorFile, source: string): Evaluation[] {
  const epochs = file.tensors.get(EPOCHS);
  const values = file.tensors.get(VALUES);
  if (
    epochs?.dtype !== 'I32' ||
    values?.dtype !== 'F32' ||
    values.shape.join() !== [...epochs.shape, COLUMNS.length].join()
  ) {
    throw new FileError(`${source} has no evaluations of its run; give a checkpoint of a run.`);
  }
  const rows = Array.from(epochs.data, (epoch, i) => {
    const [trainAccuracy, trainLoss, validationAccuracy, validationLoss] = values.data.subarray(4 * i);
    return { epoch, trainAccuracy, trainLoss, validationAccuracy, validationLoss } as Evaluation;
  });
  const step = stepOf(file) ?? 0;
  if (rows.some(({ epoch }, i) => !(epoch > (rows[i - 1]?.epoch ?? -1) && epoch < step))) {
    throw new FileError(`${source} has evaluations out of order; give a checkpoint of a run.`);
  }
  return rows;
}
