import { expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { createModel, MODEL_NAMES } from '../../lib/models/registry';
import { tokenBatch } from '../../lib/models/rows';
import { messageOf } from '../support/one-line';

it('refuses a model that there is not, and no sizes at all', () => {
  expect(messageOf(ArgumentError, () => createModel({ model: 'mlp' } as never))).toBe(
    `model is 'mlp', expected one of ${MODEL_NAMES.join(', ')}`,
  );
  expect(messageOf(ArgumentError, () => createModel(undefined as never))).toContain(
    'the sizes of a model are undefined',
  );
});

it.each([
  { model: 'gpt' },
  { model: 'power', dropout: 0, answers: 1 },
  { model: 'decoder', dropout: 0, answers: 1, mask: 'causal', positions: 'sinusoidal' },
] as const)('tells how to make tensors of the host tensors that forward is given: %o', (kind) => {
  const sizes = { vocabulary: 4, sequenceLength: 3, classes: 3, dModel: 4, heads: 2, dFF: 8, layers: 1 };
  const model = createModel({ ...kind, ...sizes });
  const batch = tokenBatch(Int32Array.of(0, 1, 3), 3, 4);
  const message = messageOf(ArgumentError, () => model.forward(model.init(0) as never, batch));
  expect(message).toContain(`the parameter '${[...model.shapes.keys()][0]}' is a host tensor`);
  expect(message).toContain('toTensors(params)');
});
