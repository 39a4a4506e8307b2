/** @file What a run records of the software and machine it ran on. */
import { availableParallelism, cpus } from 'node:os';
import { version as tfjsVersion } from '@tensorflow/tfjs';
import { DEVICE_REQUESTS, type DeviceRequest, isDeviceRequest, type OpenedDevice } from '../compile/devices';
import { shown } from '../compile/errors';
import { onnxRuntimeNode } from '../compile/runtime.node';
import { ArgumentError } from '../errors';
import type { RunEnvironment } from './run';

/** More threads than this do not help models of these sizes. */
const MOST_DEFAULT_THREADS = 8;

/** Threads beyond a few for each core only wait for each other; a thousand of them never finish starting. */
const mostThreads = (cores: number) => Math.max(8, 4 * cores);

/** @throws ArgumentError for a name that is no device's. */
export function checkedDevice(name: string): DeviceRequest {
  if (!isDeviceRequest(name)) {
    throw new ArgumentError(`device is '${name}', expected ${DEVICE_REQUESTS.join(', ')}`);
  }
  return name;
}

/**
 * @param device As `openDevice` returns it; default: the CPU.
 * @throws ArgumentError for a number of threads that is not an integer from 1 to 4 a core, or 8 where that is more.
 */
export function runEnvironment({
  device = { name: 'cpu', version: onnxRuntimeNode.version },
  threads,
}: {
  device?: Pick<OpenedDevice, 'name' | 'reason' | 'version'>;
  threads?: number;
} = {}): RunEnvironment {
  const cores = availableParallelism();
  const count = threads ?? Math.min(cores, MOST_DEFAULT_THREADS);
  const most = mostThreads(cores);
  if (!Number.isInteger(count) || count < 1 || count > most) {
    throw new ArgumentError(
      `threads is ${shown(count)}, this machine has ${cores} ${cores === 1 ? 'core' : 'cores'}; give an integer from 1 to ${most}`,
    );
  }
  return {
    device: device.name,
    ...(device.reason === undefined ? {} : { deviceReason: device.reason }),
    threads: count,
    versions: {
      node: process.versions.node,
      runtime: device.version,
      tfjs: tfjsVersion.tfjs,
    },
    machine: { cpu: cpus()[0]?.model ?? 'unknown', cores, platform: `${process.platform} ${process.arch}` },
  };
}
