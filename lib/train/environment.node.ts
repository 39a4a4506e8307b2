/** @file What a run records of the software and machine it ran on. */
import { availableParallelism, cpus } from 'node:os';
import { version as tfjsVersion } from '@tensorflow/tfjs';
import { DEVICE_REQUESTS, type DeviceRequest, isDeviceRequest, type OpenedDevice } from '../compile/devices';
import { onnxRuntimeNode } from '../compile/runtime.node';
import { ArgumentError } from '../errors';
import type { RunEnvironment } from './run';

/** More threads than this do not help models of these sizes. */
const MOST_DEFAULT_THREADS = 8;

/** @throws ArgumentError for a name that is no device's. */
export function checkedDevice(name: string): DeviceRequest {
  if (!isDeviceRequest(name)) {
    throw new ArgumentError(`device is '${name}', expected ${DEVICE_REQUESTS.join(', ')}`);
  }
  return name;
}

/**
 * @param device As `openDevice` returns it; default: the CPU.
 * @throws ArgumentError for a number of threads that is not a positive integer.
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
  if (!Number.isInteger(count) || count < 1 || count > 1024) {
    throw new ArgumentError(`threads is ${count}, expected an integer from 1 to 1024`);
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
