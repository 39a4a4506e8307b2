/** @file Named configurations; `grok presets` lists them. */
import type { BatchSize, RunConfig } from './config';

/** What a preset fixes; the seed of the split follows the run's own unless it is given. */
export interface Preset extends Omit<RunConfig, 'preset' | 'splitSeed' | 'batchSize'> {
  readonly batchSize: BatchSize;
}

/**
 * Write-up 2's: mod 113, 30 % of the pairs, one block of width 128, full batch, AdamW with decay 1 for 55,000 steps; with
 * the initialisation of the paper it follows (Nanda et al. 2023).
 */
const gpt = {
  model: 'gpt',
  operation: 'add',
  modulus: 113,
  tokens: 'equals',
  trainFraction: 0.3,
  split: 'exact',
  outliers: 0,
  seed: 0,
  steps: 55_000,
  stopEvaluations: 1,
  evalEvery: 25,
  batchSize: 'full',
  optimizer: 'adamw',
  learningRate: 1e-3,
  warmup: 0,
  weightDecay: 1,
  decayTo: 'zero',
  betas: [0.9, 0.98],
  weightNoise: 0,
  gradientNoise: 0,
  dropout: 0,
  dropoutInValidation: false,
  dModel: 128,
  dFF: 512,
  heads: 4,
  layers: 1,
  init: 'paper',
} as const satisfies Preset;

/** What a preset with a number of training rows takes from another. */
const { trainFraction: _, ...withoutShare } = gpt;

/**
 * Write-up 1's decoder, mended: its sizes, learning rate and full batches, with a causal mask, decoupled decay, and dropout off
 * where accuracy is measured.
 */
const decoder = {
  ...withoutShare,
  model: 'decoder',
  modulus: 97,
  tokens: 'pair',
  trainRows: 2000,
  steps: 15_000,
  evalEvery: 50,
  learningRate: 3e-4,
  dropout: 0.1,
  layers: 2,
  init: 'torch',
  mask: 'causal',
  positions: 'sinusoidal',
} as const;

/** Write-up 1's decoder as it is: a learnable mask that hides nothing, L2 decay, dropout left on in validation. */
const decoderAsWritten = {
  ...decoder,
  optimizer: 'adam',
  weightDecay: 1e-2,
  dropoutInValidation: true,
  mask: 'additive',
} as const;

/** Named configurations. */
export const PRESETS = { gpt, decoder, 'decoder-as-written': decoderAsWritten } as const satisfies Readonly<
  Record<string, Preset>
>;

/** The names of the presets. */
export type PresetName = keyof typeof PRESETS;
