/**
 * @file Gives back a device's memory when the tensor that stands for it is gone. ONNX Runtime frees such memory on
 * `dispose()` alone, and to JavaScript's garbage collector the tensor looks like a few bytes, so nothing would hurry it.
 */
import type { Tensor } from 'onnxruntime-common';

export interface DeviceMemory {
  /** Watches a tensor in the device's memory, which is freed some time after nobody refers to the tensor. */
  watch(tensor: Tensor): void;
  /** Frees a watched tensor now; nothing happens to one that is not watched, or was freed. */
  free(tensor: Tensor): void;
}

export function deviceMemory(): DeviceMemory {
  const registry = new FinalizationRegistry<Tensor>((twin) => twin.dispose());
  // As much host memory, never touched: the collector counts it, the operating system gives it no pages.
  const weights = new WeakMap<Tensor, ArrayBuffer>();
  return {
    watch(tensor) {
      // What frees the memory must not refer to the tensor itself.
      const twin: Tensor = Object.assign(Object.create(Object.getPrototypeOf(tensor)), tensor);
      registry.register(tensor, twin, tensor);
      const weight = weightOf(tensor);
      if (weight !== undefined) weights.set(tensor, weight);
    },
    free(tensor) {
      if (!registry.unregister(tensor)) return;
      weights.delete(tensor);
      tensor.dispose();
    },
  };
}

/** `undefined` where the host refuses so much: then the collector comes when it comes. */
function weightOf({ size, type }: Tensor): ArrayBuffer | undefined {
  try {
    return new ArrayBuffer(size * (type === 'bool' ? 1 : 4));
  } catch {
    return undefined;
  }
}
