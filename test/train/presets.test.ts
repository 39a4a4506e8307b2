import { describe, expect, it } from 'vitest';
import { runConfig } from '../../lib/train/config';
import { describePreset, PRESET_NAMES, PRESETS, type PresetName } from '../../lib/train/presets';

/** The paper's defaults (Power et al. 2022, appendix A.1.2), on half the pairs. */
const PAPER = {
  model: 'power',
  tokens: 'equation',
  dModel: 128,
  dFF: 512,
  heads: 4,
  layers: 2,
  steps: 100_000,
  warmup: 10,
  batchSize: 512,
  trainFraction: 0.5,
  optimizer: 'adamw',
  learningRate: 1e-3,
  weightDecay: 1,
  decayTo: 'zero',
  betas: [0.9, 0.98],
  dropout: 0,
  weightNoise: 0,
  gradientNoise: 0,
};

/** What the paper compares, on S₅, in its own order. */
const VARIANTS: Readonly<Record<string, object>> = {
  'power-adam-full-batch': { optimizer: 'adam', weightDecay: 0, batchSize: 'full' },
  'power-adam': { optimizer: 'adam', weightDecay: 0 },
  'power-adam-full-batch-noise': {
    optimizer: 'adam',
    weightDecay: 0,
    batchSize: 'full',
    gradientNoise: 1,
  },
  'power-dropout': { optimizer: 'adam', weightDecay: 0, dropout: 0.1 },
  'power-adamw': {},
  'power-adamw-to-init': { decayTo: 'init' },
  'power-lr-3e-4': { optimizer: 'adam', weightDecay: 0, learningRate: 3e-4 },
  'power-lr-3e-3': { optimizer: 'adam', weightDecay: 0, learningRate: 3e-3 },
  'power-weight-noise': { optimizer: 'adam', weightDecay: 0, weightNoise: 0.01 },
};

describe('presets', () => {
  it.each(PRESET_NAMES)('%s is a configuration, and its base with its differences', (preset) => {
    const { base, differences } = describePreset(preset);
    const config = runConfig({ preset });
    expect(config).toMatchObject({ preset, splitSeed: config.seed });
    for (const [key, value] of Object.entries(differences)) {
      expect(PRESETS[preset], key).toHaveProperty(key, value);
      if (base !== undefined) expect(PRESETS[base]).not.toHaveProperty(key, value);
    }
    expect((config.trainRows === undefined) !== (config.trainFraction === undefined)).toBe(true);
  });

  it('has the paper’s defaults: division mod 97', () => {
    expect(runConfig({ preset: 'power' })).toMatchObject({ ...PAPER, operation: 'div', modulus: 97 });
  });

  it('has the nine variants that the paper compares on S5, and no other', () => {
    for (const [preset, differences] of Object.entries(VARIANTS)) {
      const config = runConfig({ preset: preset as PresetName });
      expect(config, preset).toMatchObject({ ...PAPER, operation: 's5', ...differences });
      expect(config).not.toHaveProperty('modulus');
    }
    expect(PRESET_NAMES.filter((name) => name.startsWith('power-')).sort()).toEqual(
      Object.keys(VARIANTS).sort(),
    );
  });

  it('has write-up 1’s decoder as written and corrected', () => {
    expect(runConfig({ preset: 'decoder-as-written' })).toMatchObject({
      model: 'decoder',
      operation: 'add',
      modulus: 97,
      tokens: 'pair',
      trainRows: 2000,
      batchSize: 'full',
      steps: 15_000,
      optimizer: 'adam',
      learningRate: 3e-4,
      weightDecay: 1e-2,
      betas: [0.9, 0.98],
      warmup: 0,
      dropout: 0.1,
      dropoutInValidation: true,
      mask: 'additive',
      positions: 'sinusoidal',
      layers: 2,
      heads: 4,
    });
    expect(runConfig({ preset: 'decoder' })).toMatchObject({
      optimizer: 'adamw',
      dropout: 0.1,
      dropoutInValidation: false,
      mask: 'causal',
    });
  });

  it('takes the paper’s batch: 512 rows, or half of the training rows where those are fewer', () => {
    expect(runConfig({ preset: 'power', trainRows: 301 }).batchSize).toBe(150);
    expect(runConfig({ preset: 'power', trainRows: 1024 }).batchSize).toBe(512);
  });
});
