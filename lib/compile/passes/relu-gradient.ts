/**
 * @file Takes the gradient's step function of relu's result instead of its argument: step(x) = step(relu(x)). Then
 * nothing but relu needs the argument, and the runtime fuses relu into the product before it. Changes no value but NaN.
 */
import type { Graph, Node, Value } from '../graph';
import { at } from '../kernels/rule';
import { type Rewrite, rewriteGraph } from './rewrite';

export function reluGradientFromResult(graph: Graph): Graph {
  const scoped = () => {
    const results = new Map<Value, Value>();
    return (node: Node): Rewrite[] => {
      if (node.op === 'Relu') results.set(at(node.inputs, 0), at(node.outputs, 0));
      const result = node.op === 'Step' ? results.get(at(node.inputs, 0)) : undefined;
      return [result === undefined ? node : { ...node, inputs: [result] }];
    };
  };
  return rewriteGraph(graph, scoped(), scoped);
}
