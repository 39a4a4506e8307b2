/** @file Nested records, the form in which parameters, optimiser state and metrics travel. */
import { CompileError } from './errors';

/** A leaf, or a plain record of trees. Leaves are tensors of some kind: traced, eager or in host memory. */
export type Tree<L> = L | { readonly [key: string]: Tree<L> };

/** A tree whose leaves are told apart from records by `isLeaf`. */
type IsLeaf<L> = (node: Tree<L>) => node is L;

/** Leaves in a fixed order (keys as inserted), each with its path, such as `params.blocks.0.q`. */
export function leavesOf<L>(tree: Tree<L>, isLeaf: IsLeaf<L>, path = ''): [path: string, leaf: L][] {
  if (isLeaf(tree)) return [[path, tree]];
  if (typeof tree !== 'object' || tree === null) {
    throw new CompileError(
      `${path || 'the tree'} is ${String(tree)}, expected a tensor or a record of tensors`,
    );
  }
  return Object.entries(tree).flatMap(([key, child]) =>
    leavesOf(child, isLeaf, path === '' ? key : `${path}.${key}`),
  );
}

/** The same tree with every leaf replaced. */
export function mapTree<L, M>(
  tree: Tree<L>,
  isLeaf: IsLeaf<L>,
  f: (leaf: L, path: string) => M,
  path = '',
): Tree<M> {
  if (isLeaf(tree)) return f(tree, path);
  return Object.fromEntries(
    Object.entries(tree as { readonly [key: string]: Tree<L> }).map(([key, child]) => [
      key,
      mapTree(child, isLeaf, f, path === '' ? key : `${path}.${key}`),
    ]),
  );
}
