/**
 * @file The singular values of a run's matrices through training, and the file that holds them: `steps`, int32 [records], and
 * for each matrix, under its name, float32 [records, min(rows, columns)], descending, of the parameters before the update of
 * that number. They are computed in float64 from the float32 parameters. The metadata says how they were recorded.
 */
import { FileError } from '../errors';
import type { NamedShape } from '../models/weight-matrices';
import { encodeSafetensors, type StoredTensor, type TensorFile } from './safetensors';

/** One matrix of a recorded run. */
export interface RecordedMatrix extends NamedShape {
  /** One array for each recorded step: its min(rows, columns) singular values, descending; NaN where a parameter was not finite. */
  readonly singularValues: readonly Float32Array[];
}

/** The singular values of a run. */
export interface Spectrum {
  /** How they were recorded. */
  readonly schedule: SpectrumSchedule;
  /** Updates that the parameters had behind them, ascending. */
  readonly steps: readonly number[];
  readonly matrices: readonly RecordedMatrix[];
}

/** Which states of a run are recorded. */
export interface SpectrumSchedule {
  /** Those of every step that is a multiple of this, and the last. */
  readonly every: number;
  /** While validation accuracy moves, also those so many steps apart. */
  readonly dense?: number;
}

const FORMAT = 'optimal-grokking spectrum 1';
const STEPS = 'steps';

/** The bytes of the file. The same values give the same bytes. */
export function encodeSpectrum({ schedule, steps, matrices }: Spectrum): Uint8Array {
  const tensors = new Map<string, StoredTensor>([
    [STEPS, { dtype: 'I32', shape: [steps.length], data: Int32Array.from(steps) }],
  ]);
  for (const { name, shape, singularValues } of matrices) {
    const width = Math.min(...shape);
    const data = new Float32Array(steps.length * width);
    singularValues.forEach((values, i) => {
      data.set(values, i * width);
    });
    tensors.set(name, { dtype: 'F32', shape: [steps.length, width], data });
  }
  return encodeSafetensors(tensors, {
    format: FORMAT,
    schedule: JSON.stringify(schedule),
    shapes: JSON.stringify(matrices.map(({ name, shape }) => [name, ...shape])),
  });
}

/**
 * What a file of singular values holds.
 *
 * @param source the file's name, for messages
 * @throws {FileError} if it is not one that `encodeSpectrum` makes
 */
export function spectrumIn({ tensors, metadata }: TensorFile, source: string): Spectrum {
  const refuse = (reason: string) =>
    new FileError(`${source} ${reason}; give a spectrum.safetensors of a run, or record it again.`);
  if (metadata.format !== FORMAT) throw refuse('holds no singular values');
  const steps = tensors.get(STEPS);
  if (steps?.dtype !== 'I32' || steps.shape.length !== 1) throw refuse('does not say of which steps it is');
  if (steps.data.some((step, i) => step < 0 || (i > 0 && step <= (steps.data[i - 1] as number))))
    throw refuse('has its steps out of order');
  const schedule = scheduleIn(metadata.schedule);
  const shapes = shapesIn(metadata.shapes);
  if (schedule === undefined || shapes === undefined)
    throw refuse('does not say of which matrices it is, or how they were recorded');
  const count = steps.data.length;
  return {
    schedule,
    steps: [...steps.data],
    matrices: shapes.map(([name, ...shape]) => {
      const tensor = tensors.get(name);
      const width = Math.min(...shape);
      if (tensor?.dtype !== 'F32' || tensor.shape.join() !== [count, width].join())
        throw refuse(`lacks singular values of ${name}`);
      const { data } = tensor;
      return {
        name,
        shape,
        singularValues: Array.from({ length: count }, (_, i) => data.slice(i * width, (i + 1) * width)),
      };
    }),
  };
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;

function scheduleIn(text: string | undefined): SpectrumSchedule | undefined {
  const value = parsed(text) as Partial<SpectrumSchedule> | null | undefined;
  if (!isCount(value?.every)) return undefined;
  if (value.dense === undefined) return { every: value.every };
  return isCount(value.dense) ? { every: value.every, dense: value.dense } : undefined;
}

type ShapeEntry = readonly [name: string, rows: number, columns: number];

function shapesIn(text: string | undefined): ShapeEntry[] | undefined {
  const value = parsed(text);
  const isShape = (entry: unknown): entry is ShapeEntry =>
    Array.isArray(entry) &&
    entry.length === 3 &&
    typeof entry[0] === 'string' &&
    entry.slice(1).every(isCount);
  return Array.isArray(value) && value.every(isShape) ? value : undefined;
}
