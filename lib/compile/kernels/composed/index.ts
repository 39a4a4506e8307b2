/** @file The table of compositions, and of kernels that no compiled step can have. */
import { type Composition, type Compositions, refusedCall } from './composition';
import { convolutions } from './convolution';
import { einsums } from './einsum';
import { layouts } from './layout';
import { pooling } from './pooling';
import { scatters } from './scatter';

const compositions: ReadonlyMap<string, Composition> = new Map(
  Object.entries({ ...einsums, ...layouts, ...scatters, ...convolutions, ...pooling } satisfies Compositions),
);

/** Kernels whose results' shapes depend on values, which are not known before the program runs. */
const DYNAMIC: ReadonlySet<string> = new Set(
  'NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 RaggedGather RaggedRange RaggedTensorToTensor SparseFillEmptyRows SparseReshape StringSplit Unique Where'.split(
    ' ',
  ),
);

/** How to say a kernel in others; for a kernel that cannot be compiled at all, a function that says why. */
export function composition(kernel: string): Composition | undefined {
  if (DYNAMIC.has(kernel)) {
    return (inputs) => {
      throw refusedCall(
        kernel,
        inputs,
        'the shape of its result depends on values, which a compiled step does not know; use a mask of fixed shape, or run it eagerly',
      );
    };
  }
  return compositions.get(kernel);
}

/** Names of all kernels that have a composition. */
export function composedKernels(): string[] {
  return [...compositions.keys()];
}
