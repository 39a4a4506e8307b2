/** @file Where a number that is not finite came from: the way back from a bad result to the node that made it. */
import { type Block, constantData, fillOf, type Graph, type Node, type Value } from '../graph';
import { sizeOf } from '../host';
import { at } from '../kernels/rule';

/** How many elements of a value are not numbers. */
export interface Bad {
  readonly nan: number;
  readonly infinite: number;
}

export type BadOf = (value: Value) => Bad;

/**
 * A node that made the first bad element, an input of the graph that already had it, or a constant that has it: with the
 * node that uses the constant, absent where the constant is a result itself.
 */
export type Origin =
  | { readonly node: Node; readonly output: Value }
  | { readonly input: number }
  | { readonly constant: Value; readonly user?: Node };

const isBad = ({ nan, infinite }: Bad) => nan + infinite > 0;

/** Counts of a constant, which no node of the graph computes. */
export function badOfConstant(value: Value): Bad {
  if (value.dtype !== 'float32') return { nan: 0, infinite: 0 };
  const bad = { nan: 0, infinite: 0 };
  const count = (x: number, times = 1) => {
    if (Number.isNaN(x)) bad.nan += times;
    else if (!Number.isFinite(x)) bad.infinite += times;
  };
  const fill = fillOf(value);
  if (fill !== undefined) count(fill, sizeOf(value.shape));
  else for (const x of constantData(value)) count(x);
  return bad;
}

/** A constant with bad elements on the way to a result. */
interface Use {
  readonly constant: Value;
  readonly user?: Node;
}

/**
 * Follows bad elements back from `results`. The answer is what comes first in the order of the graph: a node that makes bad
 * elements of good ones, or one that uses a constant with NaN. Where there is neither, because an infinity was meant (as in
 * a mask), it is the first node that makes NaN of infinities; else the input that was bad; else the infinite constant.
 * @param branchOf Which block of a condition was run.
 */
export function originOf(
  graph: Graph,
  results: readonly Value[],
  badOf: BadOf,
  branchOf: (node: Node) => number,
): Origin | undefined {
  const { producers, order } = indexOf(graph);
  const seen = new Set<Value>();
  const made: Node[] = [];
  const worsened: Node[] = [];
  const inputs: number[] = [];
  const uses: Use[] = [];
  const pending = results.filter((value) => isBad(badOf(value)));
  for (const constant of pending) if (constant.constant !== undefined) uses.push({ constant });
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    const node = producers.get(value);
    if (node === undefined) {
      const input = graph.inputs.indexOf(value);
      if (input >= 0) inputs.push(input);
      continue;
    }
    const sources = sourcesOf(node, value, branchOf).filter((source) => isBad(badOf(source)));
    for (const constant of sources) if (constant.constant !== undefined) uses.push({ constant, user: node });
    if (node.blocks === undefined) {
      if (sources.length === 0) made.push(node);
      else if (badOf(value).nan > 0 && sources.every((source) => badOf(source).nan === 0))
        worsened.push(node);
    }
    pending.push(...sources);
  }
  const position = (node?: Node) => (node === undefined ? order.size : (order.get(node) ?? 0));
  const first = (nodes: readonly Node[]) => [...nodes].sort((a, b) => position(a) - position(b))[0];
  const firstUse = (some: readonly Use[]) => [...some].sort((a, b) => position(a.user) - position(b.user))[0];
  const maker = first(made);
  const nan = firstUse(uses.filter(({ constant }) => badOf(constant).nan > 0));
  if (nan !== undefined && (maker === undefined || position(nan.user) < position(maker))) return nan;
  const node = maker ?? (inputs.length === 0 ? first(worsened) : undefined);
  if (node !== undefined) {
    const output = node.outputs.find((value) => isBad(badOf(value)));
    return { node, output: output ?? at(node.outputs, 0) };
  }
  const input = inputs.sort((a, b) => a - b)[0];
  return input === undefined ? firstUse(uses) : { input };
}

/** Whether a result is a constant, returned as it is or by the branch of a condition that was run. */
export function isConstantResult(block: Block, value: Value, branchOf: (node: Node) => number): boolean {
  if (value.constant !== undefined) return true;
  const node = block.nodes.find(({ outputs }) => outputs.includes(value));
  if (node?.blocks === undefined) return false;
  const branch = at(node.blocks, branchOf(node));
  return isConstantResult(branch, at(branch.outputs, node.outputs.indexOf(value)), branchOf);
}

/** What a result is made of: the inputs of its node, or the same result of the branch that was run. */
function sourcesOf(node: Node, value: Value, branchOf: (node: Node) => number): readonly Value[] {
  if (node.blocks === undefined) return node.inputs;
  return [at(at(node.blocks, branchOf(node)).outputs, node.outputs.indexOf(value))];
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
