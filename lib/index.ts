/**
 * @file The package as Node sees it: everything a notebook needs, from one import.
 */
import { chooseEagerBackend } from './compile/eager.node';

export { type Phases, phases } from './analysis/phases';
export * from './compile';
export { compile, type DeviceOptions, openDevice } from './compile/devices.node';
export { fileCache, loadProgram, saveProgram } from './compile/program-store.node';
export { cudaRuntimeNode, onnxRuntimeNode, webgpuRuntimeNode } from './compile/runtime.node';
export { type Dataset, type DatasetOptions, makeDataset } from './data/dataset';
export { getOperation, type Operation, type OperationName, operationNames } from './data/operations';
export { type RandomStream, randomStream } from './data/random';
export {
  gatherRows,
  mirrorShare,
  type RowBatch,
  type Split,
  type SplitOptions,
  splitRows,
} from './data/split';
export * from './errors';
export * from './figures';
export * from './figures/index.node';
export {
  asGptParams,
  checkGptConfig,
  type GptConfig,
  type GptInitialization,
  type GptParams,
  gptForward,
  gptShapes,
} from './models/gpt';
export { initializeGpt, treeOfNames } from './models/initialize';
export { accuracy, crossEntropy } from './models/loss';
export { mapParams, namedTensors, type Params, valueAndGrads } from './models/params';
export { predictGpt } from './models/predict';
export { type TokenBatch, tokenBatch } from './models/rows';
export * from './optim';
export { encodeCheckpoint, type LoadedModel, loadGpt } from './train/checkpoint';
export {
  datasetOf,
  modelConfigOf,
  PRESETS,
  type RunConfig,
  type RunOptions,
  runConfig,
  splitOf,
} from './train/config';
export { runEnvironment } from './train/environment.node';
export { type LoopOptions, type LoopResult, type StopReason, trainLoop } from './train/loop';
export { evaluationsOf, parseMetrics } from './train/metrics-csv';
export { formatLoss, formatPercent, formatSeconds } from './train/number-format';
export type { Evaluation, ProgressDisplay, TrainingProgress } from './train/progress';
export { notebookProgress } from './train/progress-notebook.node';
export { terminalProgress } from './train/progress-terminal.node';
export { type FinishedRun, type RunSummary, requireFinite, runTraining } from './train/run';
export { RunStore, readCheckpoint, readMetrics } from './train/run-store.node';
export {
  decodeSafetensors,
  encodeSafetensors,
  type StoredTensor,
  type TensorFile,
} from './train/safetensors';
export type { TrainState } from './train/state';
export { makeStep, type PreparedRun, prepareRun } from './train/step';
export { type TrainSettings, train } from './train/train.node';

chooseEagerBackend();
