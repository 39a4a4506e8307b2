/**
 * @file A graph that counts: for every float value, how many of its elements are NaN and how many infinite, as results
 * of their own. Inside the branches of a condition too; what is not run counts none.
 */
import { type Block, type Graph, makeValue, type Node, type Value } from '../graph';
import { at } from '../kernels/rule';

/** Where the counts of a value are. */
export interface Counts {
  readonly nan: Value;
  readonly infinite: Value;
}

export interface CountedGraph {
  /** The graph with the counts after its own outputs, in the order of `counts`. */
  readonly graph: Graph;
  /** Counts by value of the graph given: its float inputs and results of nodes. */
  readonly counts: ReadonlyMap<Value, Counts>;
}

const NO_ELEMENTS = makeValue('float32', [], { fill: 0 });

export function countedGraph(graph: Graph): CountedGraph {
  const heads: Node[] = [];
  const counts = new Map<Value, Counts>();
  for (const input of graph.inputs) countValue(input, heads, counts);
  const body = countedBlock(graph, counts);
  const results = [...counts.values()].flatMap(({ nan, infinite }) => [nan, infinite]);
  return {
    graph: {
      inputs: graph.inputs,
      nodes: [...heads, ...body.nodes],
      outputs: [...graph.outputs, ...results],
    },
    counts,
  };
}

/** Adds the counts of what a block's nodes make; `counts` names them as the block itself sees them. */
function countedBlock(block: Block, counts: Map<Value, Counts>): Block {
  const nodes: Node[] = [];
  for (const node of block.nodes) {
    nodes.push(node.blocks === undefined ? node : countedCond(node, counts));
    for (const output of node.outputs) countValue(output, nodes, counts);
  }
  return { nodes, outputs: block.outputs };
}

/** A condition whose branches hand out their counts; each returns zeros for those of the other. */
function countedCond(node: Node, counts: Map<Value, Counts>): Node {
  const branches = (node.blocks ?? []).map((block) => {
    const own = new Map<Value, Counts>();
    const { nodes } = countedBlock(block, own);
    return { nodes, outputs: block.outputs, own: [...own] };
  });
  const outputs = [...node.outputs];
  const extras = branches.map((): Value[] => []);
  for (const [taken, { own }] of branches.entries()) {
    for (const [value, inner] of own) {
      const outer = { nan: makeValue('float32', []), infinite: makeValue('float32', []) };
      counts.set(value, outer);
      outputs.push(outer.nan, outer.infinite);
      for (const [branch, extra] of extras.entries()) {
        extra.push(...(branch === taken ? [inner.nan, inner.infinite] : [NO_ELEMENTS, NO_ELEMENTS]));
      }
    }
  }
  const blocks = branches.map((branch, index) => ({
    nodes: branch.nodes,
    outputs: [...branch.outputs, ...at(extras, index)],
  }));
  return { ...node, outputs, blocks };
}

function countValue(value: Value, nodes: Node[], counts: Map<Value, Counts>): void {
  if (value.dtype !== 'float32' || counts.has(value)) return;
  const count = (test: string): Value => {
    const marked = makeValue('bool', value.shape);
    const numbers = makeValue('float32', value.shape);
    const total = makeValue('float32', []);
    nodes.push(
      { op: test, inputs: [value], outputs: [marked], attrs: {} },
      { op: 'Cast', inputs: [marked], outputs: [numbers], attrs: { dtype: 'float32' } },
      { op: 'Sum', inputs: [numbers], outputs: [total], attrs: { keepDims: false } },
    );
    return total;
  };
  counts.set(value, { nan: count('IsNan'), infinite: count('IsInf') });
}
