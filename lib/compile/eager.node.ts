/** @file tfjs's backends in Node: which one runs eager operations, and how those of other packages are found and started. */
import { createRequire } from 'node:module';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import type { EagerDevice } from './devices';
import type { EagerBackend } from './eager';
import { CompileError } from './errors';
import { CPU_BACKEND } from './trace/with-backend';

/**
 * Chooses tfjs's CPU backend unless one is active already. tfjs would come to the same choice at the first operation,
 * but only after making a second instance of the backend, which then prints its advertisement for tfjs-node.
 * `@tensorflow/tfjs-node-gpu` makes itself active when it is imported, before or after.
 */
export function chooseEagerBackend(): void {
  if (((tf.getBackend() as string | undefined) ?? '') === '') void tf.setBackend(CPU_BACKEND);
}

/** Where a backend comes from. */
interface Source {
  readonly package: string;
  /** Its name in tfjs's registry. */
  readonly backend: string;
  /** How to get it. */
  readonly install: string;
}

const VERSION = '4.22.0';

const SOURCES: Readonly<Record<EagerDevice, Source>> = {
  'tfjs:cpu': { package: '@tensorflow/tfjs-backend-cpu', backend: CPU_BACKEND, install: 'npm ci' },
  'tfjs:wasm': {
    package: '@tensorflow/tfjs-backend-wasm',
    backend: 'wasm',
    install: `npm install --no-save @tensorflow/tfjs-backend-wasm@${VERSION}`,
  },
  'tfjs:node': {
    package: '@tensorflow/tfjs-node',
    backend: 'tensorflow',
    install: `remove "@tensorflow/tfjs-node" from "overrides" in package.json, then npm install --no-save --ignore-scripts=false @tensorflow/tfjs-node@${VERSION}`,
  },
  'tfjs:node-gpu': {
    package: '@tensorflow/tfjs-node-gpu',
    backend: 'tensorflow',
    install: `npm install --no-save --ignore-scripts=false @tensorflow/tfjs-node-gpu@${VERSION}, with CUDA 11.2 and cuDNN 8.1`,
  },
};

/** Loads and starts a backend; the one active before stays active. `resolve` finds packages; by default Node's way. */
export async function openEagerBackend(
  device: EagerDevice,
  resolve: NodeJS.Require = createRequire(__filename),
): Promise<EagerBackend> {
  const { package: name, backend, install } = SOURCES[device];
  const absent = (reason: string, cause?: unknown) =>
    new CompileError(`the device '${device}' is not there: ${reason}; to get it: ${install}`, { cause });
  const manifest = manifestOf(name, resolve);
  if (manifest === undefined) throw absent(`the package ${name} is not installed`);
  // The project replaces tfjs-node, whose install script downloads a library, by plain tfjs under its name.
  if (manifest.name !== name) throw absent(`${manifest.name} is installed in place of ${name}`);
  const before = tf.getBackend() as string | undefined;
  try {
    restoreRemovedUtilities();
    resolve(name);
    if (!(await tf.setBackend(backend))) throw new Error(`tfjs cannot start its backend '${backend}'`);
  } catch (error) {
    throw absent((error as Error).message.split('\n')[0] as string, error);
  } finally {
    await tf.setBackend(before || CPU_BACKEND);
  }
  return { device, backend, version: `${name} ${manifest.version}` };
}

function manifestOf(
  name: string,
  resolve: NodeJS.Require,
): { readonly name: string; readonly version: string } | undefined {
  try {
    return resolve(`${name}/package.json`);
  } catch {
    return undefined;
  }
}

/** Node 23 removed functions that tfjs-node 4.22 calls. */
function restoreRemovedUtilities(): void {
  const functions = util as unknown as Record<string, unknown>;
  functions.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  functions.isArray ??= Array.isArray;
}
