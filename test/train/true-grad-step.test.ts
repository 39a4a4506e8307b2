import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type HostTree, isTensor, mapTree, minibatch, Program } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, type Params, toTensors } from '../../lib/models/params';
import { createModel } from '../../lib/models/registry';
import { tokenBatch } from '../../lib/models/rows';
import { weightNoise } from '../../lib/models/weight-noise';
import type { Transform } from '../../lib/optim';
import { namedHostTensors, type TrainState } from '../../lib/train/state';
import { METRICS, makeStep, type StepParts, scheduleOf } from '../../lib/train/step';
import { meanOfSquares } from '../support/squares';

const CLASSES = 5;
const EQUALS = 5;
const model = createModel({
  model: 'gpt',
  vocabulary: 6,
  sequenceLength: 3,
  classes: CLASSES,
  dModel: 8,
  heads: 2,
  dFF: 8,
  layers: 1,
});
const pairs = Array.from({ length: 12 }, (_, i) => [(i * 3) % 5, (i * i + 1) % 5] as const);
const tokensOf = (rows: readonly (readonly [number, number])[]) =>
  tokenBatch(Int32Array.from(rows.flatMap(([a, b]) => [a, b, EQUALS])), 3, 6);
const targets = Int32Array.from(pairs, ([a, b]) => (a + b) % CLASSES);
const all = { tokens: tokensOf(pairs), targets };

/** Puts the squares in place of the parameters, or −1 where it is given none. */
const asParameters: Transform = {
  init: () => ({}),
  update: (gradients, state, { params, squares }) => {
    const found = new Map(squares === undefined ? [] : namedTensors(squares));
    const updates = mapTree<tf.Tensor, tf.Tensor>(params, isTensor, (parameter, name) =>
      tf.sub(found.get(name) ?? tf.fill(parameter.shape, -1), parameter),
    );
    return { updates: updates as typeof gradients, state };
  },
};

const seed = 4;
const start: TrainState = {
  params: model.init(1),
  optimizer: {},
  step: { dtype: 'int32', shape: [], data: Int32Array.of(2) },
  schedule: scheduleOf(1, -1),
};
const stepOf = (options: Partial<StepParts>) =>
  makeStep({
    forward: model.forward,
    classes: CLASSES,
    train: all,
    validation: all,
    optimizer: asParameters,
    seed,
    ...options,
  });

/** What a step that puts squares in place of parameters leaves, and reports. */
async function compiled(options: Partial<StepParts>) {
  const program = await Program.compile(onnxRuntimeNode, stepOf(options), start, { threads: 1 });
  try {
    const { state, metrics } = await program.run(program.put(start), { steps: 1 });
    const { params } = await program.get(state);
    const of = (name: string) => metrics[name]?.data[0];
    return { squares: new Map(namedHostTensors(params)), metric: of };
  } finally {
    await program.release();
  }
}

/** (1/B)·Σ gᵢ² over some of the rows, one gradient a row. */
function oneByOne(params: Params, chosen: readonly number[]): Map<string, tf.Tensor> {
  const loss = (example: number, p: Params) => {
    const row = chosen[example] as number;
    const tokens = tokensOf([pairs[row] as readonly [number, number]]);
    const label = tf.cast(tf.oneHot(tf.tensor1d([targets[row] as number], 'int32'), CLASSES), 'float32');
    return crossEntropy(model.forward(p, tokens), label as tf.Tensor2D);
  };
  return meanOfSquares(loss, params, chosen.length);
}

describe('a training step with squares', () => {
  it('gives its optimiser those of all rows, and shares the forward pass with the evaluation', async () => {
    const { squares, metric } = await compiled({ trueGrad: 'exact' });
    for (const [name, expected] of oneByOne(toTensors(start.params), [...pairs.keys()])) {
      expect(squares.get(name)?.data, name).toMatchReference(expected.dataSync(), 1e-4);
    }
    expect(metric(METRICS.evaluatedTrainLoss)).toBe(metric(METRICS.trainLoss));
  });

  it('gives it those of a minibatch at the parameters with their noise', async () => {
    const step = tf.scalar(2, 'int32');
    const noise = { std: 0.1, seed, step };
    const chosen = minibatch(pairs.length, 5, { seed, purpose: 'batch', step });
    const noisy = weightNoise(toTensors(start.params), noise);
    const { squares } = await compiled({ trueGrad: 'exact', batchSize: 5, weightNoise: 0.1 });
    for (const [name, expected] of oneByOne(noisy, [...chosen.dataSync()])) {
      expect(squares.get(name)?.data, name).toMatchReference(expected.dataSync(), 1e-4);
    }
  });

  it('gives the same run eagerly, and leaves nothing behind', async () => {
    const { squares } = await compiled({ trueGrad: 'token' });
    const state = toTensors(start as HostTree) as TrainState<tf.Tensor>;
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const { state: next } = stepOf({ trueGrad: 'token' })(state);
      for (const [name, tensor] of namedTensors((next as TrainState<tf.Tensor>).params)) {
        expect(tensor.dataSync(), name).toMatchReference(squares.get(name)?.data as Float32Array, 1e-4);
      }
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('gives none where none are asked for', async () => {
    const { squares } = await compiled({});
    for (const { data } of squares.values())
      expect(data).toMatchReference(new Float32Array(data.length).fill(-1), 1e-6);
  });
});
