/**
 * @file Removes kernels that do nothing: products with one, sums with zero, casts and reshapes to what is there
 * already, broadcasts that the next operation does by itself. tfjs's gradients are full of them. Changes no value.
 */
import { fillOf, type Graph, type Node, type Value } from '../graph';
import { at, sameShape } from '../kernels/rule';
import { type Rewrite, rewriteGraph } from './rewrite';

/** The kernel that repeats an array along axes of size one, or along new leading axes; tfjs calls it so, but never runs it. */
export const BROADCAST = 'BroadcastTo';

/** Elementwise kernels of two operands, which broadcast by themselves. */
const BROADCASTING: ReadonlySet<string> = new Set(
  'Add Sub Multiply RealDiv Pow Maximum Minimum Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr'.split(
    ' ',
  ),
);

/** For each such kernel, the number that leaves the other operand as it is, on the right or on either side. */
const NEUTRAL: Readonly<Record<string, { readonly number: number; readonly eitherSide: boolean }>> = {
  Multiply: { number: 1, eitherSide: true },
  Add: { number: 0, eitherSide: true },
  Sub: { number: 0, eitherSide: false },
  RealDiv: { number: 1, eitherSide: false },
};

export function simplify(graph: Graph): Graph {
  const producers = new Map<Value, Node>();
  return rewriteGraph(graph, (node) => {
    const results = rewriteNode(node, producers);
    for (const result of results) {
      if ('op' in result) for (const output of result.outputs) producers.set(output, result);
    }
    return results;
  });
}

function rewriteNode(node: Node, producers: ReadonlyMap<Value, Node>): Rewrite[] {
  const output = at(node.outputs, 0);
  const [x] = node.inputs;
  if (x === undefined) return [node];
  if (node.op === 'Cast' && x.dtype === output.dtype) return [{ replaceBy: [x] }];
  if (node.op === 'Reshape' || node.op === 'ExpandDims') return reshape(node, x, output, producers);
  if (node.op === 'Transpose') return transpose(node, x, producers);
  if (node.op === 'Tile' && sameShape(x.shape, output.shape)) return [{ replaceBy: [x] }];
  if (!BROADCASTING.has(node.op)) return [node];
  const neutral = withoutNeutral(node, output);
  return neutral ?? [withoutBroadcasts(node, output, producers)];
}

function reshape(node: Node, x: Value, output: Value, producers: ReadonlyMap<Value, Node>): Rewrite[] {
  if (sameShape(x.shape, output.shape)) return [{ replaceBy: [x] }];
  const before = producers.get(x);
  if (before?.op !== 'Reshape' && before?.op !== 'ExpandDims') return [node];
  const source = at(before.inputs, 0);
  if (sameShape(source.shape, output.shape)) return [{ replaceBy: [source] }];
  return [{ op: 'Reshape', inputs: [source], outputs: node.outputs, attrs: { shape: output.shape } }];
}

function transpose(node: Node, x: Value, producers: ReadonlyMap<Value, Node>): Rewrite[] {
  const perm = node.attrs.perm as number[];
  if (perm.every((axis, i) => axis === i)) return [{ replaceBy: [x] }];
  const before = producers.get(x);
  if (before?.op !== 'Transpose') return [node];
  const first = before.attrs.perm as number[];
  const both = perm.map((axis) => at(first, axis));
  const source = at(before.inputs, 0);
  if (both.every((axis, i) => axis === i)) return [{ replaceBy: [source] }];
  return [{ ...node, inputs: [source], attrs: { perm: both } }];
}

/** x·1, x + 0 and their like: the other operand itself, or its broadcast where the constant gave the shape. */
function withoutNeutral(node: Node, output: Value): Rewrite[] | undefined {
  const rule = NEUTRAL[node.op];
  if (rule === undefined) return undefined;
  const [a, b] = [at(node.inputs, 0), at(node.inputs, 1)];
  // The sign of a zero can show: −0 + 0 is 0, and so is −0 − (−0).
  const keeps = (value: Value) =>
    Object.is(fillOf(value), rule.number) && (node.op !== 'Add' || value.dtype === 'int32');
  const kept = keeps(b) ? a : rule.eitherSide && keeps(a) ? b : undefined;
  if (kept === undefined) return undefined;
  if (sameShape(kept.shape, output.shape)) return [{ replaceBy: [kept] }];
  return [{ op: BROADCAST, inputs: [kept], outputs: node.outputs, attrs: { shape: output.shape } }];
}

/** Takes the source of a broadcast operand where the other operand alone gives the result its shape. */
function withoutBroadcasts(node: Node, output: Value, producers: ReadonlyMap<Value, Node>): Node {
  const [a, b] = [at(node.inputs, 0), at(node.inputs, 1)];
  const source = (value: Value, other: Value): Value => {
    const producer = producers.get(value);
    return producer?.op === BROADCAST && sameShape(other.shape, output.shape)
      ? at(producer.inputs, 0)
      : value;
  };
  const left = source(a, b);
  const right = source(b, left);
  return left === a && right === b ? node : { ...node, inputs: [left, right] };
}
