import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { MaskMode } from '../../lib/models/config';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, valueAndGrads } from '../../lib/models/params';
import { tokenBatch } from '../../lib/models/rows';
import { eagerTensors, oracleDecoder, oracleDecoderWeights, paramsOf } from '../support/decoder';
import { DEVICES } from '../support/devices';
import { openOracle } from '../support/oracle';

const TOLERANCE = 1e-5;

/** What the reference calls each mask. */
const MASKS: readonly { mask: MaskMode; reference: string }[] = [
  { mask: 'additive', reference: 'tril' },
  { mask: 'causal', reference: 'causal' },
  { mask: 'none', reference: 'none' },
];

describe.each(DEVICES)('write-up 1’s decoder on $name, against float64 PyTorch', (device) => {
  const oracle = openOracle('b_decoder');
  const batch = tokenBatch(oracle.integers('x'), 3, 13);
  const targets = oracle.integers('y');

  describe.each(MASKS)('mask $mask', ({ mask, reference }) => {
    const model = oracleDecoder(mask);
    const names = [...model.shapes.keys()];
    const tensors = eagerTensors(oracleDecoderWeights(mask));

    it('gives its logits, loss and the gradient of every parameter', async () => {
      const [logits, loss, ...grads] = await device.run((inputs) => {
        const params = paramsOf(names, inputs);
        const labels = tf.cast(tf.oneHot(tf.tensor1d(targets, 'int32'), 13), 'float32') as tf.Tensor2D;
        const result = valueAndGrads((p) => crossEntropy(model.forward(p, batch), labels), params);
        return [
          model.forward(params, batch),
          result.value,
          ...namedTensors(result.grads).map(([, tensor]) => tensor),
        ];
      }, tensors);
      const all = oracle.numbers(`f64.${reference}.logits`) as Float64Array;
      const last = Array.from({ length: 8 }, (_, row) => [
        ...all.slice((3 * row + 2) * 13, (3 * row + 3) * 13),
      ]);
      expect(logits).toMatchReference(last.flat(), TOLERANCE);
      expect(loss).toMatchReference(oracle.numbers(`f64.${reference}.loss`), TOLERANCE);
      expect(oracle.names(`f64.${reference}.grad.`).sort()).toEqual([...names].sort());
      const order = namedTensors(paramsOf(names, tensors)).map(([name]) => name);
      for (const [i, name] of order.entries()) {
        expect(grads[i], name).toMatchReference(oracle.numbers(`f64.${reference}.grad.${name}`), TOLERANCE);
      }
    });
  });
});
