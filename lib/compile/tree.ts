/** @file Nested records, the form in which parameters, optimiser state and metrics travel. */
import { CompileError, shown } from './errors';

/** A leaf, or a plain record of trees. Leaves are tensors of some kind: traced, eager or in host memory. */
export type Tree<L> = L | { readonly [key: string]: Tree<L> };

/** A tree whose leaves are told apart from records by `isLeaf`. */
type IsLeaf<L> = (node: Tree<L>) => node is L;

/** Leaves in a fixed order (keys as inserted), each with its path, such as `params.blocks.0.q`. */
export function leavesOf<L>(tree: Tree<L>, isLeaf: IsLeaf<L>, path = ''): [path: string, leaf: L][] {
  if (isLeaf(tree)) return [[path, tree]];
  checkRecord(tree, path);
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
  checkRecord(tree, path);
  return Object.fromEntries(
    Object.entries(tree as { readonly [key: string]: Tree<L> }).map(([key, child]) => [
      key,
      mapTree(child, isLeaf, f, path === '' ? key : `${path}.${key}`),
    ]),
  );
}

/** @throws CompileError for what is neither a leaf nor a record, which would be lost without a word. */
function checkRecord(node: unknown, path: string): void {
  const kind = Object.prototype.toString.call(node);
  if (kind === '[object Object]' || kind === '[object Array]') return;
  const hint =
    typeof node === 'number' || typeof node === 'boolean' ? `; make it a tensor: tf.scalar(${node})` : '';
  throw new CompileError(
    `${path === '' ? 'the tree' : `'${path}'`} is ${shown(node)}, expected a tensor or a record of tensors${hint}`,
  );
}
