/** @file The runtime of a device, and the options that a contender hands it. */
import {
  cudaRuntimeNode,
  onnxRuntimeNode,
  webgpuRuntimeNode,
} from 'optimal-grokking/dist/compile/runtime.node.js';

/** What `--device` takes. */
export const DEVICES = /** @type {const} */ (['cpu', 'webgpu', 'cuda']);

/**
 * @param {string} [device] one of `DEVICES`; default `cpu`
 * @returns {Promise<import('optimal-grokking/dist/compile/index.js').Runtime>}
 */
export async function openRuntime(device = 'cpu') {
  if (device === 'webgpu') return webgpuRuntimeNode();
  return device === 'cuda' ? cudaRuntimeNode : onnxRuntimeNode;
}

/** @param {{ threads?: string | undefined, spinning?: string | undefined }} values of a contender's command line */
export function runtimeOptions({ threads, spinning }) {
  return {
    ...(threads === undefined ? {} : { threads: Number(threads) }),
    ...(spinning === undefined ? {} : { spinning: spinning === 'on' }),
  };
}
