/**
 * @file Runs n instances of a traced function in one: every value that differs between instances gets a leading axis n,
 * and what depends on none of them is computed once. This is jax.vmap (Bradbury et al. 2018) on the graph of a trace,
 * before the passes, which then optimise the batched graph like any other.
 */
import { CompileError, shown } from '../errors';
import { type Block, type Graph, makeValue, type Value } from '../graph';
import { Builder, type Scope } from './builder';
import { batchedCond, type Walk } from './cond';
import type { Argument } from './rule';
import { batchRule } from './table';

export interface BatchedOptions {
  /** Whether the i-th input has an instance axis, as all have by default; else all instances share it. */
  readonly isBatched?: (input: number) => boolean;
  /**
   * Outputs without an instance axis, by number, each with its name for messages; none by default. They must come from
   * shared inputs alone.
   */
  readonly sharedOutputs?: ReadonlyMap<number, string>;
}

/** @throws CompileError for a number of instances that is not a positive integer. */
export function checkInstances(n: number): void {
  if (!Number.isSafeInteger(n) || n < 1) {
    throw new CompileError(`batch is ${shown(n)}, expected a positive integer: the number of instances`);
  }
}

function batchedArgument(value: Value, { shape }: Value): Argument {
  return { value, batched: true, shape, isKnown: false };
}

/**
 * The graph of n instances: inputs and outputs of one instance, `[…]`, become `[n, …]`.
 * @param n A positive integer.
 * @throws CompileError for another n, and where an output that is to be shared depends on a batched input.
 */
export function batched(graph: Graph, n: number, options: BatchedOptions = {}): Graph {
  checkInstances(n);
  const { isBatched = () => true, sharedOutputs = new Map<number, string>() } = options;
  /** What each traced value has become; shared values stay themselves. */
  const stand = new Map<Value, Argument>();
  const known = new Set<Value>();
  const inputs = graph.inputs.map((value, i) => {
    if (!isBatched(i)) return value;
    const stacked = makeValue(value.dtype, [n, ...value.shape]);
    stand.set(value, batchedArgument(stacked, value));
    return stacked;
  });
  const walk: Walk = {
    argument: (value) =>
      stand.get(value) ?? {
        value,
        batched: false,
        shape: value.shape,
        isKnown: value.constant !== undefined || known.has(value),
      },
    write(block: Block, scope: Scope) {
      for (const node of block.nodes) {
        const call = { node, inputs: node.inputs.map(walk.argument), build: new Builder(scope, node) };
        if (node.op === 'Cond') {
          for (const [i, result] of batchedCond(call, scope, walk).entries()) {
            stand.set(node.outputs[i] as Value, result);
          }
        } else if (call.inputs.some((input) => input.batched)) {
          for (const [i, value] of batchRule(node.op)(call).entries()) {
            const output = node.outputs[i] as Value;
            stand.set(output, batchedArgument(value, output));
          }
        } else {
          scope.nodes.push(node);
          const isKnown = call.inputs.length > 0 && call.inputs.every((input) => input.isKnown);
          if (isKnown) for (const output of node.outputs) known.add(output);
        }
      }
    },
  };
  const scope: Scope = { n, nodes: [], parts: new Map() };
  walk.write(graph, scope);
  const build = new Builder(scope);
  const outputs = graph.outputs.map((output, i) => {
    const result = walk.argument(output);
    const name = sharedOutputs.get(i);
    if (name === undefined) return build.expanded(result);
    if (result.batched) {
      throw new CompileError(
        `${name} is to be shared by all instances, but the function computes it from inputs that differ between them; take it off the list of what is shared`,
      );
    }
    return result.value;
  });
  return { nodes: scope.nodes, inputs, outputs };
}
