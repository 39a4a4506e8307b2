/** @file How often each value of a graph is used, nested blocks and results included. */
import type { Block, Value } from '../graph';

export function countUses(block: Block, uses = new Map<Value, number>()): Map<Value, number> {
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of block.nodes) {
    node.inputs.forEach(use);
    for (const inner of node.blocks ?? []) countUses(inner, uses);
  }
  block.outputs.forEach(use);
  return uses;
}
