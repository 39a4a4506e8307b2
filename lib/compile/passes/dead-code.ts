/** @file Removes nodes whose results nobody uses. Changes no value. */
import type { Block, Graph, Node, Value } from '../graph';

export function removeDeadCode(graph: Graph): Graph {
  const used = new Set<Value>();
  const sweep = (block: Block): Block => {
    for (const output of block.outputs) used.add(output);
    const kept: Node[] = [];
    for (const node of [...block.nodes].reverse()) {
      if (!node.outputs.some((output) => used.has(output))) continue;
      const blocks = node.blocks?.map(sweep);
      for (const input of node.inputs) used.add(input);
      kept.push(blocks === undefined ? node : { ...node, blocks });
    }
    return { nodes: kept.reverse(), outputs: block.outputs };
  };
  return { ...sweep(graph), inputs: graph.inputs };
}
