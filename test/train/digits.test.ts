import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isHostTensor, mapTree, withBackend } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { randomStream } from '../../lib/data/random';
import { ArgumentError } from '../../lib/errors';
import { convNet } from '../../lib/models/conv-net';
import { mlp } from '../../lib/models/mlp';
import { adamw, tgAdamW } from '../../lib/optim';
import { type DigitsTrainer, openDigitsTrainer, selectImages } from '../../lib/train/digits';
import { type DigitsState, type DigitsStepParts, makeDigitsStep } from '../../lib/train/digits-step';
import { toHostTree } from '../../lib/train/state';
import { rejectionOf } from '../support/one-line';

const SIDE = 6;

/** Images whose class is the half that is bright: left, right or none. */
function halves(rows: number, purpose: string) {
  const stream = randomStream(0, purpose);
  const labels = Int32Array.from({ length: rows }, (_, row) => row % 3);
  const images = Float32Array.from({ length: rows * SIDE * SIDE }, (_, i) => {
    const [row, column] = [Math.floor(i / SIDE ** 2), i % SIDE];
    const bright = labels[row] === (column < SIDE / 2 ? 0 : 1);
    return 0.3 * stream.uniform() + (bright ? 0.6 : 0);
  });
  return { images, labels };
}

const parts = (given: Partial<DigitsStepParts> = {}): DigitsStepParts => ({
  model: mlp({ inputs: SIDE ** 2, hidden: 12, classes: 3 }),
  optimizer: adamw({ learningRate: 1, weightDecay: 0.01, betas: [0.9, 0.99] }),
  train: halves(60, 'train'),
  validation: halves(30, 'validation'),
  batchSize: 12,
  evalEvery: 10,
  ...given,
});

const trueGrad = {
  optimizer: tgAdamW({ learningRate: 1, weightDecay: 0.01, graft: false }),
  trueGrad: 'exact',
} as const;
const open = (given: Partial<DigitsStepParts> = {}) =>
  openDigitsTrainer(onnxRuntimeNode, parts(given), { threads: 1 });

describe('a run', () => {
  const opened: DigitsTrainer[] = [];
  let plain: DigitsTrainer;
  beforeAll(async () => {
    plain = await open();
    opened.push(plain);
  });
  afterAll(async () => {
    for (const trainer of opened) await trainer.release();
  });

  it('learns what can be told apart, with Adam and with TrueGrad, MLP and conv net', async () => {
    const model = convNet({ side: SIDE, channels: [2, 4], classes: 3 });
    const others = [await open(trueGrad), await open({ ...trueGrad, model })];
    opened.push(...others);
    for (const trainer of [plain, ...others]) {
      const history = await trainer.run({ seed: 1, learningRate: 0.03, steps: 100 });
      expect(history.map(({ epoch }) => epoch)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
      expect(history[0]?.validationAccuracy).toBeLessThan(0.7);
      expect(history.at(-1)?.validationAccuracy).toBe(1);
      expect(history.at(-1)?.trainAccuracy).toBeGreaterThan(0.95);
      expect(history.at(-1)?.trainLoss).toBeLessThan(history[0]?.trainLoss as number);
    }
  });

  it('is a function of seed and learning rate', async () => {
    const options = { seed: 1, learningRate: 0.01, steps: 20 };
    const once = await plain.run(options);
    expect(await plain.run(options)).toEqual(once);
    const losses = (history: typeof once) => history.map(({ validationLoss }) => validationLoss);
    const other = losses(await plain.run({ ...options, seed: 2 }));
    expect(other[0]).not.toBe(losses(once)[0]);
    const faster = losses(await plain.run({ ...options, learningRate: 0.02 }));
    expect(faster[0]).toBe(losses(once)[0]);
    expect(faster[1]).not.toBe(losses(once)[1]);
  });

  it('evaluates the very parameters after the updates that it says, and averages its minibatches', async () => {
    const history = await plain.run({ seed: 4, learningRate: 0.01, steps: 10 });
    const eager = eagerly(parts(), { seed: 4, learningRate: 0.01, steps: 11 });
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [first, last] = history;
    expect(first?.trainLoss).toBeCloseTo(eager.trainLoss[0] as number, 5);
    expect(first?.validationLoss).toBeCloseTo(eager.validationLoss[0] as number, 5);
    expect(last?.trainLoss).toBeCloseTo(mean(eager.trainLoss.slice(0, 10)), 5);
    expect(last?.trainAccuracy).toBeCloseTo(mean(eager.trainAccuracy.slice(0, 10)), 5);
    expect(last?.validationLoss).toBeCloseTo(eager.validationLoss[10] as number, 5);
    expect(eager.validationLoss.slice(1, 10).every(Number.isNaN)).toBe(true);
    expect(eager.leaked).toBe(0);
  });

  it('goes on to its end where its numbers become infinite', async () => {
    const history = await plain.run({ seed: 1, learningRate: 1e30, steps: 20 });
    expect(history).toHaveLength(3);
    expect(Number.isFinite(history.at(-1)?.validationLoss)).toBe(false);
  });

  it.each([
    [{ seed: 1.5 }, 'seed is 1.5'],
    [{ learningRate: 0 }, 'learningRate is 0'],
    [{ steps: 25 }, 'give 30'],
    [{ steps: 0 }, 'steps is 0'],
  ])('refuses %o in one line', async (wrong, part) => {
    const promise = plain.run({ seed: 1, learningRate: 0.01, steps: 20, ...wrong });
    expect(await rejectionOf(ArgumentError, promise)).toContain(part);
  });
});

describe('openDigitsTrainer', () => {
  const { images, labels } = halves(30, 'validation');
  it.each([
    [{ batchSize: 61 }, 'batchSize is 61, expected a whole number from 1 to 60'],
    [{ evalEvery: 2.5 }, 'evalEvery is 2.5'],
    [{ validation: { images: images.subarray(1), labels } }, 'validation has 1079 pixels for 30 labels'],
    [{ train: { images: new Float32Array(0), labels: new Int32Array(0) } }, 'train has 0 pixels'],
    [{ validation: { images, labels: labels.map((label) => label + 1) } }, 'label 3 of row 2 of validation'],
  ])('refuses what does not fit in one line, case %#', async (wrong, part) => {
    expect(await rejectionOf(ArgumentError, open(wrong))).toContain(part);
  });
});

describe('selectImages', () => {
  it('takes rows in the order asked for', () => {
    const given = { images: Float32Array.of(0, 1, 2, 3, 4, 5), labels: Int32Array.of(7, 8, 9) };
    expect(selectImages(given, Int32Array.of(2, 0))).toEqual({
      images: Float32Array.of(4, 5, 0, 1),
      labels: Int32Array.of(9, 7),
    });
  });
});

/** The metrics of the first steps of tfjs by itself, and how many tensors it keeps beyond its state. */
function eagerly(given: DigitsStepParts, run: { seed: number; learningRate: number; steps: number }) {
  const params = given.model.init(run.seed);
  const int32 = (value: number) => ({ dtype: 'int32' as const, shape: [], data: Int32Array.of(value) });
  const initial: DigitsState = {
    params,
    optimizer: toHostTree((tensors) => given.optimizer.init(tensors), params),
    step: int32(0),
    seed: int32(run.seed),
    learningRate: { dtype: 'float32', shape: [], data: Float32Array.of(run.learningRate) },
  };
  const metrics = { trainLoss: [], trainAccuracy: [], validationLoss: [] } as Record<string, number[]>;
  let leaked = Number.NaN;
  withBackend('cpu', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const step = makeDigitsStep(given);
      let state = mapTree(initial, isHostTensor, ({ data, shape, dtype }) =>
        tf.tensor(data, [...shape], dtype),
      );
      for (let i = 0; i < run.steps; i++) {
        const result = step(state as never);
        for (const [name, values] of Object.entries(metrics)) {
          values.push((result.metrics[name] as tf.Tensor).dataSync()[0] as number);
        }
        state = result.state as never;
      }
    });
    leaked = tf.memory().numTensors - before;
  });
  return { ...metrics, leaked } as {
    trainLoss: number[];
    trainAccuracy: number[];
    validationLoss: number[];
    leaked: number;
  };
}
