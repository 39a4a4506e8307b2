/** @file What a run records of the software and machine it ran on. */
import { availableParallelism, cpus } from 'node:os';
import { version as tfjsVersion } from '@tensorflow/tfjs';
import { onnxRuntimeNode } from '../compile/runtime.node';
import { ArgumentError } from '../errors';
import type { RunEnvironment } from './run';

/** More threads than this do not help models of these sizes. */
const MOST_DEFAULT_THREADS = 8;

/** Devices that exist. */
export const DEVICES = ['cpu'] as const;

/** @throws ArgumentError for an unknown device or a number of threads that is not a positive integer. */
export function runEnvironment({
  device = 'cpu',
  threads,
}: {
  device?: string;
  threads?: number;
} = {}): RunEnvironment {
  if (!(DEVICES as readonly string[]).includes(device)) {
    throw new ArgumentError(`device is '${device}', expected ${DEVICES.join(', ')}`);
  }
  const cores = availableParallelism();
  const count = threads ?? Math.min(cores, MOST_DEFAULT_THREADS);
  if (!Number.isInteger(count) || count < 1 || count > 1024) {
    throw new ArgumentError(`threads is ${count}, expected an integer from 1 to 1024`);
  }
  return {
    device,
    threads: count,
    versions: {
      node: process.versions.node,
      runtime: onnxRuntimeNode.version,
      tfjs: tfjsVersion.tfjs,
    },
    machine: { cpu: cpus()[0]?.model ?? 'unknown', cores, platform: `${process.platform} ${process.arch}` },
  };
}
