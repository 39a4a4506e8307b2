/** @file Options that a contender's command line hands on to the compiler, and the runtime of a compiled device. */
import { openDevice } from 'optimal-grokking/dist/compile/devices.node.js';

/**
 * @param {string} [device] a device that compiles; default `cpu`
 * @returns {Promise<import('optimal-grokking/dist/compile/index.js').Runtime>}
 * @throws {RangeError} for a device that runs steps eagerly
 */
export async function openRuntime(device = 'cpu') {
  const { runtime } = await openDevice(/** @type {any} */ (device));
  if (runtime === undefined) throw new RangeError(`device is ${device}, expected one that compiles`);
  return runtime;
}

/** @param {{ threads?: string | undefined, spinning?: string | undefined }} values of a contender's command line */
export function runtimeOptions({ threads, spinning }) {
  return {
    ...(threads === undefined ? {} : { threads: Number(threads) }),
    ...(spinning === undefined ? {} : { spinning: spinning === 'on' }),
  };
}
