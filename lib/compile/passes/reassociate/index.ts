/**
 * @file Multiplies chains of matrices in the order that takes the fewest operations, across sums and for a step's
 * forward and backward products together: for (X + M·A)·B it finds X·B + M·(A·B), with A·B small and shared. The
 * results are the same numbers, rounded differently.
 *
 * Numbers that are not finite: of a product's element that was finite, a new order makes infinity or NaN only where
 * numbers overflow on the way, with one exception, rows looked up. A gradient (S·T)ᵀ·dY, with rows of T selected by
 * constant indices, is computed as Tᵀ·(Sᵀ·dY) where that is less work, and (S·T)·W looks up rows of T·W. The first
 * multiplies the rows of T that are never looked up by 0: if one holds infinity or NaN in a column, the row of the gradient for
 * that column becomes NaN. Likewise Sᵀ·(dY·W) as (Sᵀ·dY)·W multiplies zeros of rows never looked up by W. An element that was
 * not finite stays so, but NaN and ±Infinity may change into each other. `EXACT_PASSES` is without this pass.
 */
import type { Block, Graph, Value } from '../../graph';
import { at } from '../../kernels/rule';
import { countUses } from '../uses';
import { SpecialFactors } from './chains';
import { linearity } from './linear';
import { type Plan, plan } from './plan';
import { Writer } from './write';

export function reassociate(graph: Graph): Graph {
  const uses = countUses(graph);
  const special = new SpecialFactors();
  const visit = (block: Block): Block => {
    const nodes = block.nodes.map((node) =>
      node.blocks === undefined ? node : { ...node, blocks: node.blocks.map(visit) },
    );
    const current = { nodes, outputs: block.outputs };
    const found = plan(current, neededValues(current, special), uses, special);
    return found.pays ? rebuilt(current, found, special) : current;
  };
  return { ...visit(graph), inputs: graph.inputs };
}

/** What others than the linear nodes of a block need: its results, inputs of its other nodes, all that nested blocks use. */
function neededValues(block: Block, special: SpecialFactors): Set<Value> {
  const needed = new Set(block.outputs);
  for (const node of block.nodes) {
    if (linearity(node, special) === undefined) for (const input of node.inputs) needed.add(input);
    for (const inner of node.blocks ?? []) for (const value of countUses(inner).keys()) needed.add(value);
  }
  return needed;
}

/** The block with its linear nodes replaced by those of the plan. */
function rebuilt(block: Block, { targets }: Plan, special: SpecialFactors): Block {
  const planned = new Map(targets.map((target) => [target.value, target]));
  const writer = new Writer();
  for (const node of block.nodes) {
    const target = planned.get(at(node.outputs, 0));
    if (target !== undefined) writer.target(target);
    else if (linearity(node, special) === undefined) writer.nodes.push(node);
  }
  return { nodes: writer.nodes, outputs: block.outputs };
}
