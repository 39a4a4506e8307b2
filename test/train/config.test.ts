import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { datasetOf, type RunOptions, runConfig, splitOf } from '../../lib/train/config';
import { prepareRun } from '../../lib/train/prepare';
import { namedHostTensors } from '../../lib/train/state';
import { messageOf } from '../support/one-line';

describe('a configuration', () => {
  it('is write-up 2’s by default', () => {
    expect(runConfig()).toEqual({
      preset: 'gpt',
      model: 'gpt',
      operation: 'add',
      modulus: 113,
      tokens: 'equals',
      trainFraction: 0.3,
      split: 'exact',
      splitSeed: 0,
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
    });
  });

  it('trains on 3,830 of 12,769 pairs', () => {
    const config = runConfig();
    expect(splitOf(config, datasetOf(config)).train).toHaveLength(3830);
  });

  it('takes a number of rows in place of the preset’s share', () => {
    const config = runConfig({ trainRows: 500 });
    expect(config).not.toHaveProperty('trainFraction');
    expect(splitOf(config, datasetOf(config)).train).toHaveLength(500);
  });

  it('makes the MLP four times as wide as the model unless told otherwise', () => {
    expect(runConfig({ dModel: 32 }).dFF).toBe(128);
    expect(runConfig({ dModel: 32, dFF: 40 }).dFF).toBe(40);
  });

  it('splits by the run’s seed unless the split has its own', () => {
    expect(runConfig({ seed: 7 }).splitSeed).toBe(7);
    const grid = [64, 128].map((dModel) => runConfig({ seed: dModel, splitSeed: 3, dModel }));
    const [small, large] = grid.map((config) => splitOf(config, datasetOf(config)));
    expect(small).toEqual(large);
    expect(splitOf(runConfig({ seed: 4 }), datasetOf(runConfig()))).not.toEqual(small);
  });

  it.each([
    [{ trainRows: 2000 }, 512],
    [{ trainRows: 1001 }, 500],
    [{ trainRows: 1 }, 1],
  ])('half a batch: %o makes %i rows', (options, rows) => {
    expect(runConfig({ ...options, batchSize: 'half' }).batchSize).toBe(rows);
  });

  it('knows of permutations, which have no modulus', () => {
    const config = runConfig({ operation: 's5conj' });
    expect(config).not.toHaveProperty('modulus');
    expect(datasetOf(config).rows).toBe(14_400);
  });

  it('has the options of the model it is for', () => {
    const decoder = runConfig({ model: 'decoder', tokens: 'pair' });
    expect(decoder).toMatchObject({ mask: 'causal', positions: 'sinusoidal', init: 'torch' });
    expect(runConfig()).not.toHaveProperty('mask');
    expect(runConfig({ model: 'power', tokens: 'equation-eos', modulus: 97 })).toMatchObject({
      init: 'torch',
    });
  });

  it('is the same text in whatever order its options come', () => {
    const options: RunOptions = { stopAtAccuracy: 0.9, dModel: 32, trainRows: 500, seed: 3, preset: 'gpt' };
    const reversed = Object.fromEntries(Object.entries(options).reverse());
    expect(JSON.stringify(runConfig(reversed))).toBe(JSON.stringify(runConfig(options)));
  });

  it('has the options of the optimiser it is for, with the defaults of that one', () => {
    expect(runConfig({ optimizer: 'tgadamw' })).toEqual({
      ...runConfig(),
      optimizer: 'tgadamw',
      betas: [0.9, 0.999],
      beta3: 0.999,
      eps: 1e-12,
      graft: true,
      trueGrad: 'exact',
    });
    expect(runConfig({ optimizer: 'tglaprop' })).toMatchObject({ betas: [0.9, 0.99], beta3: 0.99 });
    expect(runConfig({ optimizer: 'tgrmsprop' })).toMatchObject({ betas: [0, 0.9], beta3: 0.9 });
    const betas = [0.9, 0.98] as const;
    expect(runConfig({ optimizer: 'tgadamw', betas })).toMatchObject({ betas, beta3: 0.98 });
    const given = { beta3: 0.5, eps: 1e-3, graft: false, trueGrad: 'released' } as const;
    expect(runConfig({ optimizer: 'tgadamw', betas, ...given })).toMatchObject({ betas, ...given });
    expect(runConfig({ optimizer: 'adam' })).toEqual({ ...runConfig(), optimizer: 'adam' });
    const floor = { eps: 1e-12, epsMode: 'floor' } as const;
    expect(runConfig(floor)).toEqual({ ...runConfig(), ...floor });
  });

  it('of a TrueGrad optimiser is made into a run whose step forms the squares', () => {
    const { initial } = prepareRun(
      runConfig({ optimizer: 'tgadamw', modulus: 5, dModel: 4, heads: 1, graft: false }),
    );
    const names = namedHostTensors(initial.optimizer).map(([name]) => name);
    expect(names.filter((name) => name.endsWith('.out'))).toEqual(['0.first.out', '0.squares.out']);
  });

  it('leaves out what has no effect, so that runs that are equal are found equal', () => {
    expect(runConfig({ dropoutInValidation: true })).toEqual(runConfig());
    expect(runConfig({ weightDecay: 0, decayTo: 'init' })).toEqual(runConfig({ weightDecay: 0 }));
    expect(runConfig({ eps: 1e-8, epsMode: 'add', stepsAfterTarget: 0 })).toEqual(runConfig());
  });

  it('is its own completion, so that a saved one can be read back', () => {
    for (const options of [
      {},
      { trainRows: 500, modulus: 59 },
      { dModel: 64, stopAtAccuracy: 0.9 },
      { optimizer: 'tglaprop', graft: false, stopAtAccuracy: 0.9, stepsAfterTarget: 100 },
      { epsMode: 'floor' },
      { batchSize: 'half', operation: 's5' },
      { model: 'decoder', mask: 'none', dropout: 0.1 },
    ] as const) {
      expect(runConfig(JSON.parse(JSON.stringify(runConfig(options))))).toEqual(runConfig(options));
    }
  });
});

describe('is refused in one line that names the value', () => {
  it.each<[RunOptions, string]>([
    [{ modulus: 1 }, '1'],
    [{ modulus: 2.5 }, '2.5'],
    [{ modulus: Number.NaN }, 'NaN'],
    [{ trainFraction: 0 }, 'train-fraction is 0, expected a share'],
    [{ trainFraction: 1 }, 'train-fraction is 1, expected a share'],
    [{ trainFraction: 1e-9 }, 'train-fraction is 1e-9, less than one of the 12769 rows'],
    [{ trainFraction: -0.5 }, '-0.5'],
    [{ trainRows: 12_770 }, '12770'],
    [{ trainRows: 0 }, 'train-rows is 0, expected an integer from 1 to 12768'],
    [
      { preset: 'decoder', modulus: 11 },
      "the preset 'decoder' trains on 2000 rows, but there are 121 pairs; give --train-rows from 1 to 120",
    ],
    [
      { preset: 'decoder', modulus: 11, trainRows: 2000 },
      'train-rows is 2000, expected an integer from 1 to 120',
    ],
    [{ trainRows: 10, trainFraction: 0.3 }, '10'],
    [{ dModel: 30 }, '30'],
    [{ heads: 0 }, '0'],
    [{ layers: 1.5 }, '1.5'],
    [{ seed: -1 }, '-1'],
    [{ steps: 0 }, '0'],
    [{ evalEvery: 0 }, '0'],
    [{ evalEvery: 2 ** 32 }, '4294967296'],
    [{ steps: 2 ** 31 }, '2147483648'],
    [{ modulus: 4001 }, '4001'],
    [{ dModel: 100_000, heads: 1 }, 'd-ff 400000'],
    [{ dModel: 100_000, dFF: 1, heads: 1 }, 'd-model 100000'],
    [{ dFF: 0 }, 'd-ff'],
    [{ stopEvaluations: 0 }, '0'],
    [{ stopEvaluations: 3 }, 'stop-evaluations is 3, but there is no stop-at-accuracy'],
    [{ stopAtAccuracy: 99 }, '99'],
    [{ stepsAfterTarget: 100 }, 'steps-after-target is 100, but there is no stop-at-accuracy'],
    [{ stepsAfterTarget: -1, stopAtAccuracy: 0.9 }, 'steps-after-target is -1, expected an integer from 0'],
    [{ stepsAfterTarget: 0.5, stopAtAccuracy: 0.9 }, 'steps-after-target is 0.5'],
    [
      { beta3: 0.9 },
      "b3 is 0.9, but the optimiser 'adamw' has no such option; leave it out, or take one of tgadamw, tglaprop",
    ],
    [{ optimizer: 'adam', graft: true }, "graft is true, but the optimiser 'adam' has no such option"],
    [{ trueGrad: 'token' }, "truegrad is 'token', but the optimiser 'adamw' has no such option"],
    [{ optimizer: 'tgadamw', epsMode: 'add' }, "eps-mode is 'add', but the optimiser 'tgadamw'"],
    [{ optimizer: 'tgadamw', trueGrad: 'all' as never }, "truegrad is 'all', expected 'exact', 'token' or"],
    [{ optimizer: 'tgadamw', beta3: 1 }, 'b3 is 1, expected a number in [0, 1)'],
    [{ optimizer: 'tgrmsprop', betas: [0.9, 0.98] }, 'betas is [0.9, 0.98], expected 0 as the first'],
    [
      { optimizer: 'tgadamw', trueGrad: 'released', decayTo: 'init' },
      "decay-to is 'init', expected 'zero' with truegrad 'released'",
    ],
    [
      { optimizer: 'tgadamw', trueGrad: 'released', weightNoise: 0.1 },
      "weight-noise is 0.1, but truegrad 'released' takes",
    ],
    [{ epsMode: 'floor', eps: 0 }, 'eps is 0, expected a number of at least 1e-18'],
    [{ eps: -1 }, 'eps is -1, expected a number of at least 0'],
    [{ learningRate: -1 }, '-1'],
    [{ weightDecay: Number.POSITIVE_INFINITY }, 'Infinity'],
    [{ betas: [0.9, 1] }, '[0.9, 1]'],
    [{ optimizer: 'sgd' as never }, 'sgd'],
    [{ init: 'zero' as never }, 'zero'],
    [{ preset: 'llama' as never }, 'llama'],
    [{ operation: 'mul' as never }, 'mul'],
    [{ operation: 'div', modulus: 12 }, '12'],
    [{ operation: 's5', modulus: 97 }, '97'],
    [{ tokens: 'words' as never }, 'words'],
    [{ split: 'bootstrap' as never }, "'bootstrap'"],
    [{ splitSeed: 1.5 }, 'split-seed is 1.5'],
    [{ outliers: -1 }, 'outliers is -1'],
    [{ outliers: 101, trainRows: 100 }, '101'],
    ...([0, -1, 2.5, 'third'] as never[]).map((batchSize): [RunOptions, string] => [
      { batchSize },
      `batch-size is ${typeof batchSize === 'string' ? `'${batchSize}'` : batchSize}, expected a number of rows of at least 1, full or half`,
    ]),
    [{ batchSize: 101, trainRows: 100 }, 'batch-size 101'],
    [{ batchSize: 'most' as never }, "'most'"],
    [{ warmup: -1 }, 'warmup is -1'],
    [{ decayTo: 'mean' as never }, "'mean'"],
    [{ weightNoise: -1 }, 'weight-noise is -1'],
    [{ gradientNoise: Number.NaN }, 'gradient-noise is NaN'],
    [{ p: 5 } as never, "'p'"],
    [{ layers: 1e9 }, 'layers is 1000000000'],
    [{ model: 'decoder', dModel: 1e9, heads: 1 }, 'd-model is 1000000000'],
    [{ model: 'rnn' as never }, "'rnn'"],
    [{ model: 'decoder', dropout: 1 }, 'dropout is 1'],
    [{ dropout: 0.1 }, 'dropout is 0.1'],
    [{ dropoutInValidation: 'yes' as never }, "'yes'"],
    [{ mask: 'none' }, "mask is 'none'"],
    [{ positions: 'learned' }, "positions is 'learned'"],
    [{ model: 'decoder', mask: 'triangle' as never }, "'triangle'"],
    [
      { preset: 'power', init: 'unit' },
      "init is 'unit', but the model 'power' has no such option; leave it out",
    ],
    [{ model: 'decoder', init: 'unit' }, "the model 'decoder' has no such option"],
    [{ init: 'torch' }, "init is 'torch', expected one of paper, unit"],
    [{ tokens: 'equation-eos' }, 'equation-eos'],
    [{ model: 'decoder', mask: 'additive', tokens: 'equation-eos' }, '--mask causal'],
  ])('%o', (options, part) => {
    expect(messageOf(ArgumentError, () => runConfig(options))).toContain(part);
  });
});
