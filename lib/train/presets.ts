/** @file Named configurations, each a short difference from another; `grok presets` lists them. */
import { getOperation } from '../data/operations';
import type { BatchSize, RunConfig } from './config';

/** What a preset fixes; the seed of the split follows the run's own unless it is given. */
export interface Preset extends Omit<RunConfig, 'preset' | 'splitSeed' | 'batchSize'> {
  readonly batchSize: BatchSize;
}

/** The names of the presets. */
export type PresetName =
  | 'gpt'
  | 'decoder'
  | 'decoder-as-written'
  | 'power'
  | 'power-adam-full-batch'
  | 'power-adam'
  | 'power-adam-full-batch-noise'
  | 'power-dropout'
  | 'power-adamw'
  | 'power-adamw-to-init'
  | 'power-lr-3e-4'
  | 'power-lr-3e-3'
  | 'power-weight-noise';

/** A preset with its differences from the one it starts from. */
export interface PresetDescription {
  readonly name: PresetName;
  /** One line. */
  readonly description: string;
  /** The preset it starts from; absent for the first, whose differences are all its values. */
  readonly base?: PresetName;
  readonly differences: Partial<Preset>;
}

/**
 * Write-up 2's, which follows Nanda et al. 2023 (arXiv:2301.05217): mod 113, 30 % of the pairs, one block of width 128, full
 * batch, AdamW with decay 1 for 55,000 steps, with that paper's initialisation.
 */
const gpt: Preset = {
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
};

/** All presets. The nine of the paper's comparison stand in its order, and are on S₅ as its figure is. */
const ENTRIES: Readonly<Record<PresetName, Omit<PresetDescription, 'name'>>> = {
  gpt: {
    description: "Write-up 2's GPT as it was meant: x + y mod 113, 30 % of the pairs, AdamW with decay 1.",
    differences: gpt,
  },
  decoder: {
    description: "Write-up 1's decoder, corrected: causal, decoupled decay, measured without dropout.",
    base: 'gpt',
    differences: {
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
    },
  },
  'decoder-as-written': {
    description: "Write-up 1's decoder as it is: a mask that hides nothing, L2, measured with dropout on.",
    base: 'decoder',
    differences: { optimizer: 'adam', weightDecay: 1e-2, dropoutInValidation: true, mask: 'additive' },
  },
  power: {
    description:
      "Power et al.'s model and defaults: x / y mod 97, half the pairs, minibatches that wrap, AdamW.",
    base: 'gpt',
    differences: {
      model: 'power',
      operation: 'div',
      modulus: 97,
      tokens: 'equation',
      trainFraction: 0.5,
      steps: 100_000,
      evalEvery: 100,
      batchSize: 'half',
      warmup: 10,
      layers: 2,
      init: 'torch',
    },
  },
  'power-adam-full-batch': {
    description: "The paper's comparison on S5, 1 of 9: Adam on all training rows.",
    base: 'power-adam',
    differences: { batchSize: 'full' },
  },
  'power-adam': {
    description: "The paper's comparison on S5, 2 of 9: Adam on minibatches, without decay.",
    base: 'power',
    differences: { operation: 's5', optimizer: 'adam', weightDecay: 0 },
  },
  'power-adam-full-batch-noise': {
    description: "The paper's comparison on S5, 3 of 9: N(0,1) added to every update's direction.",
    base: 'power-adam-full-batch',
    differences: { gradientNoise: 1 },
  },
  'power-dropout': {
    description: "The paper's comparison on S5, 4 of 9: Adam with residual dropout.",
    base: 'power-adam',
    differences: { dropout: 0.1 },
  },
  'power-adamw': {
    description: "The paper's comparison on S5, 5 of 9: AdamW with weight decay 1.",
    base: 'power',
    differences: { operation: 's5' },
  },
  'power-adamw-to-init': {
    description: "The paper's comparison on S5, 6 of 9: weight decay 1 towards the initial parameters.",
    base: 'power-adamw',
    differences: { decayTo: 'init' },
  },
  'power-lr-3e-4': {
    description: "The paper's comparison on S5, 7 of 9: Adam at a lower learning rate.",
    base: 'power-adam',
    differences: { learningRate: 3e-4 },
  },
  'power-lr-3e-3': {
    description: "The paper's comparison on S5, 8 of 9: Adam at a higher learning rate.",
    base: 'power-adam',
    differences: { learningRate: 3e-3 },
  },
  'power-weight-noise': {
    description: "The paper's comparison on S5, 9 of 9: Adam with noise on the parameters in training.",
    base: 'power-adam',
    differences: { weightNoise: 0.01 },
  },
};

/** The names of the presets, as they are listed. */
export const PRESET_NAMES = Object.keys(ENTRIES) as readonly PresetName[];

/** What a preset is and how it differs from its base. */
export function describePreset(name: PresetName): PresetDescription {
  return { name, ...ENTRIES[name] };
}

/** A preset's values: its base's with its differences; a number of training rows takes the place of a share. */
function valuesOf(name: PresetName): Preset {
  const { base, differences } = describePreset(name);
  if (base === undefined) return differences as Preset;
  const { trainFraction, ...others } = valuesOf(base);
  const share = differences.trainRows === undefined && trainFraction !== undefined ? { trainFraction } : {};
  return { ...others, ...share, ...differences };
}

/** Named configurations. One on S₅ keeps its base's modulus, for a run that takes another operation. */
export const PRESETS = Object.fromEntries(PRESET_NAMES.map((name) => [name, valuesOf(name)])) as Readonly<
  Record<PresetName, Preset>
>;

/** The values of a preset that its runs have: without a modulus where its operation takes none. */
export function presetValues(name: PresetName): Partial<Preset> {
  const { modulus, ...others } = PRESETS[name];
  return getOperation(others.operation).modular ? PRESETS[name] : others;
}
