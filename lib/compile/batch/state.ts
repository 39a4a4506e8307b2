/** @file The state of many instances: which of its leaves have an instance axis, and how it is put together and apart. */
import { CompileError } from '../errors';
import { describe, type Graph } from '../graph';
import { sizeOf, type WideTensor } from '../host';
import { type Spec, sameShape } from '../kernels/rule';
import { type HostOf, hostTreeOf, isWideTensor, type StateTree } from '../state';
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
 * Splits the leaves of a stacked state; without `batch` they are those of one instance already.
 * @param leaves Each with its path; with `batch` those not shared have that many instances as their leading axis.
 * @throws CompileError where `batch` is not a positive integer, a leaf lacks that axis, or `shared` names no leaf or
 * stands alone.
 */
export function batchingOf(
  leaves: readonly (readonly [path: string, form: Spec])[],
  { batch, shared = [] }: SharedOptions & { readonly batch?: number },
): Batching {
  if (batch === undefined) {
    if (shared.length === 0) return { forms: leaves.map(([, form]) => form), apply: (graph) => graph };
    throw new CompileError(
      `shared names '${shared.join("', '")}' without batch; give batch, the number of instances`,
    );
  }
  checkInstances(batch);
  const paths = leaves.map(([path]) => path);
  checkShared(paths, shared);
  const sharedOutputs = new Map(
    [...paths.entries()].filter(([, path]) => isShared(path, shared)).map(([i, path]) => [i, `'${path}'`]),
  );
  const forms = leaves.map(([path, { dtype, shape }], i): Spec => {
    if (sharedOutputs.has(i)) return { dtype, shape };
    if (shape[0] !== batch) {
      throw new CompileError(
        `'${path}' of the state is ${describe({ dtype, shape })}, expected a leading axis of ${batch} instances; stack(states) makes it, or list the path in shared`,
      );
    }
    return { dtype, shape: shape.slice(1) };
  });
  const isBatched = (input: number) => !sharedOutputs.has(input);
  return { forms, apply: (graph) => batched(graph, batch, { isBatched, sharedOutputs }) };
}

/**
 * One state of many: each leaf `[…]` becomes `[n, …]`, except the shared ones, which must be equal in all.
 * @param states At least one, of tfjs tensors or tensors in host memory; all of the same names, shapes and types.
 * @throws CompileError where they differ in these, or a shared leaf differs in value.
 */
export function stack<S extends Tree<WideTensor>>(states: readonly S[], options?: SharedOptions): S;
export function stack<S extends StateTree>(states: readonly S[], options?: SharedOptions): HostOf<S>;
export function stack(given: readonly StateTree[], { shared = [] }: SharedOptions = {}): Tree<WideTensor> {
  const states = given.map(hostTreeOf);
  const [first, ...others] = states.map((state) => new Map(leavesOf(state, isWideTensor)));
  if (first === undefined) throw new CompileError('stack is given no states, expected at least one');
  checkShared([...first.keys()], shared);
  for (const [i, other] of others.entries()) checkSameForms(first, other, i + 1);
  return mapTree(states[0] as Tree<WideTensor>, isWideTensor, (leaf, path) => {
    const parts = [leaf, ...others.map((other) => other.get(path) as WideTensor)];
    if (!isShared(path, shared)) return joined(parts);
    const different = parts.findIndex(({ data }) => !sameNumbers(data, leaf.data));
    if (different >= 0) {
      throw new CompileError(
        `'${path}' of state ${different} differs from that of state 0 but is listed in shared; give all states the same or take it off the list`,
      );
    }
    return leaf;
  });
}

/**
 * The states that a stacked one holds, in order; the reverse of `stack`. Each gets the shared leaves as they are.
 * @throws CompileError where the leaves that are not shared do not have the same leading axis, or there are none.
 */
export function unstack<S extends Tree<WideTensor>>(state: S, options?: SharedOptions): S[];
export function unstack<S extends StateTree>(state: S, options?: SharedOptions): HostOf<S>[];
export function unstack(given: StateTree, { shared = [] }: SharedOptions = {}): Tree<WideTensor>[] {
  const state = hostTreeOf(given);
  const leaves = leavesOf<WideTensor>(state, isWideTensor);
  checkShared(
    leaves.map(([path]) => path),
    shared,
  );
  const stacked = leaves.filter(([path]) => !isShared(path, shared));
  if (stacked.length === 0) {
    throw new CompileError('all leaves of the state are listed in shared, expected at least one that is not');
  }
  const n = stacked[0]?.[1].shape[0];
  const odd = stacked.find(([, { shape }]) => n === undefined || shape[0] !== n);
  if (odd !== undefined) {
    const expected = n === undefined ? 'a leading axis of instances' : `a leading axis of ${n} instances`;
    throw new CompileError(
      `'${odd[0]}' of the state is ${describe(odd[1])}, expected ${expected}; list the path in shared if all have it in common`,
    );
  }
  return Array.from({ length: n as number }, (_, instance) =>
    mapTree(state, isWideTensor, (leaf, path) => (isShared(path, shared) ? leaf : part(leaf, instance))),
  );
}

type Leaves = ReadonlyMap<string, WideTensor>;

/** Checks that a state has the names, shapes and types of the first. */
function checkSameForms(first: Leaves, other: Leaves, number: number): void {
  for (const [path, form] of first) {
    const leaf = other.get(path);
    if (leaf === undefined || leaf.dtype !== form.dtype || !sameShape(leaf.shape, form.shape)) {
      throw new CompileError(
        `'${path}' of state ${number} is ${leaf === undefined ? 'missing' : describe(leaf)}, expected ${describe(form)} as in state 0`,
      );
    }
  }
  const extra = [...other.keys()].find((path) => !first.has(path));
  if (extra !== undefined) {
    throw new CompileError(
      `state ${number} has '${extra}', which state 0 does not; all must have the same names`,
    );
  }
}

function joined(parts: readonly WideTensor[]): WideTensor {
  const { dtype, shape, data } = parts[0] as WideTensor;
  const TypedArray = data.constructor as new (length: number) => WideTensor['data'];
  const all = new TypedArray(parts.length * data.length);
  for (const [instance, leaf] of parts.entries()) all.set(leaf.data, instance * data.length);
  return { dtype, shape: [parts.length, ...shape], data: all };
}

function part({ dtype, shape: [, ...shape], data }: WideTensor, instance: number): WideTensor {
  const size = sizeOf(shape);
  return { dtype, shape, data: data.slice(instance * size, (instance + 1) * size) };
}

/** Equal bit by bit, but that all NaN are alike. */
function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.from(a).every((x, i) => Object.is(x, b[i]));
}
