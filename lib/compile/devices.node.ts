/** @file Finds and opens devices in Node, and compiles a step for one by its name. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { listSupportedBackends } from 'onnxruntime-node';
import { checkOptions } from './arguments';
import { checkStep } from './compile-arguments';
import {
  type CompiledDevice,
  DEVICE_REQUESTS,
  type DeviceRequest,
  deviceOf,
  isDeviceRequest,
  type OpenedDevice,
  type StepProgram,
} from './devices';
import { eagerDevice } from './eager';
import { openEagerBackend } from './eager.node';
import { CompileError, shown } from './errors';
import { measureProduct } from './measure';
import { PROGRAM_OPTIONS, type ProgramOptions } from './options';
import type { Runtime } from './runtime';
import { cudaRuntimeNode, onnxRuntimeNode, webgpuRuntimeNode } from './runtime.node';
import type { StateTree, Step } from './state';
import type { Precision } from './target';

/** How to get what a compiled device needs, by what is missing. */
const INSTALL = {
  cudaPlatform: 'onnxruntime-node has it on Linux x64 only',
  cudaLibraries:
    'to get it: node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12, with CUDA 12 and cuDNN 9',
  cudaDriver: 'it needs an NVIDIA driver, CUDA 12 and cuDNN 9 on the library path',
  webgpuPlatform: 'onnxruntime-node has it on Linux x64, macOS and Windows',
  webgpuAdapter:
    "it needs a graphics driver for Vulkan (Linux: libvulkan1 and the GPU's own), Metal or Direct3D 12",
} as const;

/**
 * Opens a device.
 * @param request A name of `DEVICE_REQUESTS`. `auto` takes CUDA where it works, else WebGPU where a GPU is there and is
 * faster than the processor, else the CPU, and gives the reason.
 * @throws CompileError for a device that is not there, with how to get it.
 */
export async function openDevice(request: DeviceRequest): Promise<OpenedDevice> {
  if (!isDeviceRequest(request)) {
    throw new CompileError(`device is ${shown(request)}, expected ${DEVICE_REQUESTS.join(', ')}`);
  }
  if (request === 'auto') return openFastest();
  if (request === 'cpu' || request === 'webgpu' || request === 'cuda') return deviceOf(await open(request));
  return eagerDevice(await openEagerBackend(request));
}

/** How a step is compiled, and where it runs. */
export interface DeviceOptions<P extends Precision = Precision> extends ProgramOptions<P> {
  /** Default `cpu`. */
  readonly device?: DeviceRequest;
}

/**
 * Makes a program of a step on a device: `Program.compile` by a device's name.
 * @throws CompileError as `openDevice` and `Program.compile` do.
 */
export async function compile<S extends StateTree, P extends Precision = 'float32'>(
  step: Step<S>,
  example: S,
  options: DeviceOptions<P> = {},
): Promise<StepProgram<S, P>> {
  checkStep(step);
  checkOptions('compile', options, ['device', ...PROGRAM_OPTIONS]);
  const { device = 'cpu', ...rest } = options;
  return (await openDevice(device)).compile(step, example, rest);
}

async function open(device: CompiledDevice): Promise<Runtime> {
  if (device === 'cpu') return onnxRuntimeNode;
  const missing = missingPart(device);
  if (missing !== undefined) throw new CompileError(`the device '${device}' is not there: ${missing}`);
  const runtime = device === 'cuda' ? cudaRuntimeNode : webgpuRuntimeNode();
  try {
    await measureProduct(runtime, 2);
  } catch (error) {
    // ONNX Runtime begins with the place in its own source and the condition that did not hold.
    const reason = (error as Error).message.replace(/^.* was false\. /, '');
    const needs = device === 'cuda' ? INSTALL.cudaDriver : INSTALL.webgpuAdapter;
    throw new CompileError(`the device '${device}' is not there: ${needs} (${reason})`, { cause: error });
  }
  return runtime;
}

/** What a look at the installation tells to be missing. Opening a provider whose library is absent prints to stderr. */
function missingPart(device: 'webgpu' | 'cuda'): string | undefined {
  const offered = listSupportedBackends().some(({ name }) => name === device);
  if (device === 'webgpu') return offered ? undefined : INSTALL.webgpuPlatform;
  if (!offered) return INSTALL.cudaPlatform;
  return cudaLibrary() ? undefined : INSTALL.cudaLibraries;
}

/** Whether the provider's library, which does not come with the package, lies beside its others. */
function cudaLibrary(): boolean {
  const root = join(dirname(require.resolve('onnxruntime-node')), '..', 'bin');
  return readdirSync(root).some((napi) =>
    existsSync(join(root, napi, process.platform, process.arch, 'libonnxruntime_providers_cuda.so')),
  );
}

/** Side of the square product that decides whether a GPU is worth taking: 2 GFLOP. */
const PROBE_SIDE = 1024;

async function openFastest(): Promise<OpenedDevice> {
  const reasons: string[] = [];
  if (missingPart('cuda') === undefined) {
    try {
      return { ...deviceOf(await open('cuda')), reason: 'CUDA works' };
    } catch (error) {
      reasons.push((error as Error).message);
    }
  } else {
    reasons.push('no CUDA');
  }
  if (missingPart('webgpu') === undefined && mayHaveGpu()) {
    try {
      const runtime = await open('webgpu');
      // A graphics device may be the processor in disguise, which nothing here can ask; its speed tells.
      const [gpu, cpu] = [
        await measureProduct(runtime, PROBE_SIDE),
        await measureProduct(onnxRuntimeNode, PROBE_SIDE),
      ];
      const faster = `a product takes ${gpu.toPrecision(2)} ms on WebGPU, ${cpu.toPrecision(2)} ms on the CPU`;
      if (gpu < cpu) return { ...deviceOf(runtime), reason: faster };
      reasons.push(faster);
    } catch (error) {
      reasons.push((error as Error).message);
    }
  } else {
    reasons.push('no GPU for WebGPU');
  }
  return { ...deviceOf(onnxRuntimeNode), reason: reasons.join('; ') };
}

/** Whether it is worth asking for an adapter: without a GPU's device file, Linux has only software ones. */
function mayHaveGpu(): boolean {
  if (process.platform !== 'linux') return true;
  const rendering =
    existsSync('/dev/dri') && readdirSync('/dev/dri').some((name) => name.startsWith('render'));
  return rendering || existsSync('/dev/nvidia0') || existsSync('/dev/dxg');
}
