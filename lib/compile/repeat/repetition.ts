/** @file A graph repeated many times: what a `Program` needs of it, and how one is made. */
import type { Graph } from '../graph';
import type { WideTensor } from '../host';
import type { DeviceTensor, Runtime, RuntimeOptions } from '../runtime';
import type { Target } from '../target';

/** An opened step. The graph's first outputs are the new values of all its inputs; those after them are metrics. */
export interface Repetition {
  /** Runs `steps` ≥ 1 steps. Metrics have a leading axis `steps`. */
  run(
    state: readonly DeviceTensor[],
    steps: number,
  ): Promise<{ readonly state: readonly DeviceTensor[]; readonly metrics: readonly WideTensor[] }>;
  /** Frees the native memory. */
  release(): Promise<void>;
}

/** How many of a graph's outputs are carried to the next step, and how many are metrics. */
export interface Outputs {
  readonly carried: number;
  readonly metrics: number;
}

/** A way of repeating a step: the ONNX model it needs, and how to drive that. */
export interface RepetitionMethod {
  model(graph: Graph, target: Target): Uint8Array;
  open(runtime: Runtime, model: Uint8Array, outputs: Outputs, options: RuntimeOptions): Promise<Repetition>;
}
