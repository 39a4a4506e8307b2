/** @file Names of the devices that run a step, and what an opened one offers. */
import type { ProgramOptions } from './options';
import { Program } from './program';
import type { Runtime } from './runtime';
import type { StateTree, Step } from './state';
import type { Precision } from './target';

/** Devices that run a step compiled to one program. */
export const COMPILED_DEVICES = ['cpu', 'webgpu', 'cuda'] as const;

/** tfjs's own backends, which run a step operation by operation. */
export const EAGER_DEVICES = ['tfjs:cpu', 'tfjs:wasm', 'tfjs:node', 'tfjs:node-gpu'] as const;

export type CompiledDevice = (typeof COMPILED_DEVICES)[number];
export type EagerDevice = (typeof EAGER_DEVICES)[number];
export type DeviceName = CompiledDevice | EagerDevice;

/** What may be asked for: a device, or `auto` for the fastest compiled one that is there. */
export type DeviceRequest = DeviceName | 'auto';

/** Every name that may be asked for. */
export const DEVICE_REQUESTS: readonly DeviceRequest[] = [...COMPILED_DEVICES, 'auto', ...EAGER_DEVICES];

export function isDeviceRequest(name: string): name is DeviceRequest {
  return (DEVICE_REQUESTS as readonly string[]).includes(name);
}

/** What compiled and eager programs have in common: all that training needs. */
export type StepProgram<S extends StateTree = StateTree, P extends Precision = 'float32'> = Pick<
  Program<S, P>,
  'put' | 'get' | 'free' | 'run' | 'findNonFinite' | 'release'
>;

/** A device that is there and ready. */
export interface OpenedDevice {
  readonly name: DeviceName;
  /** Why this one, where `auto` was asked for. */
  readonly reason?: string;
  /** Name and version of what executes, for the record of a run. */
  readonly version: string;
  /** The runtime of a compiled device; absent for an eager one. */
  readonly runtime?: Runtime;
  /** Makes a program of a step, as `Program.compile` does. */
  compile<S extends StateTree, P extends Precision = 'float32'>(
    step: Step<S>,
    example: S,
    options?: ProgramOptions<P>,
  ): Promise<StepProgram<S, P>>;
}

/** A runtime as a device. */
export function deviceOf(runtime: Runtime): OpenedDevice {
  return {
    name: runtime.device,
    version: runtime.version,
    runtime,
    compile: (step, example, options) => Program.compile(runtime, step, example, options),
  };
}
