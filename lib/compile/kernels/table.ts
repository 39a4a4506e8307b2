/** @file The kernel table: every kernel that a compiled step may use. */
import { randomKernels } from '../random/kernels';
import { composedKernels } from './composed';
import { elementwise } from './elementwise';
import { indexing } from './indexing';
import { products } from './matmul';
import { movement } from './movement';
import { ordering } from './order';
import { reductions } from './reduction';
import type { KernelRule, KernelRules } from './rule';
import { scans } from './scan';

const table: ReadonlyMap<string, KernelRule> = new Map(
  Object.entries({
    ...elementwise,
    ...reductions,
    ...scans,
    ...ordering,
    ...movement,
    ...products,
    ...indexing,
    ...randomKernels,
  } satisfies KernelRules),
);

/** The rule of a kernel, or `undefined` where it has none. */
export function kernelRule(kernel: string): KernelRule | undefined {
  return table.get(kernel);
}

/**
 * Names of all kernels that the compiler writes itself, sorted: those of tfjs that have a rule or are said in others, and
 * this package's own, such as `RandomUniform`. Kernels whose result is known while tracing, and those that tfjs makes of
 * others, can be used too: `docs/operations.md` lists them all.
 */
export function compilableKernels(): string[] {
  return [...new Set([...table.keys(), ...composedKernels()])].sort();
}
