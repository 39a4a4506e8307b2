/**
 * @file What the compiler must know of a kernel: how it is called, what it returns, and how ONNX says it. The kernel
 * table maps tfjs's kernel names to these rules.
 */
import { CompileError } from '../errors';
import { type Attributes, describe, type Node, type Value } from '../graph';
import type { DType } from '../host';
import type { Emitter, Name } from '../onnx/emitter';

/** Shape and type of a result. */
export interface Spec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** One input of a node being lowered. */
export interface Operand extends Value {
  /** The tensor's name in the ONNX graph; for a constant, asking for it writes the whole constant. */
  readonly name: Name;
}

/**
 * The inputs of a call in the order of its rule, which reads only those that it declares: the recorder has seen to it
 * that they are there. No rule declares more than three by name.
 */
export type Declared<T> = readonly [T, T, T, ...T[]];

export interface KernelRule {
  /** Names of tfjs's inputs, in the order of `Node.inputs`; `'variadic'` takes all, in tfjs's order. */
  readonly inputs: readonly string[] | 'variadic';
  /** Types that every input may have, where ONNX Runtime does not take all of them. */
  readonly types?: readonly DType[];
  /**
   * Results of a call with these inputs. tfjs checks shapes in its kernels, which do not run in a trace, so that it is done here.
   * @throws ShapeMismatch where the shapes of the inputs do not fit; the recorder makes a refusal of it.
   */
  infer(inputs: Declared<Value>, attrs: Attributes): Spec | readonly Spec[];
  /** Whether tfjs's CPU backend computes this call of constants right; taken for granted where it is not given. */
  foldable?(inputs: Declared<Value>): boolean;
  /** Writes the ONNX nodes; returns the names of the results. */
  lower(emit: Emitter, inputs: readonly Operand[], node: Node): Name | readonly Name[];
}

/** Rules by kernel name. */
export type KernelRules = Readonly<Record<string, KernelRule>>;

/** The error for a call of a kernel that cannot be compiled. */
export function refusal(kernel: string, inputs: readonly Value[], reason: string): CompileError {
  return new CompileError(
    `the operation '${kernel}' on (${inputs.map(describe).join(', ')}) cannot be compiled: ${reason}`,
  );
}

/** Why the shapes of a call's inputs do not fit each other or its attributes. */
export class ShapeMismatch extends Error {}

/** @throws ShapeMismatch with the reason, unless the shapes fit. */
export function checkShapes(fit: boolean, reason: string): void {
  if (!fit) throw new ShapeMismatch(reason);
}

/** Shape of an elementwise result under NumPy's broadcasting. @throws ShapeMismatch where there is none. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const fits = a.every((x, i) => {
    const y = b[b.length - a.length + i] ?? 1;
    return x === y || x === 1 || y === 1;
  });
  checkShapes(fits, `the shapes [${a.join(', ')}] and [${b.join(', ')}] do not broadcast`);
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    return x === 1 ? y : x;
  });
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}

/** Axes as non-negative numbers; `undefined` or `null` means all. */
export function normalizeAxes(axis: unknown, rank: number): number[] {
  if (axis === undefined || axis === null) return Array.from({ length: rank }, (_, i) => i);
  const axes = Array.isArray(axis) ? (axis as number[]) : [axis as number];
  return axes.map((a) => (a < 0 ? a + rank : a));
}

/** The i-th input, which the rule's declaration guarantees. */
export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no item ${index} among ${items.length}`);
  return item;
}
