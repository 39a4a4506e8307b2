/** @file What the compiler needs of a runtime that executes ONNX models. Node's is in `runtime.node.ts`. */
import type { WideTensor } from './host';
import type { Device } from './target';

/** Where and how a program runs. */
export interface RuntimeOptions {
  /** Threads inside one operator, an integer from 1 to 1024; absent: as many as the runtime finds sensible. */
  readonly threads?: number;
  /**
   * Whether idle threads wait for work in a busy loop: faster where a core is free for each of them, slower where several
   * programs share the cores. Absent: the runtime's own choice, which is to spin.
   */
  readonly spinning?: boolean;
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
  /**
   * @param resident Names of outputs to leave on the device, where it has memory of its own; a session takes them as
   * inputs, `get` reads them and `free` gives their memory back.
   */
  open(model: Uint8Array, options: RuntimeOptions, resident?: readonly string[]): Promise<RuntimeSession>;
  /** Copies a tensor to the device, in the type of its array: float64 for a `Float64Array`. */
  put(tensor: WideTensor): DeviceTensor;
  /** The number of steps, which ONNX wants as int64. */
  putCount(count: number): DeviceTensor;
  get(tensor: DeviceTensor): Promise<WideTensor>;
  /** Gives back the device's memory of a tensor that is not used any more, now rather than some time later. */
  free(tensor: DeviceTensor): void;
  /** Where it executes. */
  readonly device: Device;
  /** Whether ONNX's `Loop` runs on the device, so that one call of a session may be many steps. */
  readonly nativeLoop: boolean;
  /** Name and version, for the record of a run. */
  readonly version: string;
}
