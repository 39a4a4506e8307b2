/** @file A graph repeated many times: what a `Program` needs of it, and how one is made. */
import type { Graph } from '../graph';
import type { WideTensor } from '../host';
import type { ProgramForm } from '../program-form';
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

/** A way of repeating a step: the ONNX model it needs, and how to drive that. */
export interface RepetitionMethod {
  readonly name: string;
  model(graph: Graph, target: Target, form: ProgramForm): Uint8Array;
  open(runtime: Runtime, model: Uint8Array, form: ProgramForm, options: RuntimeOptions): Promise<Repetition>;
}
