/** @file The walk that passes share: nodes in order, inputs replaced by what earlier rewrites put in their place. */
import type { Block, Graph, Node, Value } from '../graph';

/** What becomes of a node: kept (perhaps changed), or dropped with its outputs replaced by other values. */
export type Rewrite = Node | { readonly replaceBy: readonly Value[] };

/**
 * Rebuilds a graph node by node. `rewrite` sees each node with its inputs already replaced, those of nested blocks
 * after the nodes before them; `enter` gives the rewrite for a nested block, so that a pass can keep state by scope.
 */
export function rewriteGraph(graph: Graph, rewrite: (node: Node) => Rewrite[], enter = () => rewrite): Graph {
  const replaced = new Map<Value, Value>();
  const current = (value: Value): Value => {
    const next = replaced.get(value);
    return next === undefined ? value : current(next);
  };
  const walk = (block: Block, visit: (node: Node) => Rewrite[]): Block => {
    const nodes: Node[] = [];
    for (const original of block.nodes) {
      // As the parts of an empty tensor: there is nothing to compute.
      if (original.outputs.length === 0) continue;
      const blocks = original.blocks?.map((inner) => walk(inner, enter()));
      const node: Node = {
        ...original,
        inputs: original.inputs.map(current),
        ...(blocks === undefined ? {} : { blocks }),
      };
      for (const result of visit(node)) {
        if ('op' in result) {
          const { source } = original;
          // What a pass makes of a node stands on the same line of the user's.
          nodes.push(source === undefined || result.source !== undefined ? result : { ...result, source });
          continue;
        }
        for (const [i, output] of original.outputs.entries())
          replaced.set(output, result.replaceBy[i] as Value);
      }
    }
    return { nodes, outputs: block.outputs.map(current) };
  };
  return { ...walk(graph, rewrite), inputs: graph.inputs };
}
