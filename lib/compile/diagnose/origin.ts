/** @file Where a number that is not finite came from: the way back from a bad result to the node that made it. */
import { type Block, constantData, type Graph, type Node, type Value } from '../graph';
import { at } from '../kernels/rule';

/** How many elements of a value are not numbers. */
export interface Bad {
  readonly nan: number;
  readonly infinite: number;
}

export type BadOf = (value: Value) => Bad;

/** Either a node that made the first bad element, or an input of the graph that already had it. */
export type Origin = { readonly node: Node; readonly output: Value } | { readonly input: number };

const isBad = ({ nan, infinite }: Bad) => nan + infinite > 0;

/** Counts of a constant, which no node of the graph computes. */
export function badOfConstant(value: Value): Bad {
  if (value.dtype !== 'float32') return { nan: 0, infinite: 0 };
  const bad = { nan: 0, infinite: 0 };
  const count = (x: number) => {
    if (Number.isNaN(x)) bad.nan++;
    else if (!Number.isFinite(x)) bad.infinite++;
  };
  if (value.constant !== undefined && 'fill' in value.constant) count(value.constant.fill);
  else for (const x of constantData(value)) count(x);
  return bad;
}

/**
 * Follows bad elements back from `results`. The answer is the first node, in the order of the graph, that makes bad
 * elements of good ones; where there is none, because an infinity was meant (as in a mask), the first that makes NaN of
 * infinities; else the input that was bad.
 */
export function originOf(graph: Graph, results: readonly Value[], badOf: BadOf): Origin | undefined {
  const { producers, order } = indexOf(graph);
  const seen = new Set<Value>();
  const made: Node[] = [];
  const worsened: Node[] = [];
  const inputs: number[] = [];
  const pending = results.filter((value) => isBad(badOf(value)));
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    const node = producers.get(value);
    if (node === undefined) {
      const input = graph.inputs.indexOf(value);
      if (input >= 0) inputs.push(input);
      continue;
    }
    const sources = sourcesOf(node, value).filter((source) => isBad(badOf(source)));
    if (node.blocks === undefined) {
      if (sources.length === 0) made.push(node);
      else if (badOf(value).nan > 0 && sources.every((source) => badOf(source).nan === 0))
        worsened.push(node);
    }
    pending.push(...sources);
  }
  const position = (node: Node) => order.get(node) ?? 0;
  const first = (nodes: readonly Node[]) => [...nodes].sort((a, b) => position(a) - position(b))[0];
  const node = first(made) ?? (inputs.length === 0 ? first(worsened) : undefined);
  if (node !== undefined) {
    const output = node.outputs.find((value) => isBad(badOf(value)));
    return { node, output: output ?? at(node.outputs, 0) };
  }
  const input = inputs.sort((a, b) => a - b)[0];
  return input === undefined ? undefined : { input };
}

/** What a result is made of: the inputs of its node, or the same result of either branch. */
function sourcesOf(node: Node, value: Value): readonly Value[] {
  if (node.blocks === undefined) return node.inputs;
  const index = node.outputs.indexOf(value);
  return node.blocks.map(({ outputs }) => at(outputs, index));
}

function indexOf(graph: Graph) {
  const producers = new Map<Value, Node>();
  const order = new Map<Node, number>();
  const walk = (block: Block) => {
    for (const node of block.nodes) {
      for (const inner of node.blocks ?? []) walk(inner);
      order.set(node, order.size);
      for (const output of node.outputs) producers.set(output, node);
    }
  };
  walk(graph);
  return { producers, order };
}
