/** @file The table of compositions. */
import type { Composition, Compositions } from './composition';
import { convolutions } from './convolution';
import { einsums } from './einsum';
import { fused } from './fused';
import { layouts } from './layout';
import { pooling } from './pooling';
import { scatters } from './scatter';

const compositions: ReadonlyMap<string, Composition> = new Map(
  Object.entries({
    ...einsums,
    ...layouts,
    ...scatters,
    ...convolutions,
    ...pooling,
    ...fused,
  } satisfies Compositions),
);

/** How to say a kernel in others, where there is a way. */
export function composition(kernel: string): Composition | undefined {
  return compositions.get(kernel);
}

/** Names of all kernels that have a composition. */
export function composedKernels(): string[] {
  return [...compositions.keys()];
}
