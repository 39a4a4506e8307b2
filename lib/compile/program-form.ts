/** @file What a program takes and returns, by name: the form of its state and its metrics. */
import { CompileError } from './errors';
import { type DType, sizeOf } from './host';
import type { Spec } from './kernels/rule';
import { leavesOf, mapTree, type Tree } from './tree';

export interface ProgramForm {
  /** Type and shape of every leaf of the state. */
  readonly state: Tree<Spec>;
  /** Names of the metrics, in the order in which the step returns them. */
  readonly metrics: readonly string[];
}

/** Whether a node of a tree of forms is a leaf. */
export function isSpec(node: Tree<Spec>): node is Spec {
  return typeof (node as Spec).dtype === 'string';
}

/** The form of a tree of tensors. */
export function formOf<T extends Spec>(tree: Tree<T>, isLeaf: (node: Tree<T>) => node is T): Tree<Spec> {
  const form = mapTree(tree, isLeaf, ({ dtype, shape }) => ({ dtype, shape: [...shape] }));
  const paths = leavesOf(form, isSpec).map(([path]) => path);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined)
    throw new CompileError(`two tensors of the state are both called '${twice}'; rename one of them`);
  return form;
}

/** Leaves of the state in order, each with its path. */
export function leavesOfState({ state }: ProgramForm): [path: string, form: Spec][] {
  return leavesOf(state, isSpec);
}

const DTYPES: readonly DType[] = ['float32', 'int32', 'bool'];

/** A form read from a file. @throws CompileError where it is none. */
export function checkedForm(value: unknown): ProgramForm {
  const { state, metrics } = recordOf(value, 'the description');
  if (!Array.isArray(metrics) || !metrics.every((name) => typeof name === 'string'))
    throw new CompileError('the metrics of the description are not a list of names');
  return { state: checkedState(state, 'state'), metrics };
}

function checkedState(value: unknown, path: string): Tree<Spec> {
  const node = recordOf(value, path);
  if (typeof node.dtype !== 'string') {
    return Object.fromEntries(
      Object.entries(node).map(([key, child]) => [key, checkedState(child, `${path}.${key}`)]),
    );
  }
  const { dtype, shape } = node as unknown as Spec;
  const isShape =
    Array.isArray(shape) &&
    shape.every((d) => Number.isInteger(d) && d >= 0) &&
    Number.isSafeInteger(sizeOf(shape));
  if (!DTYPES.includes(dtype) || !isShape)
    throw new CompileError(`${path} of the description is not the form of a tensor`);
  return { dtype, shape };
}

function recordOf(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CompileError(`${name} is not a record`);
  return value as Readonly<Record<string, unknown>>;
}
