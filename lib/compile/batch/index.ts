/** @file Many instances of one step in one program. */
export { type BatchedOptions, batched } from './batched';
export { type Batching, batchingOf, type SharedOptions, stack, unstack } from './state';
export { batchedKernels } from './table';
