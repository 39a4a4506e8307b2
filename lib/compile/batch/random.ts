/** @file Random numbers: their kernels take a seed and a step for each instance, and draw for each as for a single one. */
import { randomKernels } from '../random/kernels';
import type { BatchRule, BatchRules } from './rule';

const perKey: BatchRule = ({ node, inputs, build }) =>
  build.like(
    node,
    inputs.map(({ value }) => value),
  );

export const random: BatchRules = Object.fromEntries(
  Object.keys(randomKernels).map((kernel) => [kernel, perKey]),
);
