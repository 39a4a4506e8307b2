import { describe, expect, it } from 'vitest';
import type { RunOptions } from '../../lib/train/config';
import { eagerMetricsOf, metricsOf } from '../support/step-metrics';

describe('everything at once', () => {
  it.each([
    ['decoder', 'equation-eos'],
    ['power', 'equation'],
  ] as const)('gives the same numbers eagerly and compiled, %s on %s', async (model, tokens) => {
    const options: RunOptions = {
      model,
      batchSize: 10,
      dropout: 0.2,
      weightNoise: 0.01,
      gradientNoise: 0.1,
      warmup: 2,
      decayTo: 'init',
      outliers: 3,
      layers: 2,
      tokens,
      operation: 'div',
    };
    const compiled = await metricsOf(options);
    const eager = eagerMetricsOf(options);
    for (const [name, values] of Object.entries(eager)) {
      expect(compiled[name], name).toMatchReference(values, 1e-4);
    }
  });
});
