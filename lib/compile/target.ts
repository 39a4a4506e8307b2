/** @file What a program is compiled for: the kernels' lowerings may differ by it. */

/** Where ONNX Runtime executes a program. */
export type Device = 'cpu' | 'cuda' | 'webgpu';

/** In what a program computes its floating-point numbers. The graph calls them float32 either way. */
export type Precision = 'float32' | 'float64';

export interface Target {
  readonly precision: Precision;
  readonly device: Device;
}

/** What a graph is lowered for unless something else is asked for. */
export const DEFAULT_TARGET: Target = { precision: 'float32', device: 'cpu' };
