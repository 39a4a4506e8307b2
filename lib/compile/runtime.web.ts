/**
 * @file ONNX Runtime in a browser page: WebAssembly on the CPU, or WebGPU. Loaded when a runtime is asked for; its binary
 * files come from wherever the page serves them.
 */
import type { Env } from 'onnxruntime-common';
import { type OnnxRuntimePackage, onnxRuntime } from './onnx-runtime';
import type { Runtime } from './runtime';

export interface WebRuntimeOptions {
  /** `cpu` runs WebAssembly, with threads where the page is cross-origin isolated. Default `cpu`. */
  readonly device?: 'cpu' | 'webgpu';
  /**
   * URL of the folder with the files `ort-wasm-simd-threaded*` of `onnxruntime-web/dist`: those without a further name
   * for `cpu`, those named `asyncify` for `webgpu`. Default: beside the page's script.
   */
  readonly files?: string;
}

/**
 * The runtime of a page. The `threads` of the first program opened hold for all: ONNX Runtime starts them once.
 * Programs block the thread that they run on; a page that should stay responsive runs them in a worker.
 */
export async function webRuntime({ device = 'cpu', files }: WebRuntimeOptions = {}): Promise<Runtime> {
  const webgpu = device === 'webgpu';
  const ort = webgpu ? await import('onnxruntime-web/webgpu') : await import('onnxruntime-web/wasm');
  const env = ort.env as Env;
  if (files !== undefined) env.wasm.wasmPaths = files.endsWith('/') ? files : `${files}/`;
  return onnxRuntime(ort as unknown as OnnxRuntimePackage, {
    version: `onnxruntime-web ${env.versions.web ?? env.versions.common}`,
    device,
    provider: webgpu ? 'webgpu' : 'wasm',
    nativeLoop: !webgpu,
    keepsResults: webgpu,
    sessionOptions: ({ threads }) => {
      if (threads !== undefined) env.wasm.numThreads = threads;
      return {};
    },
  });
}
