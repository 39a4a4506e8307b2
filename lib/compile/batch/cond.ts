/** @file A choice between two blocks, for many instances: one choice for all, or both blocks and a choice for each. */
import { type Block, makeValue, type Value } from '../graph';
import { at } from '../kernels/rule';
import { Builder, nestedScope, type Scope } from './builder';
import { select } from './elementwise';
import type { Argument, Call } from './rule';

/** What the walk over a graph offers: writing a block's nodes into a scope, and what a traced value has become. */
export interface Walk {
  write(block: Block, scope: Scope): void;
  argument(value: Value): Argument;
}

/**
 * A shared condition stays one choice, and only the chosen block runs; a result has the batch axis where either block
 * gives it one. With a condition of each instance's own both blocks run, in every step: a row that does not exist is then
 * an error even where no instance takes it.
 */
export function batchedCond(call: Call, scope: Scope, walk: Walk): readonly Argument[] {
  const [whenTrue, otherwise] = call.node.blocks as readonly [Block, Block];
  const write = (block: Block, into: Scope) => {
    walk.write(block, into);
    return block.outputs.map(walk.argument);
  };
  if (at(call.inputs, 0).batched) {
    return choiceForEach(call, write(whenTrue, scope), write(otherwise, scope));
  }
  const scopes = [nestedScope(scope), nestedScope(scope)] as const;
  return choiceForAll(call, scope, [
    { inner: scopes[0], results: write(whenTrue, scopes[0]) },
    { inner: scopes[1], results: write(otherwise, scopes[1]) },
  ]);
}

function choiceForEach(call: Call, t: readonly Argument[], e: readonly Argument[]): Argument[] {
  const { node, inputs, build } = call;
  const { blocks: _, ...plain } = node;
  return node.outputs.map((output, i) => {
    const choice = { ...plain, op: 'Select', outputs: [output] };
    const [value] = select({ node: choice, inputs: [at(inputs, 0), at(t, i), at(e, i)], build });
    return { value: value as Value, batched: true, shape: output.shape, isKnown: false };
  });
}

interface Branch {
  readonly inner: Scope;
  readonly results: readonly Argument[];
}

function choiceForAll({ node }: Call, scope: Scope, branches: readonly Branch[]): Argument[] {
  const results = node.outputs.map((output, i): Argument => {
    const batched = branches.some(({ results }) => at(results, i).batched);
    const value = batched ? makeValue(output.dtype, [scope.n, ...output.shape]) : output;
    return { value, batched, shape: output.shape, isKnown: false };
  });
  const blocks = branches.map(({ inner, results: own }): Block => {
    const build = new Builder(inner, node);
    const outputs = own.map((result, i) => (at(results, i).batched ? build.expanded(result) : result.value));
    return { nodes: inner.nodes, outputs };
  });
  scope.nodes.push({ ...node, outputs: results.map(({ value }) => value), blocks });
  return results;
}
