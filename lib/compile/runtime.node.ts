/** @file ONNX Runtime in Node: its CPU provider, WebGPU and CUDA. */
import * as ort from 'onnxruntime-node';
import type { DType } from './host';
import { encodeModel, type OnnxGraph } from './onnx/proto';
import { guarded, type OnnxRuntimeProvider, onnxRuntime } from './onnx-runtime';
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
 * GPU's memory. Each runtime opens a session for every form of tensor it has read, so make one and keep it.
 */
export function webgpuRuntimeNode(): Runtime {
  return nodeRuntime({ device: 'webgpu', nativeLoop: false, keepsResults: true, download: downloader() });
}

/**
 * Reads tensors from the GPU by a program that returns its input: the package's own `getData()` is not implemented
 * for these tensors and ends the process.
 */
function downloader(): (tensor: ort.Tensor) => Promise<ort.Tensor> {
  const sessions = new Map<string, Promise<ort.InferenceSession>>();
  return async (tensor) => {
    const form = `${tensor.type}:${tensor.dims.length}`;
    let session = sessions.get(form);
    if (session === undefined) {
      session = guarded('read the state', () =>
        ort.InferenceSession.create(identityModel(tensor.type as DType, tensor.dims.length), {
          executionProviders: ['webgpu'],
          logSeverityLevel: 4,
        }),
      );
      sessions.set(form, session);
    }
    const reader = await session;
    const { y } = await guarded('read the state', () => reader.run({ x: tensor }));
    return y as ort.Tensor;
  };
}

/** `y = x` for tensors of a type and rank. */
function identityModel(type: DType, rank: number): Uint8Array {
  const shape = Array.from({ length: rank }, (_, axis) => `d${axis}`);
  const graph: OnnxGraph = {
    name: 'identity',
    nodes: [{ opType: 'Identity', inputs: ['x'], outputs: ['y'], attributes: {} }],
    initializers: [],
    inputs: [{ name: 'x', type, shape }],
    outputs: [{ name: 'y', type, shape }],
  };
  return encodeModel(graph);
}
