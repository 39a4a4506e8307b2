/** @file The state of many instances: which of its leaves have an instance axis, and how it is put together and apart. */
import { CompileError } from '../errors';
import { describe, type Graph } from '../graph';
import { sizeOf, type WideTensor } from '../host';
import { type Spec, sameShape } from '../kernels/rule';
import { leavesOf, mapTree, type Tree } from '../tree';
import { batched, checkInstances } from './batched';

/** What the instances of a batch have in common. */
export interface SharedOptions {
  /**
   * Paths of the state that all instances share, such as `step` or, for everything below it, `schedule`; none by default.
   * What a step computes from them alone is computed once. A condition among them stays a choice between two branches,
   * where one that differs between instances runs both.
   */
  readonly shared?: readonly string[];
}

/** How a step's state is split into instances. */
export interface Batching {
  /** Forms of the leaves of one instance's state, in the order given. */
  readonly forms: readonly Spec[];
  /** The graph of all instances, from one traced on `forms` whose first outputs are the next state. */
  apply(graph: Graph): Graph;
}

const isLeaf = <T extends WideTensor>(node: Tree<T>): node is T =>
  ArrayBuffer.isView((node as WideTensor).data);

/** Whether a leaf, or a record it is in, is among the shared paths. */
function isShared(path: string, shared: readonly string[]): boolean {
  return shared.some((prefix) => path === prefix || path.startsWith(`${prefix}.`));
}

function checkShared(paths: readonly string[], shared: readonly string[]): void {
  const unknown = shared.find((prefix) => !paths.some((path) => isShared(path, [prefix])));
  if (unknown !== undefined) {
    throw new CompileError(
      `shared names '${unknown}', which the state does not have; it has '${paths.join("', '")}'`,
    );
  }
}

/**
 * Splits the leaves of a stacked state.
 * @param leaves Each with its path; those not shared have a leading axis n.
 * @throws CompileError where n is not a positive integer, a leaf lacks that axis, or `shared` names no leaf.
 */
export function batchingOf(
  leaves: readonly (readonly [path: string, form: Spec])[],
  n: number,
  { shared = [] }: SharedOptions = {},
): Batching {
  checkInstances(n);
  const paths = leaves.map(([path]) => path);
  checkShared(paths, shared);
  const sharedLeaves = new Map(
    [...paths.entries()].filter(([, path]) => isShared(path, shared)).map(([i, path]) => [i, `'${path}'`]),
  );
  const forms = leaves.map(([path, { dtype, shape }], i): Spec => {
    if (sharedLeaves.has(i)) return { dtype, shape };
    if (shape[0] !== n) {
      throw new CompileError(
        `'${path}' of the state is ${describe({ dtype, shape })}, expected a leading axis of ${n} instances; stack(states) makes it, or list the path in shared`,
      );
    }
    return { dtype, shape: shape.slice(1) };
  });
  return {
    forms,
    apply: (graph) =>
      batched(graph, n, { isBatched: (input) => !sharedLeaves.has(input), sharedOutputs: sharedLeaves }),
  };
}

/**
 * One state of many: each leaf `[…]` becomes `[n, …]`, except the shared ones, which must be equal in all.
 * @param states At least one; all of the same names, shapes and types.
 * @throws CompileError where they differ in these, or a shared leaf differs in value.
 */
export function stack<T extends WideTensor>(
  states: readonly Tree<T>[],
  { shared = [] }: SharedOptions = {},
): Tree<T> {
  const [first] = states;
  if (first === undefined) throw new CompileError('stack is given no states, expected at least one');
  const leaves = states.map((state) => new Map(leavesOf(state, isLeaf<T>)));
  checkShared([...(leaves[0] as Map<string, T>).keys()], shared);
  for (const [instance, own] of leaves.entries()) {
    const extra = [...own.keys()].find((path) => leaves[0]?.has(path) === false);
    if (extra !== undefined)
      throw new CompileError(`state ${instance} has '${extra}', which state 0 does not`);
  }
  return mapTree(first, isLeaf<T>, (leaf, path) => {
    const parts = leaves.map((own, instance) =>
      checkedPart(own.get(path), leaf, `'${path}' of state ${instance}`),
    );
    if (!isShared(path, shared)) return joined(parts);
    const other = parts.findIndex(({ data }) => !sameNumbers(data, leaf.data));
    if (other >= 0) {
      throw new CompileError(
        `'${path}' of state ${other} differs from that of state 0, but is listed in shared; give all states the same or take it off the list`,
      );
    }
    return leaf;
  });
}

/**
 * The states that a stacked one holds, in order; the reverse of `stack`. Each gets shared leaves as they are.
 * @throws CompileError where the leaves that are not shared do not have the same leading axis, or there are none.
 */
export function unstack<T extends WideTensor>(
  state: Tree<T>,
  { shared = [] }: SharedOptions = {},
): Tree<T>[] {
  const leaves = leavesOf(state, isLeaf<T>);
  checkShared(
    leaves.map(([path]) => path),
    shared,
  );
  const stacked = leaves.filter(([path]) => !isShared(path, shared));
  const n = stacked[0]?.[1].shape[0];
  const odd = stacked.find(([, { shape }]) => shape.length === 0 || shape[0] !== n);
  if (odd !== undefined || n === undefined) {
    const found = odd === undefined ? 'has only shared leaves' : `has '${odd[0]}' as ${describe(odd[1])}`;
    throw new CompileError(
      `the state ${found}, expected ${n === undefined ? 'a leading axis of instances' : `a leading axis of ${n} instances`} on every leaf that is not listed in shared`,
    );
  }
  return Array.from({ length: n }, (_, instance) =>
    mapTree(state, isLeaf<T>, (leaf, path) => (isShared(path, shared) ? leaf : part(leaf, instance))),
  );
}

function checkedPart<T extends WideTensor>(leaf: T | undefined, form: T, name: string): T {
  if (leaf === undefined || leaf.dtype !== form.dtype || !sameShape(leaf.shape, form.shape)) {
    throw new CompileError(
      `${name} is ${leaf === undefined ? 'missing' : describe(leaf)}, expected ${describe(form)} as in state 0`,
    );
  }
  return leaf;
}

function joined<T extends WideTensor>(parts: readonly T[]): T {
  const first = parts[0] as T;
  const { length } = first.data;
  const TypedArray = first.data.constructor as new (length: number) => T['data'];
  const data = new TypedArray(parts.length * length);
  for (const [instance, leaf] of parts.entries()) data.set(leaf.data, instance * length);
  return { ...first, shape: [parts.length, ...first.shape], data };
}

function part<T extends WideTensor>(leaf: T, instance: number): T {
  const shape = leaf.shape.slice(1);
  const size = sizeOf(shape);
  return { ...leaf, shape, data: leaf.data.slice(instance * size, (instance + 1) * size) };
}

/** Equal bit by bit, but that all NaN are alike. */
function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.from(a).every((x, i) => Object.is(x, b[i]));
}
