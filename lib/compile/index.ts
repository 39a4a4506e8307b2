/** @file Write a training step in plain tfjs, run it as one native program. Imports nothing of the rest of the package. */
export { CompileError } from './errors';
export { type GeluOptions, gelu, silu, stopGradient } from './functions';
export type { DType, HostTensor, WideTensor } from './host';
export { compilableKernels } from './kernels/table';
export { PASSES, type Pass } from './passes';
export { cond } from './primitives';
export {
  type CompiledFunction,
  type CompileOptions,
  compileFunction,
  type DeviceState,
  type HostTree,
  isHostTensor,
  isTensor,
  Program,
  type RunResult,
  type StateTree,
  type Step,
  type StepResult,
  type TensorTree,
  toHost,
} from './program';
export type { Runtime, RuntimeOptions } from './runtime';
export type { Device, Precision, Target } from './target';
export { withBackend } from './trace/with-backend';
export { leavesOf, mapTree, type Tree } from './tree';
