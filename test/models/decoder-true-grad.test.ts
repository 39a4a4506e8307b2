/** @file The decoder's squared gradients of single examples against gradients of single examples. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { namedTensors } from '../../lib/models/params';
import { SMALL_DECODER } from '../support/decoder';
import { decoderRow } from '../support/plain-rows';
import {
  expectOneForm,
  expectPlainForms,
  expectSameCompiled,
  expectSameWithoutPasses,
  expectStep,
  markedStep,
  smallDecoder as small,
} from '../support/true-grad';

describe.each([
  { mask: 'additive', positions: 'learned', dropout: 0.3 },
  { mask: 'causal', answers: 2, dropout: 0.3 },
  { mask: 'none', layers: 1 },
] as const)('%j', (change) => {
  it('squares are those of gradients taken one example at a time; loss and gradients are the ordinary pass’s', () => {
    expectStep(small(change));
  });
});

it.each([
  { mask: 'additive', positions: 'learned' },
  { mask: 'causal', answers: 2 },
] as const)('%j: squares of every form are those of the model written out for one row', (change) => {
  expectPlainForms(small(change), (at, tokens) => decoderRow({ ...SMALL_DECODER, ...change }, at, tokens));
});

it('of parameters without influence are exactly 0', () => {
  tf.tidy(() => {
    const { params, ...given } = small({ dropout: 0.3 });
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
  tf.tidy(() => expectOneForm(small({ sequenceLength: 1, layers: 1, mask: 'none' })));
  expect(tf.memory().numTensors).toBe(before);
});

it('are the same compiled', async () => {
  // As small as has each kind of use, for compiling takes long.
  await expectSameCompiled(small({ layers: 1, sequenceLength: 2, mask: 'additive', dropout: 0.3 }));
});

it('are the same compiled with all passes and with none', async () => {
  await expectSameWithoutPasses(small({ layers: 1, sequenceLength: 2, mask: 'additive' }));
});
