/**
 * @file The package as Node sees it: everything a notebook needs, from one import.
 */
import { chooseEagerBackend } from './compile/eager.node';

export { compile, type DeviceOptions, openDevice } from './compile/devices.node';
export { fileCache, loadProgram, saveProgram } from './compile/program-store.node';
export { cudaRuntimeNode, onnxRuntimeNode, webgpuRuntimeNode } from './compile/runtime.node';
export { readDatasetCsv, saveDatasetCsv } from './data/dataset-csv.node';
export { loadDigits } from './data/digits.node';
export * from './figures/index.node';
export * from './portable';
export * from './sweep/comparison';
export { type DigitsResults, readDigitsResults } from './train/digits-results.node';
export { runEnvironment } from './train/environment.node';
export type { FoundRun } from './train/find-run.node';
export { type NotebookProgressOptions, notebookProgress } from './train/progress-notebook.node';
export { type TerminalProgressOptions, terminalProgress } from './train/progress-terminal.node';
export { RunStore, readCheckpoint, readMetrics } from './train/run-store.node';
export {
  type SimpleTraining,
  type SimpleTrainOptions,
  type SimpleTrainSettings,
  simpleTrain,
} from './train/simple-train.node';
export { readSpectrum } from './train/spectrum.node';
export { type TrainedRun, type TrainSettings, train } from './train/train.node';

chooseEagerBackend();
