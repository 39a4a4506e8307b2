/** @file The batching table: how each kernel runs for many instances at once. */
import { elementwise } from './elementwise';
import { indexing } from './indexing';
import { products } from './matmul';
import { movement } from './movement';
import { ordering } from './order';
import { random } from './random';
import { reductions } from './reduction';
import type { BatchRule, BatchRules } from './rule';
import { unrolled } from './unrolled';

const table: ReadonlyMap<string, BatchRule> = new Map(
  Object.entries({
    ...elementwise,
    ...reductions,
    ...movement,
    ...products,
    ...indexing,
    ...ordering,
    ...random,
  } satisfies BatchRules),
);

/** The rule of a kernel; one call an instance where it has none of its own. */
export function batchRule(kernel: string): BatchRule {
  return table.get(kernel) ?? unrolled;
}

/** Names of the kernels that run for all instances in one call, sorted. */
export function batchedKernels(): string[] {
  return [...table.keys()].sort();
}
