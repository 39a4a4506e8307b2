/**
 * @file The package as a browser page sees it: what `index.ts` offers, without the parts that need Node, and with ONNX
 * Runtime for the web in place of the native one.
 */
export { type Phases, phases } from './analysis/phases';
export * from './compile';
export { type WebRuntimeOptions, webRuntime } from './compile/runtime.web';
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
export * from './optim';
export { prepareRun } from './train/step';
export { runConfig } from './train/config';
