/** @file Makes one of tfjs's own backends active. Those that are not part of this project have to be installed. */
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { withBackend } from 'optimal-grokking/dist/compile/index.js';

const require = createRequire(import.meta.url);

/** A package's manifest; undefined where it is not installed. @param {string} name @returns {any} */
function manifest(name) {
  try {
    return require(`${name}/package.json`);
  } catch {
    return undefined;
  }
}

/**
 * @param {string} backend `cpu`, `wasm` or `node`
 * @returns {Promise<Record<string, string>>} versions
 * @throws {Error} one line, where the backend is not installed
 */
export async function openBackend(backend) {
  // Also keeps tfjs's advertisement for tfjs-node off the protocol's channel.
  withBackend('cpu', () => {});
  const versions = { tfjs: tf.version_core };
  if (backend === 'cpu') {
    await tf.setBackend('cpu');
    return versions;
  }
  const name = { wasm: '@tensorflow/tfjs-backend-wasm', node: '@tensorflow/tfjs-node' }[backend];
  const found = name === undefined ? undefined : manifest(name);
  // The project puts the plain tfjs package in the place of tfjs-node, whose installer downloads a library.
  if (name === undefined || found?.name !== name) {
    throw new Error(`${name ?? backend} ${tf.version_core} is not installed`);
  }
  if (backend === 'wasm') {
    const { setWasmPaths } = require(name);
    setWasmPaths(join(dirname(require.resolve(`${name}/package.json`)), 'dist') + sep);
    await tf.setBackend('wasm');
    return { ...versions, [name]: found.version };
  }
  // Removed in Node 23, but called by tfjs-node.
  const util = require('node:util');
  util.isNullOrUndefined ??= (/** @type {unknown} */ value) => value === undefined || value === null;
  const { version } = require(name);
  await tf.setBackend('tensorflow');
  return { ...versions, [name]: found.version, tensorflow: String(version.tensorflow ?? 'unknown') };
}
