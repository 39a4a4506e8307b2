/** @file Write a training step in plain tfjs, run it as one native program. Imports nothing of the rest of the package. */
export { type SharedOptions, stack, unstack } from './batch';
export { memoryCache, type ProgramCache } from './cache';
export {
  COMPILED_DEVICES,
  type CompiledDevice,
  DEVICE_REQUESTS,
  type DeviceName,
  type DeviceRequest,
  deviceOf,
  EAGER_DEVICES,
  type EagerDevice,
  isDeviceRequest,
  type OpenedDevice,
  type StepProgram,
} from './devices';
export type { NonFinite } from './diagnose/non-finite';
export { every, logSpaced, logSpacedSteps } from './due';
export { CompileError, type CompileErrorOptions } from './errors';
export { type CompiledFunction, compileFunction } from './function';
export { type GeluOptions, gelu, silu, stopGradient } from './functions';
export type {
  Attributes,
  Block as GraphBlock,
  Constant,
  Graph,
  Node as GraphNode,
  Value as GraphValue,
} from './graph';
export type { DType, HostTensor, TypedArrays, WideTensor } from './host';
export { type GraphSize, graphSize, type PassResult, passResults } from './inspect';
export { compilableKernels } from './kernels/table';
export { type Operation as KernelSupport, operations } from './operations';
export type { CompileOptions, ProgramOptions } from './options';
export { EXACT_PASSES, PASSES, type Pass } from './passes';
export { cond } from './primitives';
export { type LoadOptions, Program } from './program';
export {
  bernoulli,
  dropout,
  dropoutMask,
  type MinibatchOptions,
  minibatch,
  permutation,
  type RandomKey,
  randomNormal,
  randomUniform,
  randomWords,
} from './random';
export type { DeviceTensor, Runtime, RuntimeOptions, RuntimeSession } from './runtime';
export {
  type DeviceState,
  type HostOf,
  type HostTensorOf,
  type HostTree,
  isHostTensor,
  isTensor,
  type RunResult,
  type StateTree,
  type Step,
  type StepResult,
  type TensorsOf,
  type TensorTree,
  toHost,
} from './state';
export type { Device, Precision, Target } from './target';
export { withBackend } from './trace/with-backend';
export { leavesOf, mapTree, type Tree } from './tree';
