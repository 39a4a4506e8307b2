import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { datasetOf, type RunOptions, runConfig, splitOf } from '../../lib/train/config';
import { messageOf } from '../support/one-line';

describe('a configuration', () => {
  it('is write-up 2’s by default', () => {
    expect(runConfig()).toEqual({
      preset: 'gpt',
      operation: 'add',
      modulus: 113,
      trainFraction: 0.3,
      seed: 0,
      steps: 55_000,
      stopEvaluations: 1,
      evalEvery: 25,
      optimizer: 'adamw',
      learningRate: 1e-3,
      weightDecay: 1,
      betas: [0.9, 0.98],
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

  it('is its own completion, so that a saved one can be read back', () => {
    for (const options of [{}, { trainRows: 500, modulus: 59 }, { dModel: 64, stopAtAccuracy: 0.9 }]) {
      expect(runConfig(JSON.parse(JSON.stringify(runConfig(options))))).toEqual(runConfig(options));
    }
  });
});

describe('is refused in one line that names the value', () => {
  it.each<[RunOptions, string]>([
    [{ modulus: 1 }, '1'],
    [{ modulus: 2.5 }, '2.5'],
    [{ modulus: Number.NaN }, 'NaN'],
    [{ trainFraction: 0 }, '0'],
    [{ trainFraction: 1 }, '1'],
    [{ trainFraction: -0.5 }, '-0.5'],
    [{ trainRows: 12_770 }, '12770'],
    [{ trainRows: 0 }, '0'],
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
    [{ stopAtAccuracy: 99 }, '99'],
    [{ learningRate: -1 }, '-1'],
    [{ weightDecay: Number.POSITIVE_INFINITY }, 'Infinity'],
    [{ betas: [0.9, 1] }, '[0.9, 1]'],
    [{ optimizer: 'sgd' as never }, 'sgd'],
    [{ init: 'zero' as never }, 'zero'],
    [{ preset: 'llama' as never }, 'llama'],
    [{ operation: 'div' }, 'div'],
  ])('%o', (options, part) => {
    expect(messageOf(ArgumentError, () => runConfig(options))).toContain(part);
  });
});
