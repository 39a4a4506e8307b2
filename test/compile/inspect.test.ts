import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { compileFunction, graphSize, PASSES, passResults } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';

const form = (...shape: number[]) => ({ dtype: 'float32' as const, shape });

async function traced(f: (inputs: tf.Tensor[]) => tf.Tensor[], ...shapes: number[][]) {
  const { graph, release } = await compileFunction(
    onnxRuntimeNode,
    f,
    shapes.map((shape) => form(...shape)),
    { passes: [] },
  );
  await release();
  return graph;
}

it('graphSize counts kernels and the multiply-adds of products, transposed and in batches', async () => {
  const product = (transposeA: boolean) =>
    traced(
      ([a, b]) => [tf.matMul(a as tf.Tensor, b as tf.Tensor, transposeA)],
      [2, 3, 5],
      [2, transposeA ? 3 : 5, 7],
    );
  // [3, 5]·[5, 7] and [3, 5]ᵀ·[3, 7], twice each.
  expect(graphSize(await product(false)).multiplyAdds).toBe(2 * 3 * 5 * 7);
  expect(graphSize(await product(true)).multiplyAdds).toBe(2 * 5 * 3 * 7);
  expect(graphSize(await traced(([x]) => [tf.exp(tf.neg(x as tf.Tensor))], [4]))).toEqual({
    nodes: 2,
    multiplyAdds: 0,
  });
});

it('passResults shows what each pass removes, and keeps a product that another pass fuses', async () => {
  const graph = await traced(
    ([x, w, b]) => [tf.add(tf.matMul(x as tf.Tensor, w as tf.Tensor), tf.mul(b as tf.Tensor, 1))],
    [4, 3],
    [3, 2],
    [4, 2],
  );
  const results = passResults(graph);
  expect(results[0]).toMatchObject({ pass: 'trace', nodes: 3, multiplyAdds: 24, graph });
  expect(results.find(({ pass }) => pass === 'simplify')?.nodes).toBe(2);
  const last = results.at(-1);
  expect(last).toMatchObject({ nodes: 1, multiplyAdds: 24 });
  expect(last?.graph.nodes[0]?.op).toBe('MatMulAdd');
});

it('passResults leaves out what a program of that precision does without', async () => {
  const graph = await traced(([x]) => [tf.add(x as tf.Tensor, tf.sqrt(tf.scalar(2)))], [4]);
  const names = (precision: 'float32' | 'float64') =>
    passResults(graph, PASSES, { precision }).map(({ pass }) => pass);
  expect(names('float32')).toContain('foldConstants');
  expect(names('float64')).not.toContain('foldConstants');
  expect(names('float64').slice(1)).toEqual(
    PASSES.filter(({ precision }) => precision !== 'float32').map(({ name }) => name),
  );
});
