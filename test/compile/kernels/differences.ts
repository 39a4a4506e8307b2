/** @file Gradients against central differences of the same function, both compiled in double precision. */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { compileFunction, type HostTensor } from '../../../lib/compile';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';

/** A function of float32 tensors; the sum of its results, weighted, is what is differentiated. */
export type Differentiable = (...inputs: tf.Tensor[]) => tf.Tensor;

const STEP = 1e-5;

/** Weights that tell the elements of a result apart. */
function weighted(result: tf.Tensor): tf.Tensor {
  const weights = Float32Array.from({ length: result.size }, (_, i) => (((i * 7) % 29) + 1) / 16);
  return tf.sum(tf.mul(result, tf.tensor(weights, result.shape)));
}

/** Checks the gradients by all inputs to a relative 1e-6. The inputs must keep away from kinks by more than 1e-5. */
export async function expectGradientsOfDifferences(
  f: Differentiable,
  inputs: readonly HostTensor[],
  tolerance = 1e-6,
): Promise<void> {
  const sum = (...given: tf.Tensor[]) => weighted(f(...given));
  const options = { precision: 'float64', threads: 1 } as const;
  const value = await compileFunction(onnxRuntimeNode, (given) => [sum(...given)], inputs, options);
  const gradient = await compileFunction(onnxRuntimeNode, (given) => tf.grads(sum)(given), inputs, options);
  const doubles = inputs.map((tensor) => ({ ...tensor, data: Float64Array.from(tensor.data) }));
  const moved = async (which: number, element: number, by: number) => {
    const changed = doubles.map((tensor) => ({ ...tensor, data: tensor.data.slice() }));
    const { data } = changed[which] as { data: Float64Array };
    data[element] = (data[element] as number) + by;
    const [result] = await value.run(changed);
    return result?.data[0] as number;
  };
  const actual = await gradient.run(doubles);
  for (const [which, { data }] of doubles.entries()) {
    const expected = new Float64Array(data.length);
    for (const element of data.keys()) {
      const [up, down] = [await moved(which, element, STEP), await moved(which, element, -STEP)];
      expected[element] = (up - down) / (2 * STEP);
    }
    expect([...(actual[which]?.data ?? []), 1], `input ${which}`).toMatchReference(
      [...expected, 1],
      tolerance,
    );
  }
  await Promise.all([value.release(), gradient.release()]);
}
