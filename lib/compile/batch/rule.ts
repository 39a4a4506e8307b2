/**
 * @file What it takes to run a kernel for many instances at once. A batching rule rewrites one call, traced for a single
 * instance, as calls on tensors with a leading axis of n instances, as jax.vmap does; the batching table maps kernel
 * names to rules. A rule writes kernels of tfjs's own kinds, so that passes and lowering need not know of batches.
 */
import type { Node, Value } from '../graph';
import type { Builder } from './builder';

/** An input of a call: one value an instance along a leading axis, or one that all instances share. */
export interface Argument {
  /** `[n, ...shape]` where batched, else `shape`. */
  readonly value: Value;
  readonly batched: boolean;
  /** The shape for one instance. */
  readonly shape: readonly number[];
  /** Whether it comes from constants alone, so that folding them makes it one. */
  readonly isKnown: boolean;
}

/** A call to rewrite: at least one of its inputs is batched. */
export interface Call {
  /** As traced, for one instance. */
  readonly node: Node;
  /** In the order of `node.inputs`. */
  readonly inputs: readonly Argument[];
  /** Where to write. */
  readonly build: Builder;
}

/** Writes a call for all instances; returns its results in order, each `[n, ...shape of one]`. */
export type BatchRule = (call: Call) => readonly Value[];

/** Rules by kernel name. */
export type BatchRules = Readonly<Record<string, BatchRule>>;
