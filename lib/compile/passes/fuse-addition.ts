/**
 * @file Adds to a matrix product inside the product: A·B + C becomes one Gemm, which saves writing A·B and reading it
 * again. C is added in the course of the inner sum rather than after it, so last bits may change.
 */
import type { Graph, Node, Value } from '../graph';
import { MATMUL_ADD } from '../kernels/matmul';
import { at, sameShape } from '../kernels/rule';
import { type Rewrite, rewriteGraph } from './rewrite';
import { countUses } from './uses';

export function fuseAddition(graph: Graph): Graph {
  const uses = countUses(graph);
  // A nested block sees only its own products: fusing one from outside would move the product into the block.
  const scoped = () => {
    const products = new Map<Value, Node>();
    return (node: Node): Rewrite[] => {
      const output = at(node.outputs, 0);
      if (node.op === 'BatchMatMul' && output.shape.length === 2) products.set(output, node);
      return [node.op === 'Add' ? fused(node, output, products, uses) : node];
    };
  };
  return rewriteGraph(graph, scoped(), scoped);
}

function fused(
  node: Node,
  output: Value,
  products: ReadonlyMap<Value, Node>,
  uses: ReadonlyMap<Value, number>,
): Node {
  const [a, b] = [at(node.inputs, 0), at(node.inputs, 1)];
  for (const [product, addend] of [
    [b, a],
    [a, b],
  ] as const) {
    const producer = products.get(product);
    const fits =
      sameShape(product.shape, output.shape) && addend.shape.length <= 2 && addend.dtype === 'float32';
    if (producer === undefined || uses.get(product) !== 1 || !fits) continue;
    return {
      op: MATMUL_ADD,
      inputs: [...producer.inputs, addend],
      outputs: node.outputs,
      attrs: producer.attrs,
    };
  }
  return node;
}
