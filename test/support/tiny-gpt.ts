/** @file A training run small enough for a graphics device that computes in software. */
import type { RunOptions } from '../../lib/train/config';

/** The GPT of the presets for p = 11 and width 32, with an evaluation at steps 0, 4, 8 …. */
export const TINY_GPT = {
  preset: 'gpt',
  modulus: 11,
  dModel: 32,
  steps: 100,
  evalEvery: 4,
} as const satisfies RunOptions;
