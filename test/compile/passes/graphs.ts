/** @file Graphs of small functions, and what they compute. */
import type * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import type { HostTensor } from '../../../lib/compile';
import { allNodes, type Block, type Graph, type Value } from '../../../lib/compile/graph';
import { MATMUL_ADD } from '../../../lib/compile/kernels/matmul';
import { functionModel, inputName, outputName } from '../../../lib/compile/onnx/programs';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { type InputSpec, trace } from '../../../lib/compile/trace/trace';
import { filled } from '../kernels/arbitraries';

/** The form of a float32 tensor. */
export const float = (...shape: number[]): InputSpec => ({ dtype: 'float32', shape });

/** The graph of a function, without any pass. */
export function graphOf(
  f: (...inputs: tf.Tensor[]) => tf.Tensor | readonly tf.Tensor[],
  ...specs: InputSpec[]
): Graph {
  return trace((inputs) => {
    const result = f(...inputs);
    return Array.isArray(result) ? result : [result as tf.Tensor];
  }, specs);
}

/** Kernel names in order, those of a nested block in a list of its own. */
export type Ops = (string | Ops[])[];
export const ops = (block: Block): Ops =>
  block.nodes.flatMap(
    (node): Ops => (node.blocks === undefined ? [node.op] : [node.op, node.blocks.map(ops)]),
  );

/** The very same values, which no comparison of their forms can tell. */
export function expectSameValues(actual: readonly Value[] | undefined, expected: readonly Value[]): void {
  expect(actual?.length).toBe(expected.length);
  actual?.forEach((value, i) => {
    expect(value).toBe(expected[i]);
  });
}

/** What a graph computes. */
export async function run(graph: Graph, inputs: readonly HostTensor[]): Promise<HostTensor[]> {
  const session = await onnxRuntimeNode.open(functionModel(graph), { threads: 1 });
  const outputs = await session.run(
    Object.fromEntries(inputs.map((tensor, i) => [inputName(i), onnxRuntimeNode.put(tensor)])),
  );
  const read = (_: unknown, i: number) => onnxRuntimeNode.get(outputs[outputName(i)]);
  const results = await Promise.all(graph.outputs.map(read));
  await session.release();
  return results as HostTensor[];
}

/** Numbers as text that tells −0 from 0. */
const exact = ({ dtype, shape, data }: HostTensor) => [
  dtype,
  ...shape,
  ...Array.from(data, (x) => (Object.is(x, -0) ? '-0' : String(x))),
];

/** Both graphs give the same results, to the last bit. */
export async function expectSameBits(
  before: Graph,
  after: Graph,
  inputs: readonly HostTensor[],
): Promise<void> {
  const [expected, actual] = [await run(before, inputs), await run(after, inputs)];
  expect(actual.map(exact)).toEqual(expected.map(exact));
}

export type { InputSpec };

/** Integers for each input, of whatever type: their sums and products are exact in any order. */
export const drawn = (specs: readonly InputSpec[]): HostTensor[] =>
  specs.map(({ dtype, shape }, i) => {
    const { data } = filled(shape, 'int32', {}, i + 1);
    return dtype === 'float32' ? { dtype, shape, data: Float32Array.from(data) } : { dtype, shape, data };
  });

/** Each node's kernel with the shape of its result, in order. */
export const forms = (block: Block): string[] =>
  block.nodes.map(({ op, outputs }) => `${op}[${outputs[0]?.shape}]`);

/** How many nodes of a kernel there are, those of nested blocks included. */
export const count = (block: Block, op: string): number =>
  allNodes(block).filter((node) => node.op === op).length;

/** Multiply-adds of all matrix products of a graph. */
export function multiplyAdds(graph: Graph): number {
  const size = (shape: readonly number[]) => shape.reduce((product, d) => product * d, 1);
  return allNodes(graph)
    .filter(({ op }) => op === 'BatchMatMul' || op === MATMUL_ADD)
    .map(({ inputs: [a], outputs: [product], attrs }) => {
      const inner = a?.shape.at(attrs.transposeA ? -2 : -1) ?? 0;
      return size(product?.shape ?? []) * inner;
    })
    .reduce((a, b) => a + b, 0);
}

/** Both graphs give results of the same shapes, equal to a largest error relative to the largest number, or to 1. */
export async function expectSameNumbers(
  before: Graph,
  after: Graph,
  inputs: readonly HostTensor[],
  tolerance: number,
): Promise<void> {
  const [expected, actual] = [await run(before, inputs), await run(after, inputs)];
  expect(actual.map(({ dtype, shape }) => [dtype, shape])).toEqual(
    expected.map(({ dtype, shape }) => [dtype, shape]),
  );
  for (const [i, { data }] of expected.entries()) {
    expect([...(actual[i]?.data ?? []), 1]).toMatchReference([...data, 1], tolerance);
  }
}
