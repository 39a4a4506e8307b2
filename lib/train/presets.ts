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

/** Named configurations. */
export const PRESETS = { gpt } as const satisfies Readonly<Record<string, Preset>>;

/** The names of the presets. */
export type PresetName = keyof typeof PRESETS;
