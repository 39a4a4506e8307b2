/**
 * @file Write-up 1's training loop: full batch, the four numbers of every epoch, and the trained model, each in a file named
 * after the sizes as the write-up names them. Its longest trainings take hours, so beside these files stands the run folder,
 * from which a training that was stopped goes on.
 */
import { join } from 'node:path';
import { requireRecord } from '../data/arguments';
import { ArgumentError } from '../errors';
import { writeFileAtomic } from '../files.node';
import { encodeParameters } from './checkpoint';
import { type RunConfig, type RunOptions, runConfig } from './config';
import { sealed } from './digest.node';
import { formatMetrics, metricsHeader } from './metrics-csv';
import type { ProgressDisplay } from './progress';
import { type FinishedRun, requireFinite } from './run';
import { train } from './train.node';

/** What to train, and how much of the write-up's own way to keep. */
export interface SimpleTrainOptions
  extends Omit<RunOptions, 'preset' | 'steps' | 'evalEvery' | 'batchSize' | 'trainFraction'> {
  /** Pairs to train on; the write-up's grid has 800 to 2,000. */
  readonly trainRows: number;
  /** Updates, each on all training rows. Default 10,000, the write-up's. */
  readonly epochs?: number;
  /**
   * Whether to do as the write-up does where this library would not: its mask that hides nothing, decay coupled to the
   * gradient, and dropout left on where accuracy is measured. Default false.
   */
  readonly asWritten?: boolean;
}

/** Where the results go. */
export interface SimpleTrainSettings {
  /**
   * Folder of the two files and, beside them and under their name, of the run folder, which stays; nothing is kept without
   * one. A training that was stopped or killed goes on where its run folder is, to the same result; one that has ended is
   * only read.
   */
  readonly folder?: string;
  /** Whether a training of these sizes that is there already is replaced, even by another configuration. Default false. */
  readonly overwrite?: boolean;
  /** Threads of the native runtime. */
  readonly threads?: number;
  /** Takes lines that a user should read, such as that a training had ended before. Default `console.warn`. */
  readonly notify?: (line: string) => void;
  readonly display?: ProgressDisplay;
}

const SETTINGS: { readonly [Key in keyof Required<SimpleTrainSettings>]: true } = {
  folder: true,
  overwrite: true,
  threads: true,
  notify: true,
  display: true,
};

/** A training with the files it left: none without a folder, nor where it was stopped before its end. */
export interface SimpleTraining extends FinishedRun {
  /** `Epoch`, then accuracy and loss on the training and on the validation rows, one row an epoch. */
  readonly metricsFile?: string;
  /** The parameters under PyTorch's names, with a digest that `readCheckpoint` compares. */
  readonly modelFile?: string;
}

/**
 * Trains write-up 1's decoder on a + b mod 97 as its `simple_train` does: all training rows in every update, accuracy and loss
 * of the training and validation rows before each.
 *
 * @param options the sizes and differences from the presets `decoder`, or `decoder-as-written`
 * @throws {ArgumentError} for an unknown setting or a value out of range
 * @throws {FileError} where the files cannot be written, or the run folder holds a training of another configuration
 * @throws {TrainingError} with a folder, where the loss was no longer a finite number: such a model is not written as trained
 */
export async function simpleTrain(
  options: SimpleTrainOptions,
  settings: SimpleTrainSettings = {},
): Promise<SimpleTraining> {
  requireRecord('the options of simpleTrain', options, '{ trainRows: 2000 }');
  requireRecord('the settings of simpleTrain', settings, "{ folder: 'data' }", Object.keys(SETTINGS));
  const { epochs = 10_000, asWritten = false, ...differences } = options;
  const { folder, overwrite = false, ...ofTraining } = settings;
  const config = runConfig({
    ...differences,
    preset: asWritten ? 'decoder-as-written' : 'decoder',
    steps: epochs,
    evalEvery: 1,
    batchSize: 'full',
  });
  if (config.model !== 'decoder') {
    throw new ArgumentError(
      `model is '${config.model}', expected 'decoder', which simpleTrain is for; use train`,
    );
  }
  if (folder === undefined) return train(config, ofTraining);
  const files = fileNames(folder, config);
  const run = await train(config, {
    ...ofTraining,
    out: files.runFolder,
    ...(overwrite ? { overwrite } : { resume: true }),
  });
  requireFinite(run);
  if (run.summary.stoppedBy === 'signal') return run;
  const { metricsFile, modelFile } = files;
  writeFileAtomic(metricsFile, metricsHeader() + formatMetrics(run.evaluations));
  writeFileAtomic(modelFile, sealed(encodeParameters(run.params, config, run.summary.steps)));
  return { ...run, metricsFile, modelFile };
}

/** The write-up's names, `{rows}_{dModel}_{dFF}`, with the endings of what the files hold; the run folder has none. */
function fileNames(folder: string, { trainRows, dModel, dFF }: RunConfig) {
  const name = join(folder, `${trainRows}_${dModel}_${dFF}`);
  return { runFolder: name, metricsFile: `${name}.csv`, modelFile: `${name}.safetensors` };
}
