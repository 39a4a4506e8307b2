/**
 * @file Trains a classifier of images: a program that is compiled once for a model and an optimiser, and short runs of it that
 * differ in seed and learning rate.
 */
import { type HostTensor, Program, type ProgramOptions } from '../compile';
import { shown } from '../compile/errors';
import type { Runtime } from '../compile/runtime';
import { ArgumentError } from '../errors';
import { type DigitsState, type DigitsStepParts, type LabelledImages, makeDigitsStep } from './digits-step';
import type { Evaluation } from './progress';
import { toHostTree } from './state';

/** What a run of a `DigitsTrainer` may choose. */
export interface DigitsRunOptions {
  /** Fixes the initial parameters and the order of the images: a whole number from 0 to 2³¹ − 1. */
  readonly seed: number;
  /** A positive number. */
  readonly learningRate: number;
  /** Updates: a positive multiple of the step's `evalEvery`. */
  readonly steps: number;
}

/** A model and an optimiser on some images, compiled. */
export interface DigitsTrainer {
  /**
   * Trains from the beginning.
   *
   * @returns evaluations after 0, `evalEvery`, … and `steps` updates. `validation…` are of all validation images; `train…` are
   * means over the minibatches since the evaluation before, at 0 those of the first minibatch. A run whose numbers become
   * infinite goes on to its end, with losses that are NaN.
   * @throws {ArgumentError} for an option out of range
   */
  run(options: DigitsRunOptions): Promise<readonly Evaluation[]>;
  /** Frees the native memory. */
  release(): Promise<void>;
}

/**
 * Compiles the training of a classifier.
 *
 * @throws {ArgumentError} where the images do not fit their labels or the model, or a size is out of range
 */
export async function openDigitsTrainer(
  runtime: Runtime,
  parts: DigitsStepParts,
  options: ProgramOptions<'float32'> = {},
): Promise<DigitsTrainer> {
  checkParts(parts);
  const { model, optimizer, evalEvery } = parts;
  const initial = ({ seed, learningRate }: Pick<DigitsRunOptions, 'seed' | 'learningRate'>): DigitsState => {
    const params = model.init(seed);
    return {
      params,
      optimizer: toHostTree((tensors) => optimizer.init(tensors), params),
      step: int32(0),
      seed: int32(seed),
      learningRate: { dtype: 'float32', shape: [], data: Float32Array.of(learningRate) },
    };
  };
  const example = initial({ seed: 0, learningRate: 1 });
  const program = await Program.compile(runtime, makeDigitsStep(parts), example, options);
  return {
    async run({ seed, learningRate, steps }) {
      requireWhole('seed', seed, 0, 2 ** 31 - 1);
      if (!(Number.isFinite(learningRate) && learningRate > 0)) {
        throw new ArgumentError(
          `learningRate is ${shown(learningRate)}, expected a positive number such as 1e-3`,
        );
      }
      requireWhole('steps', steps, 1, 2 ** 31 - 1);
      if (steps % evalEvery !== 0) {
        throw new ArgumentError(
          `steps ${steps} are no multiple of evalEvery ${evalEvery}: give ${evalEvery * Math.ceil(steps / evalEvery)}`,
        );
      }
      let state = program.put(initial({ seed, learningRate }));
      const evaluations: Evaluation[] = [];
      let last = { trainLoss: Number.NaN, trainAccuracy: Number.NaN };
      for (let done = 0; done <= steps; done += evalEvery) {
        // One step more than asked for evaluates the last parameters; its update is not used.
        const result = await program.run(state, { steps: done === steps ? 1 : evalEvery });
        const metric = (name: string) => result.metrics[name] as HostTensor;
        if (done === 0)
          last = { trainLoss: first(metric('trainLoss')), trainAccuracy: first(metric('trainAccuracy')) };
        evaluations.push({
          epoch: done,
          ...last,
          validationLoss: first(metric('validationLoss')),
          validationAccuracy: first(metric('validationAccuracy')),
        });
        last = { trainLoss: mean(metric('trainLoss')), trainAccuracy: mean(metric('trainAccuracy')) };
        state = result.state;
      }
      return evaluations;
    },
    release: () => program.release(),
  };
}

/**
 * Some rows of the images.
 *
 * @param rows row numbers, in the order that is wanted
 */
export function selectImages({ images, labels }: LabelledImages, rows: Int32Array): LabelledImages {
  const pixels = images.length / labels.length;
  const selected = new Float32Array(rows.length * pixels);
  rows.forEach((row, i) => {
    selected.set(images.subarray(row * pixels, (row + 1) * pixels), i * pixels);
  });
  return { images: selected, labels: rows.map((row) => labels[row] as number) };
}

const int32 = (value: number): HostTensor => ({ dtype: 'int32', shape: [], data: Int32Array.of(value) });
const first = ({ data }: HostTensor) => data[0] as number;
const mean = ({ data }: HostTensor) =>
  (data as Float32Array).reduce((sum, value) => sum + value, 0) / data.length;

function requireWhole(name: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new ArgumentError(`${name} is ${shown(value)}, expected a whole number from ${least} to ${most}`);
  }
}

function checkParts({ model, train, validation, batchSize, evalEvery }: DigitsStepParts): void {
  const { pixels, classes } = model;
  for (const [name, { images, labels }] of Object.entries({ train, validation })) {
    if (labels.length === 0 || images.length !== labels.length * pixels) {
      throw new ArgumentError(
        `${name} has ${images.length} pixels for ${labels.length} labels, expected ${pixels} for each of at least one`,
      );
    }
    const bad = labels.findIndex((label) => !(label >= 0 && label < classes));
    if (bad >= 0) {
      throw new ArgumentError(
        `label ${labels[bad]} of row ${bad} of ${name} is no class: expected 0 to ${classes - 1}`,
      );
    }
  }
  requireWhole('batchSize', batchSize, 1, train.labels.length);
  requireWhole('evalEvery', evalEvery, 1, 2 ** 31 - 1);
}
