/** @file Runs a function with another tfjs backend active. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';

/** tfjs's plain JavaScript backend, always there. */
export const CPU_BACKEND = 'cpu';

/**
 * Makes a backend active while `body` runs, then the one that was active before; tfjs's CPU backend where none was
 * chosen yet. Only for backends that need no asynchronous start: `tf.setBackend` then takes effect at once.
 */
export function withBackend<T>(name: string, body: () => T): T {
  // Before the first operation tfjs has no active backend and returns undefined, against its declared type.
  const previous = (tf.getBackend() as string | undefined) || CPU_BACKEND;
  void tf.setBackend(name);
  try {
    return body();
  } finally {
    void tf.setBackend(previous);
  }
}

// On its first use in Node the CPU backend prints an advertisement for tfjs-node: noise in a notebook or a log, and no
// option of tfjs's switches off this notice alone. It asks a field of its own whether it is the first time.
const cpuBackend = tf.findBackend(CPU_BACKEND) as { firstUse?: boolean } | null;
if (cpuBackend !== null && 'firstUse' in cpuBackend) cpuBackend.firstUse = false;
