/** @file The kernels there are: tfjs-core exports the name of each as a string. */
import * as tf from '@tensorflow/tfjs-core';

/** Every kernel name that tfjs-core exports, sorted. */
export function kernelNames(): string[] {
  const exported: readonly unknown[] = Object.values(tf);
  const names = exported.filter(
    (value): value is string => typeof value === 'string' && /^_?[A-Z]/.test(value),
  );
  return [...new Set(names)].sort();
}
