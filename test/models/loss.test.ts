import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { treeOfNames } from '../../lib/models/initialize';
import { accuracy, crossEntropy } from '../../lib/models/loss';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { createModel } from '../../lib/models/registry';
import { tokenBatch } from '../../lib/models/rows';
import { namedHostTensors } from '../../lib/train/state';
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
    const [loss, grad] = await device.run(lossAndGrad([2], 4), [tf.tensor2d([[0, 0, margin, 0]])]);
    expect(Math.abs((loss?.[0] as number) / 1e-9 - 1)).toBeLessThan(0.01);
    const third = 1e-9 / 3;
    [third, third, -1e-9, third].forEach((expected, i) => {
      expect(Math.abs((grad?.[i] as number) / expected - 1)).toBeLessThan(0.01);
    });
  });

  it('is 1e-9 as the mean over rows of which one alone has a loss', async () => {
    const one = Math.log(2 / 4e-9);
    const rows = [one, 90, 100, 110].map((margin) => [margin, 0, 0]);
    const [loss] = await device.run(lossAndGrad([0, 0, 0, 0], 3), [tf.tensor2d(rows)]);
    expect(Math.abs((loss?.[0] as number) / 1e-9 - 1)).toBeLessThan(0.01);
  });

  it.each([-3e5, -1e5, -1e4, -100, -1, -1e-3, 0, 1, 50, 120])(
    'is finite and right at a margin of %d',
    async (margin) => {
      await check([[margin, 0, -5, -7]], [0], 1e-5);
    },
  );

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

  it('counts a row of two answers as right when both are', async () => {
    // Rows 0 to 3: right in both, in the second alone, in the first alone, in neither.
    const right = [true, false, true, false, true, true, false, false];
    const targets = [0, 1, 2, 0, 1, 1, 0, 2];
    const logits = tf.tensor2d(
      right.map((isRight, i) =>
        [0, 1, 2].map((label) => (label === ((targets[i] as number) + (isRight ? 0 : 1)) % 3 ? 1 : 0)),
      ),
    );
    const [share] = await device.run(
      ([x]) => [accuracy(x as tf.Tensor2D, tf.tensor1d(targets, 'int32'), 2)],
      [logits],
    );
    expect(share?.[0]).toBe(0.25);
  });
});

describe.each(DEVICES)('cross-entropy of a whole model’s logits on $name', (device) => {
  const model = createModel({
    model: 'power',
    vocabulary: 7,
    sequenceLength: 4,
    classes: 7,
    dModel: 8,
    heads: 2,
    dFF: 16,
    layers: 2,
    dropout: 0,
    answers: 1,
  });
  const initial = namedHostTensors(model.init(0));
  const names = initial.map(([name]) => name);
  const weights = initial.map(([, { data, shape }]) => tf.tensor(data, [...shape]) as tf.Tensor);
  const HEAD = names.indexOf('linear.weight');
  const tokens = tokenBatch(Int32Array.of(0, 5, 1, 6, 2, 5, 3, 6, 4, 5, 0, 6), 4, 7);
  const treeOf = (tensors: readonly tf.Tensor[]) =>
    treeOfNames(names.map((name, i) => [name, tensors[i] as tf.Tensor] as const)) as Params;
  const [plain, ordered] = tf.tidy(() => {
    const logits = model.forward(treeOf(weights), tokens).arraySync();
    return [
      logits,
      logits.map((row) =>
        row.map((_, label) => label).sort((a, b) => (row[b] as number) - (row[a] as number)),
      ),
    ];
  });

  /** Loss, its gradient at the last block's output and the model's logits, the head being larger by a factor. */
  const run = async (factor: number, labels: readonly number[]) => {
    const scaled = weights.map((w, i) => (i === HEAD ? tf.mul(w, factor) : w));
    const [loss, logits, hidden, headGrad] = await device.run((inputs) => {
      const oneHot = tf.cast(tf.oneHot(tf.tensor1d([...labels], 'int32'), 7), 'float32') as tf.Tensor2D;
      const { value, grads } = valueAndGrads(
        (p) => crossEntropy(model.forward(p, tokens), oneHot),
        treeOf(inputs),
      );
      let last: tf.Tensor | undefined;
      const observe = (_: string, activation: tf.Tensor) => {
        last = activation;
      };
      const result = model.forward(treeOf(inputs), tokens, { observe });
      return [
        value,
        result,
        last as unknown as tf.Tensor,
        new Map(namedTensors(grads)).get('linear.weight') as tf.Tensor,
      ];
    }, scaled);
    const rows = plain.map((_, i) => [...(logits as Float32Array).subarray(7 * i, 7 * i + 7)]);
    const exact = reference(rows, [...labels]);
    // d loss/d head = (d loss/d logits)ᵀ · what the last block gave
    const entry = (numbers: ArrayLike<number>, i: number) => numbers[i] as number;
    const head = Array.from({ length: 7 * 8 }, (_, i) =>
      rows.reduce((sum, _row, row) => {
        const perLogit = entry(exact.grad, 7 * row + Math.floor(i / 8));
        return sum + perLogit * entry(hidden as Float32Array, 8 * row + (i % 8));
      }, 0),
    );
    return { loss: loss?.[0] as number, exact: exact.loss, headGrad: headGrad as Float32Array, head };
  };

  it('is right to 1 % at a true loss of 1e-9, value and gradient', async () => {
    const labels = ordered.map((row) => row[0] as number);
    const lossAt = (factor: number) =>
      reference(
        plain.map((row) => row.map((l) => factor * l)),
        labels,
      ).loss;
    // The head's factor at which the true loss is 1e-9, by bisection.
    let [low, high] = [1, 1e6];
    while (high / low > 1 + 1e-6) {
      const middle = Math.sqrt(low * high);
      if (lossAt(middle) > 1e-9) low = middle;
      else high = middle;
    }
    const { loss, exact, headGrad, head } = await run(high, labels);
    expect(Math.abs(exact / 1e-9 - 1)).toBeLessThan(0.01);
    expect(Math.abs(loss / exact - 1)).toBeLessThan(0.01);
    expect(headGrad).toMatchReference(head, 0.01);
  });

  it.each([-3e5, -1e3, 120])('is finite and right at a margin of %d', async (margin) => {
    // The best class is the label where the margin is positive, the worst where it is negative.
    const labels = ordered.map((row) => row.at(margin > 0 ? 0 : -1) as number);
    const label = labels[0] as number;
    const rival = Math.max(...(plain[0] as number[]).filter((_, j) => j !== label));
    const factor = margin / ((plain[0]?.[label] as number) - rival);
    const { loss, exact, headGrad, head } = await run(factor, labels);
    // Beyond a margin of 87 the loss is one of float32's subnormal numbers, which have fewer digits.
    const tolerance = margin > 87 ? 0.01 : 1e-5;
    expect([loss]).toMatchReference([exact], tolerance);
    expect(headGrad).toMatchReference(head, 10 * tolerance);
  });
});
