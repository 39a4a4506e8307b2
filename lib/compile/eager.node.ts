/** @file Which tfjs backend runs eager operations in Node. */
import * as tf from '@tensorflow/tfjs-core';
import { CPU_BACKEND } from './trace/with-backend';

/**
 * Chooses tfjs's CPU backend unless one is active already. tfjs would come to the same choice at the first operation,
 * but only after making a second instance of the backend, which then prints its advertisement for tfjs-node.
 * `@tensorflow/tfjs-node-gpu` makes itself active when it is imported, before or after.
 */
export function chooseEagerBackend(): void {
  if (((tf.getBackend() as string | undefined) ?? '') === '') void tf.setBackend(CPU_BACKEND);
}
