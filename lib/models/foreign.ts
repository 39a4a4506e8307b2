/**
 * @file What a model's file tells that was written by another framework: its kind and sizes, read off the names and
 * shapes of its tensors. What those leave open must be said, see `ModelHint`.
 */
import type { HostTensor } from '../compile';
import { FileError } from '../errors';
import type { MaskMode, ModelConfig, ModelName } from './config';

/** What must be said of a model whose file does not say it. */
export interface ModelHint {
  /** The kind of model; the names of its tensors tell it too. */
  readonly model?: ModelName;
  /** Attention heads; no shape tells them. */
  readonly heads?: number;
  /** For the decoder: who sees whom. */
  readonly mask?: MaskMode;
  /** For the paper's model, whose weights do not depend on it: tokens in a row. */
  readonly sequenceLength?: number;
}

/** The tensors of a file, and what to call it in messages. */
export interface ForeignFile {
  readonly source: string;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/** How a kind of model is known and read. */
export interface ForeignModel<C extends ModelConfig = ModelConfig> {
  /** A tensor that every file of such a model has, and none of another. */
  readonly mark: string;
  /**
   * The model's sizes, and the file's tensors by the names and in the shapes that they have here.
   *
   * @throws {FileError} for a tensor that is missing or cannot be of this model, and for a hint that is missing or unfit
   */
  read(file: ForeignFile, hint: ModelHint): ForeignContent<C>;
}

/** What a file holds. */
export interface ForeignContent<C extends ModelConfig = ModelConfig> {
  readonly config: C;
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

/**
 * The two sizes of a matrix.
 *
 * @throws {FileError} if the file has no matrix of this name, or an empty one
 */
export function matrixShape(file: ForeignFile, name: string, model: ModelName): readonly [number, number] {
  const [rows = 0, columns = 0, ...others] = file.tensors.get(name)?.shape ?? [];
  if (rows < 1 || columns < 1 || others.length > 0) {
    throw new FileError(`${file.source} has no matrix '${name}', expected the parameters of a ${model}`);
  }
  return [rows, columns];
}

/** How many layers there are tensors of: `prefix.0.…`, `prefix.1.…`. */
export function layersOf(tensors: ReadonlyMap<string, HostTensor>, prefix: string): number {
  const layers = [...tensors.keys()]
    .filter((name) => name.startsWith(`${prefix}.`))
    .map((name) => name.slice(prefix.length + 1).split('.')[0]);
  return new Set(layers).size;
}

/** The greatest difference between numbers that two frameworks compute by the same formula. */
const TOLERANCE = 1e-5;

/**
 * Where a tensor first differs from another of its shape, by more than rounding.
 *
 * @returns the index in row-major order, or `undefined` if they are the same
 */
export function differenceAt({ data }: HostTensor, { data: expected }: HostTensor): number | undefined {
  for (let i = 0; i < expected.length; i++) {
    const [one, other] = [data[i] as number, expected[i] as number];
    if (one !== other && !(Math.abs(one - other) <= TOLERANCE)) return i;
  }
  return undefined;
}
