/** @file Looks into a compiled step: how much a graph computes, and what each pass made of it. */
import { allNodes, type Graph } from './graph';
import { sizeOf } from './host';
import { MATMUL_ADD } from './kernels/matmul';
import { at } from './kernels/rule';
import { PASSES, type Pass, passesFor } from './passes';
import { removeDeadCode } from './passes/dead-code';
import { DEFAULT_TARGET, type Target } from './target';

/** How much a graph computes. */
export interface GraphSize {
  /** Kernels, those of nested blocks included. */
  readonly nodes: number;
  /** Multiply-adds of all matrix products, those of nested blocks included; half the FLOP that others count. */
  readonly multiplyAdds: number;
}

const PRODUCTS: ReadonlySet<string> = new Set(['BatchMatMul', MATMUL_ADD]);

/** Counts kernels and the multiply-adds of matrix products, of those whose results are used. */
export function graphSize(graph: Graph): GraphSize {
  const nodes = allNodes(removeDeadCode(graph));
  const multiplyAdds = nodes
    .filter(({ op }) => PRODUCTS.has(op))
    .map(({ inputs, outputs, attrs }) => {
      const inner = at(inputs, 0).shape.at(attrs.transposeA ? -2 : -1) ?? 1;
      return inner * sizeOf(at(outputs, 0).shape);
    })
    .reduce((sum, count) => sum + count, 0);
  return { nodes: nodes.length, multiplyAdds };
}

/** A graph after a pass. */
export interface PassResult extends GraphSize {
  /** The pass's name; `trace` for the graph before the first. */
  readonly pass: string;
  readonly graph: Graph;
}

/**
 * What each pass makes of a graph, the graph itself first.
 * @param graph As traced: the `graph` of a program compiled with `passes: []`.
 * @param target The precision of that program, which some passes do not run for; float32 by default.
 */
export function passResults(
  graph: Graph,
  passes: readonly Pass[] = PASSES,
  target: Pick<Target, 'precision'> = DEFAULT_TARGET,
): PassResult[] {
  const results: PassResult[] = [{ pass: 'trace', graph, ...graphSize(graph) }];
  for (const { name, run } of passesFor(passes, target)) {
    const next = run((results.at(-1) as PassResult).graph);
    results.push({ pass: name, graph: next, ...graphSize(next) });
  }
  return results;
}
