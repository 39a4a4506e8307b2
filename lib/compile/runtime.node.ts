/** @file ONNX Runtime in Node: its CPU provider, WebGPU and CUDA. */
import * as ort from 'onnxruntime-node';
import { type OnnxRuntimeProvider, onnxRuntime } from './onnx-runtime';
import type { Runtime, RuntimeOptions } from './runtime';

const VERSION = `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common}`;

/** Threads inside one operator: those of the CPU provider, which also runs what another provider leaves to it. */
const withThreads = ({ threads }: RuntimeOptions): ort.InferenceSession.SessionOptions =>
  threads === undefined ? {} : { intraOpNumThreads: threads };

function nodeRuntime(
  provider: Omit<OnnxRuntimeProvider, 'version' | 'provider' | 'sessionOptions'>,
): Runtime {
  return onnxRuntime(ort, {
    ...provider,
    version: VERSION,
    provider: provider.device,
    sessionOptions: withThreads,
  });
}

/** The CPU. */
export const onnxRuntimeNode: Runtime = nodeRuntime({ device: 'cpu', nativeLoop: true, keepsResults: false });

/**
 * NVIDIA GPUs. A call of many steps keeps the state on the GPU; between calls it passes through host memory, because
 * onnxruntime-node offers no other place for this provider's results.
 */
export const cudaRuntimeNode: Runtime = nodeRuntime({
  device: 'cuda',
  nativeLoop: true,
  keepsResults: false,
});

/**
 * The GPU through WebGPU: Vulkan on Linux, Metal on macOS, Direct3D 12 on Windows. The provider has no `Loop`, and leaves
 * it with the copies of all carried tensors to the CPU, so a call of the session is one step; the state stays in the
 * GPU's memory.
 */
export function webgpuRuntimeNode(): Runtime {
  return nodeRuntime({ device: 'webgpu', nativeLoop: false, keepsResults: true });
}
