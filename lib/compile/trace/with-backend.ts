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
  quietCpuBackend();
  void tf.setBackend(name);
  try {
    return body();
  } finally {
    void tf.setBackend(previous);
  }
}

/** The CPU backend advertises tfjs-node on its first use; in a notebook or a log that is noise. */
function quietCpuBackend(): void {
  const backend = tf.findBackend(CPU_BACKEND) as { firstUse?: boolean } | null;
  if (backend !== null && 'firstUse' in backend) backend.firstUse = false;
}
