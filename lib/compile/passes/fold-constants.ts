/**
 * @file Computes at compile time what depends on constants alone: labels, masks, one-hot matrices. It runs the very
 * same kernels on tfjs's CPU backend, in float32, so values may differ from the native ones in the last place.
 */
import * as tf from '@tensorflow/tfjs-core';
import { constantData, constantOf, fillOf, type Graph, makeValue, type Node, type Value } from '../graph';
import { sizeOf } from '../host';
import type { Declared } from '../kernels/rule';
import { kernelRule } from '../kernels/table';
import { toData } from '../trace/backend';
import { CPU_BACKEND, withBackend } from '../trace/with-backend';
import { type Rewrite, rewriteGraph } from './rewrite';
import { BROADCAST } from './simplify';

/** Results larger than this stay in the program: 64 MB of float32. */
const LARGEST_RESULT = 16 * 2 ** 20;

export function foldConstants(graph: Graph): Graph {
  return withBackend(CPU_BACKEND, () => rewriteGraph(graph, foldNode));
}

function foldNode(node: Node): Rewrite[] {
  const [x, output] = [node.inputs[0], node.outputs[0]];
  const fill = x === undefined ? undefined : fillOf(x);
  // A broadcast of other constants stays: most of what uses one takes its source instead, which is smaller.
  if (node.op === BROADCAST && fill !== undefined && output !== undefined) {
    return [{ replaceBy: [makeValue(output.dtype, output.shape, { fill })] }];
  }
  const foldable =
    node.blocks === undefined &&
    node.inputs.length > 0 &&
    node.inputs.every((input) => input.constant !== undefined) &&
    node.outputs.every((output) => sizeOf(output.shape) <= LARGEST_RESULT) &&
    tf.getKernel(node.op, CPU_BACKEND) !== undefined &&
    (kernelRule(node.op)?.foldable?.(node.inputs as unknown as Declared<Value>) ?? true);
  return foldable ? [{ replaceBy: evaluate(node) }] : [node];
}

function evaluate(node: Node): Value[] {
  const names = kernelRule(node.op)?.inputs ?? [];
  let values: Value[] = [];
  tf.tidy(() => {
    // Copies: tfjs's CPU backend updates the argument of tensorScatterUpdate in place.
    const tensors = node.inputs.map((input) =>
      tf.tensor(constantData(input).slice(), [...input.shape], input.dtype),
    );
    // A kernel that takes any number of tensors wants them as a list, against the declared type.
    const inputs =
      names === 'variadic' ? tensors : Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
    const results = tf
      .engine()
      .runKernel(node.op, inputs as unknown as tf.NamedTensorMap, node.attrs as tf.NamedAttrMap);
    const list = Array.isArray(results) ? results : [results as tf.Tensor];
    values = list.map((tensor, index) => {
      const { dtype, shape } = node.outputs[index] as Value;
      return makeValue(dtype, shape, constantOf(toData(tensor.dataSync(), dtype)));
    });
  });
  return values;
}
