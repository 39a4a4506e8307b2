/**
 * @file A graph that counts: for every float value, how many of its elements are NaN and how many infinite, as results
 * of their own. Inside the branches of a condition too; what is not run counts none. And for every condition whether it holds.
 */
import { allNodes, type Block, type Graph, makeValue, type Node, type Value } from '../graph';
import { at } from '../kernels/rule';

/** Where the counts of a value are. */
export interface Counts {
  /** For a condition: 1 where it holds. */
  readonly nan: Value;
  readonly infinite: Value;
}

export interface CountedGraph {
  /** The graph with the counts after its own outputs, in the order of `counts`. */
  readonly graph: Graph;
  /** Counts by value of the graph given: its inputs and results of nodes that are floats or conditions. */
  readonly counts: ReadonlyMap<Value, Counts>;
}

const NO_ELEMENTS = makeValue('float32', [], { fill: 0 });

export function countedGraph(graph: Graph): CountedGraph {
  const heads: Node[] = [];
  const counts = new Map<Value, Counts>();
  const conditions = new Set(allNodes(graph).flatMap(({ blocks, inputs }) => (blocks ? inputs : [])));
  for (const input of graph.inputs) countValue(input, heads, counts, conditions);
  const body = countedBlock(graph, counts, conditions);
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
function countedBlock(block: Block, counts: Map<Value, Counts>, conditions: ReadonlySet<Value>): Block {
  const nodes: Node[] = [];
  for (const node of block.nodes) {
    nodes.push(node.blocks === undefined ? node : countedCond(node, counts, conditions));
    for (const output of node.outputs) countValue(output, nodes, counts, conditions);
  }
  return { nodes, outputs: block.outputs };
}

/** A condition whose branches hand out their counts; each returns zeros for those of the other. */
function countedCond(node: Node, counts: Map<Value, Counts>, conditions: ReadonlySet<Value>): Node {
  const branches = (node.blocks ?? []).map((block) => {
    const own = new Map<Value, Counts>();
    const { nodes } = countedBlock(block, own, conditions);
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

function countValue(
  value: Value,
  nodes: Node[],
  counts: Map<Value, Counts>,
  conditions: ReadonlySet<Value>,
): void {
  if (counts.has(value)) return;
  if (conditions.has(value)) {
    const holds = makeValue('float32', []);
    nodes.push({ op: 'Cast', inputs: [value], outputs: [holds], attrs: { dtype: 'float32' } });
    counts.set(value, { nan: holds, infinite: NO_ELEMENTS });
  }
  if (value.dtype !== 'float32') return;
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
