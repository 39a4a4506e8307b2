/** @file The decoder's squared gradients of single examples against gradients of single examples. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { DecoderModelConfig } from '../../lib/models/config';
import { decoderModel } from '../../lib/models/decoder';
import { namedTensors } from '../../lib/models/params';
import { paramsOf, perturbed, SMALL_DECODER } from '../support/decoder';
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

function caseOf(
  change: Partial<DecoderModelConfig>,
): Case & { readonly params: ReturnType<typeof paramsOf> } {
  const config = { ...SMALL_DECODER, ...change };
  const model = decoderModel(config) as Case['model'];
  const { sequenceLength } = config;
  const tokens = Int32Array.from({ length: 4 * sequenceLength }, (_, i) =>
    i % sequenceLength === sequenceLength - 1 ? 0 : (i * i + (i >> 2)) % 5,
  );
  return { model, tokens, params: paramsOf(model.shapes.keys(), perturbed(model, 7)) };
}

describe.each([
  { mask: 'additive', positions: 'learned', dropout: 0.3 },
  { mask: 'causal', answers: 2, dropout: 0.3 },
  { mask: 'none', layers: 1 },
] as const)('%j', (change) => {
  const { params, ...given } = caseOf(change);

  it('squares are those of gradients taken one example at a time; loss and gradients are the ordinary pass’s', () => {
    tf.tidy(() => {
      const marked = markedStep(given, params);
      const ordinary = ordinaryStep(given, params);
      expect(marked.value.dataSync()).toMatchReference(ordinary.value.dataSync(), TOLERANCE);
      expectTensors(marked.grads, new Map(namedTensors(ordinary.grads)), TOLERANCE, 1e-8);
      const oneByOne = 'dropout' in change ? squaresOneByOne : squaresOfSingleRows;
      expectTensors(marked.squares, oneByOne(given, params), TOLERANCE);
    });
  });
});

it('of parameters without influence are exactly 0', () => {
  tf.tidy(() => {
    const { params, ...given } = caseOf({ dropout: 0.3 });
    const { dModel, layers } = SMALL_DECODER;
    const squares = new Map(namedTensors(markedStep(given, params).squares));
    const largest = (name: string, begin = 0, size = -1) =>
      tf.max(tf.slice(squares.get(name) as tf.Tensor, [begin], [size])).dataSync()[0] as number;
    for (let layer = 0; layer < layers; layer++) {
      const name = `decoder.layers.${layer}`;
      for (const unused of ['multihead_attn.in_proj_weight', 'norm2.weight', 'norm2.bias']) {
        expect(largest(`${name}.${unused}`), unused).toBe(0);
      }
      expect(largest(`${name}.self_attn.in_proj_bias`, dModel, dModel)).toBe(0);
      expect(largest(`${name}.multihead_attn.in_proj_bias`, 0, 2 * dModel)).toBe(0);
      expect(largest(`${name}.multihead_attn.in_proj_bias`, 2 * dModel)).toBeGreaterThan(0);
    }
  });
});

it('have one form where every parameter is used at one place; no tensor is left behind', () => {
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const { params, ...given } = caseOf({ sequenceLength: 1, layers: 1, mask: 'none' });
    const exact = new Map(namedTensors(markedStep(given, params, 'exact').squares));
    expectTensors(markedStep(given, params, 'token').squares, exact, 1e-6);
  });
  expect(tf.memory().numTensors).toBe(before);
});

it('are the same compiled', async () => {
  const { params, ...given } = caseOf({ mask: 'additive', dropout: 0.3 });
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
