/** @file The paper's model: squared gradients of single examples against gradients of single examples. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { PowerModelConfig } from '../../lib/models/config';
import { namedTensors } from '../../lib/models/params';
import { powerModel } from '../../lib/models/power';
import { paramsOf, perturbed } from '../support/decoder';
import { DEVICES } from '../support/devices';
import {
  type Case,
  expectTensors,
  markedStep,
  ordinaryStep,
  squaresOfSingleRows,
  squaresOneByOne,
} from '../support/true-grad';

const TOLERANCE = 2e-5;

const SMALL: PowerModelConfig = {
  model: 'power',
  vocabulary: 5,
  sequenceLength: 4,
  classes: 4,
  dModel: 8,
  heads: 2,
  dFF: 12,
  layers: 2,
  dropout: 0,
  answers: 1,
};

function caseOf(change: Partial<PowerModelConfig>): Case & { readonly params: ReturnType<typeof paramsOf> } {
  const model = powerModel({ ...SMALL, ...change }) as Case['model'];
  const { sequenceLength } = model.config;
  // The operation's sign and "=" are the same in every row, which the ordinary pass computes once.
  const tokens = Int32Array.from({ length: 4 * sequenceLength }, (_, i) =>
    i % 2 === 1 ? 4 : (i * i + (i >> 2)) % 4,
  );
  return { model, tokens, params: paramsOf(model.shapes.keys(), perturbed(model, 3)) };
}

describe.each([{ answers: 2 }, { dropout: 0.3 }] as const)('%j', (change) => {
  it('squares are those of gradients taken one example at a time; loss and gradients are the ordinary pass’s', () => {
    tf.tidy(() => {
      const { params, ...given } = caseOf(change);
      const marked = markedStep(given, params);
      const ordinary = ordinaryStep(given, params);
      expect(marked.value.dataSync()).toMatchReference(ordinary.value.dataSync(), TOLERANCE);
      expectTensors(marked.grads, new Map(namedTensors(ordinary.grads)), TOLERANCE);
      const oneByOne = 'dropout' in change ? squaresOneByOne : squaresOfSingleRows;
      expectTensors(marked.squares, oneByOne(given, params), TOLERANCE);
    });
  });
});

it('have one form where every parameter is used at one place', () => {
  tf.tidy(() => {
    const { params, ...given } = caseOf({ sequenceLength: 1, layers: 1 });
    const exact = new Map(namedTensors(markedStep(given, params, 'exact').squares));
    expectTensors(markedStep(given, params, 'token').squares, exact, 1e-6);
  });
});

it('are the same compiled', async () => {
  const { params, ...given } = caseOf({ dropout: 0.3 });
  const tensors = namedTensors(params);
  const names = tensors.map(([name]) => name);
  const f = (inputs: tf.Tensor[]) => {
    const { value, grads, squares } = markedStep(given, paramsOf(names, inputs));
    return [value, ...[grads, squares].flatMap((tree) => namedTensors(tree).map(([, tensor]) => tensor))];
  };
  const inputs = tensors.map(([, tensor]) => tensor);
  const [eager, compiled] = await Promise.all(DEVICES.map((device) => device.run(f, inputs)));
  expect(compiled).toHaveLength(1 + 2 * names.length);
  for (const [i, reference] of (eager ?? []).entries()) {
    expect(compiled?.[i], String(i)).toMatchReference(reference, TOLERANCE);
  }
});
