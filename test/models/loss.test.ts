import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accuracy, crossEntropy } from '../../lib/models/loss';
import { DEVICES } from '../support/devices';

/** Cross-entropy and its gradient in double precision, by the textbook with a log-sum-exp over the wrong classes. */
function reference(logits: number[][], labels: number[]) {
  const rows = logits.length;
  let loss = 0;
  const grad = logits.map((row, i) => {
    const label = labels[i] as number;
    const d = row.map((l) => l - (row[label] as number));
    const m = Math.max(...d);
    const others = d.reduce((sum, x, j) => (j === label ? sum : sum + Math.exp(x - m)), 0);
    loss += m + Math.log1p(Math.expm1(-m) + others);
    const total = Math.exp(-m) + others;
    return d.map((x, j) => (j === label ? -others : Math.exp(x - m)) / total / rows);
  });
  return { loss: loss / rows, grad: grad.flat() };
}

function lossAndGrad(labels: number[], classes: number) {
  return ([logits]: tf.Tensor[]) => {
    const oneHot = tf.cast(tf.oneHot(tf.tensor1d(labels, 'int32'), classes), 'float32') as tf.Tensor2D;
    const { value, grad } = tf.valueAndGrad((x) => crossEntropy(x as tf.Tensor2D, oneHot))(
      logits as tf.Tensor,
    );
    return [value, grad];
  };
}

describe.each(DEVICES)('cross-entropy on $name', (device) => {
  const check = async (logits: number[][], labels: number[], tolerance: number) => {
    const exact = logits.map((row) => row.map(Math.fround));
    // What float32 can hold of it: at a margin of 120 the true loss, 8e-53, rounds to 0.
    const { loss: exactLoss, grad: exactGrad } = reference(exact, labels);
    const expected = { loss: Math.fround(exactLoss), grad: exactGrad.map(Math.fround) };
    const [loss, grad] = await device.run(lossAndGrad(labels, exact[0]?.length ?? 0), [tf.tensor2d(exact)]);
    expect(loss).toMatchReference([expected.loss], tolerance);
    expect(grad).toMatchReference(expected.grad, tolerance);
  };

  it('equals the double-precision formula for ordinary logits', async () => {
    const row = fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(row, fc.nat(3)), { minLength: 1, maxLength: 6 }), async (rows) => {
        await check(
          rows.map(([logits]) => logits),
          rows.map(([, label]) => label),
          1e-5,
        );
      }),
      { numRuns: 10 },
    );
  });

  it.each([10, 20, 40, 80])('keeps its digits where it is tiny: margin %d', async (margin) => {
    await check([[margin, 0, 0, 0]], [0], 1e-5);
  });

  it('is 1e-9 where the true loss is 1e-9, not 0', async () => {
    const margin = Math.log(3 / 1e-9);
    const [loss] = await device.run(lossAndGrad([2], 4), [tf.tensor2d([[0, 0, margin, 0]])]);
    expect(Math.abs((loss?.[0] as number) / 1e-9 - 1)).toBeLessThan(0.01);
  });

  it.each([-3e5, -1e4, -100, -1e-3, 0, 120])('is finite and right at a margin of %d', async (margin) => {
    await check([[margin, 0, -5, -7]], [0], 1e-5);
  });

  it('takes the mean over rows of very different losses', async () => {
    await check(
      [
        [30, 0, 0],
        [0, 500, 0],
        [1, 2, 3],
      ],
      [0, 2, 2],
      1e-5,
    );
  });

  it('has an accuracy: the share of rows whose largest logit is the label’s', async () => {
    const logits = tf.tensor2d([
      [1, 2, 0],
      [5, 2, 0],
      [0, 0, 1],
      [0, 3, 1],
    ]);
    const [share] = await device.run(
      ([x]) => [accuracy(x as tf.Tensor2D, tf.tensor1d([1, 0, 0, 1], 'int32'))],
      [logits],
    );
    expect(share?.[0]).toBe(0.75);
  });
});
