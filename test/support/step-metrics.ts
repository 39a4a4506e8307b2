/** @file What the first steps of a small configuration report, compiled and eagerly. */
import * as tf from '@tensorflow/tfjs-core';
import { isHostTensor, mapTree, Program, withBackend } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { type RunOptions, runConfig } from '../../lib/train/config';
import { prepareRun } from '../../lib/train/prepare';

/** Numbers by metric, one a step. */
export type StepMetrics = Readonly<Record<string, number[]>>;

/** A small decoder with 24 training rows of 49. */
export const TINY = {
  model: 'decoder',
  tokens: 'pair',
  modulus: 7,
  trainRows: 24,
  dModel: 8,
  heads: 2,
  layers: 1,
  evalEvery: 1,
  steps: 4,
  seed: 5,
} as const satisfies RunOptions;

/** The metrics of the first steps of a configuration, compiled. */
export async function metricsOf(options: RunOptions, steps = 2): Promise<StepMetrics> {
  const { step, initial } = prepareRun(runConfig({ ...TINY, ...options }));
  const program = await Program.compile(onnxRuntimeNode, step, initial, { threads: 1 });
  try {
    const { metrics } = await program.run(program.put(initial), { steps });
    return Object.fromEntries(
      Object.entries(metrics).map(([name, { data }]) => [name, [...(data as Float32Array)]]),
    );
  } finally {
    await program.release();
  }
}

/** The same, run eagerly. */
export function eagerMetricsOf(options: RunOptions, steps = 2): StepMetrics {
  const { step, initial } = prepareRun(runConfig({ ...TINY, ...options }));
  const result: Record<string, number[]> = {};
  withBackend('cpu', () =>
    tf.tidy(() => {
      let state = mapTree(initial, isHostTensor, ({ data, shape, dtype }) =>
        tf.tensor(data, [...shape], dtype),
      );
      for (let i = 0; i < steps; i++) {
        const { state: next, metrics } = step(state as never);
        for (const [name, value] of Object.entries(metrics)) {
          result[name] ??= [];
          result[name].push((value as tf.Tensor).dataSync()[0] as number);
        }
        state = next as never;
      }
    }),
  );
  return result;
}
