/** @file What the compiler needs of a runtime that executes ONNX models. Node's is in `runtime.node.ts`. */
import type { HostTensor } from './host';

/** Where and how a program runs. */
export interface RuntimeOptions {
  /** Threads inside one operator, at least 1; absent: as many as the runtime finds sensible. */
  readonly threads?: number;
}

/** A tensor on the runtime's device, of a form only the runtime knows. */
export type DeviceTensor = unknown;

/** One opened model. */
export interface RuntimeSession {
  /** Runs the model. Blocks the event loop until it is done where the runtime cannot do otherwise. */
  run(inputs: Readonly<Record<string, DeviceTensor>>): Promise<Readonly<Record<string, DeviceTensor>>>;
  /** Frees the model's memory. */
  release(): Promise<void>;
}

export interface Runtime {
  open(model: Uint8Array, options: RuntimeOptions): Promise<RuntimeSession>;
  put(tensor: HostTensor): DeviceTensor;
  /** The number of steps, which ONNX wants as int64. */
  putCount(count: number): DeviceTensor;
  get(tensor: DeviceTensor): Promise<HostTensor>;
  /** Name and version, for the record of a run. */
  readonly version: string;
}
