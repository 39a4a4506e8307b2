import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compileFunction, randomNormal } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { ArgumentError } from '../../lib/errors';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { weightNoise } from '../../lib/models/weight-noise';
import {
  adam,
  adamw,
  addDecayedWeights,
  addNoise,
  applyUpdates,
  chain,
  checkOptimizerOptions,
  linearSchedule,
  OPTIMIZERS,
  type OptimizerName,
  type OptimizerOptions,
  scale,
  scaleByAdam,
  type Transform,
} from '../../lib/optim';
import { DEVICES } from '../support/devices';
import { messageOf } from '../support/one-line';
import '../support/matchers';

const BASE: OptimizerOptions = { learningRate: 0.1, weightDecay: 0.5, betas: [0.9, 0.98] };
const START = [1, -2, 3];
const GRADIENT = [0.3, -1, 2];

/** The parameter after each of some updates, all with the same gradient. */
function trajectory(optimizer: Transform, steps: number, gradient = GRADIENT, start = START): number[][] {
  return tf.tidy(() => {
    let params: Params = { w: tf.tensor1d(start) };
    let state = optimizer.init({ w: tf.tensor1d(START) });
    return Array.from({ length: steps }, (_, step) => {
      const context = { params, step: tf.scalar(step, 'int32') };
      const result = optimizer.update({ w: tf.tensor1d(gradient) }, state, context);
      params = applyUpdates(params, result.updates);
      state = result.state;
      return [...((params as { w: tf.Tensor }).w.dataSync() as Float32Array)];
    });
  });
}

describe.each(['adamw', 'adam'] as const)('%s', (name) => {
  const make = OPTIMIZERS[name];
  /** What it was before it had options: its three links. */
  const plain: Transform =
    name === 'adamw'
      ? chain(scaleByAdam(), addDecayedWeights(0.5), scale(-0.1))
      : chain(addDecayedWeights(0.5), scaleByAdam(), scale(-0.1));

  it('without the newer options, or with what they are by default, gives the same bits and keeps the same state', async () => {
    const oneStep = (optimizer: Transform) => (inputs: tf.Tensor[]) => {
      const params = { w: inputs[0] as tf.Tensor };
      const { updates, state } = optimizer.update({ w: inputs[1] as tf.Tensor }, optimizer.init(params), {
        params,
        step: tf.scalar(3, 'int32'),
      });
      return [...namedTensors(updates), ...namedTensors(state)].map(([, tensor]) => tensor);
    };
    const examples = [START, GRADIENT].map((data) => ({
      dtype: 'float32' as const,
      shape: [3],
      data: Float32Array.from(data),
    }));
    const outputsOf = async (optimizer: Transform) => {
      const compiled = await compileFunction(onnxRuntimeNode, oneStep(optimizer), examples, { threads: 1 });
      const outputs = (await compiled.run(examples)).map(({ data }) => [...data]);
      await compiled.release();
      return outputs;
    };
    const defaults = { ...BASE, warmup: 0, decayTo: 'zero', gradientNoise: 0, seed: 7 } as const;
    const expected = await outputsOf(plain);
    expect(await outputsOf(make(BASE))).toEqual(expected);
    expect(await outputsOf(make(defaults))).toEqual(expected);
    const names = (optimizer: Transform) =>
      namedTensors(optimizer.init({ w: tf.tensor1d(START) })).map(([path]) => path);
    expect(names(make(defaults))).toEqual(names(plain));
  });

  it('warms up: nothing at the first update, then a tenth more of the rate each time, then all of it', () => {
    // Without decay Adam's direction is 1 for a constant gradient: each update is the learning rate itself.
    const options = { ...BASE, weightDecay: 0, eps: 0 };
    const values = [START, ...trajectory(make({ ...options, warmup: 10 }), 13)];
    const updates = values.slice(1).map((w, i) => (values[i]?.[2] as number) - (w[2] as number));
    const expected = Array.from({ length: 13 }, (_, step) => 0.1 * Math.min(1, step / 10));
    expect(updates).toMatchReference(expected, 1e-4);
    expect(updates[0]).toBe(0);
  });

  it('takes a schedule for its rate, which begins when the warm-up is over', () => {
    const options = { ...BASE, weightDecay: 0, eps: 0 };
    const learningRate = linearSchedule({ from: 0.1, to: 0, steps: 10 });
    const values = [START, ...trajectory(make({ ...options, learningRate, warmup: 2 }), 6)];
    const updates = values.slice(1).map((w, i) => (values[i]?.[2] as number) - (w[2] as number));
    expect(updates).toMatchReference([0, 0.05, 0.1, 0.09, 0.08, 0.07], 1e-4);
  });
});

describe('weight decay towards the initial parameters', () => {
  it('decoupled, with no gradient: the distance to them shrinks by 1 − lr·decay in every step', () => {
    const steps = 6;
    const start = [4, -2, -1];
    const end = trajectory(adamw({ ...BASE, decayTo: 'init' }), steps, [0, 0, 0], start).at(-1) as number[];
    const shrunk = (1 - 0.1 * 0.5) ** steps;
    expect(end).toMatchReference(
      START.map((initial, i) => initial + shrunk * ((start[i] as number) - initial)),
      1e-6,
    );
  });

  it('coupled: the gradient has decay·(w − initial) added before Adam rescales it', () => {
    const decayed = trajectory(adam({ ...BASE, decayTo: 'init' }), 1, GRADIENT, [4, -2, -1]);
    const added = GRADIENT.map((g, i) => g + 0.5 * (([4, -2, -1][i] as number) - (START[i] as number)));
    expect(decayed).toEqual(trajectory(adam({ ...BASE, weightDecay: 0 }), 1, added, [4, -2, -1]));
  });

  it('leaves the initial parameters themselves where they are, and keeps them in its state', () => {
    expect(trajectory(adamw({ ...BASE, decayTo: 'init' }), 2, [0, 0, 0])).toEqual([START, START]);
    const state = addDecayedWeights(0.5, { towards: 'init' }).init({ w: tf.tensor1d(START) });
    expect(namedTensors(state).map(([path, t]) => [path, [...t.dataSync()]])).toEqual([['initial.w', START]]);
  });
});

describe.each(DEVICES)('noise on $name', (device) => {
  const noiseOf = (purpose: string, step: number) =>
    randomNormal([3], { seed: 5, purpose, step }).dataSync() as Float32Array;

  it('of the gradient: added to the direction, so that the learning rate scales it; new at each step', async () => {
    for (const step of [0, 4]) {
      const [noisy] = await device.run(
        ([u]) => {
          const updates = { a: { w: u as tf.Tensor } };
          const noise = chain(addNoise({ std: 0.2, seed: 5 }), scale(-0.1));
          const context = { params: updates, step: tf.scalar(step, 'int32') };
          const result = noise.update(updates, noise.init(updates), context);
          return [result.updates.a.w];
        },
        [tf.tensor1d(GRADIENT)],
      );
      const noise = noiseOf('gradient-noise/a.w', step);
      expect(noisy).toMatchReference(
        GRADIENT.map((g, i) => -0.1 * (g + 0.2 * (noise[i] as number))),
        1e-5,
      );
    }
  });

  it('of the weights: in the forward pass alone, the gradient passing straight through', async () => {
    const [value, grad] = await device.run(
      ([w]) => {
        const step = tf.scalar(2, 'int32');
        const { value, grads } = valueAndGrads(
          (p) => tf.sum(tf.square(weightNoise(p, { std: 0.01, seed: 5, step }).w)),
          { w: w as tf.Tensor },
        );
        return [value, grads.w];
      },
      [tf.tensor1d(START)],
    );
    const noise = noiseOf('weight-noise/w', 2);
    const noisy = START.map((w, i) => w + 0.01 * (noise[i] as number));
    expect(value).toMatchReference([noisy.reduce((sum, w) => sum + w * w, 0)], 1e-5);
    expect(grad).toMatchReference(
      noisy.map((w) => 2 * w),
      1e-5,
    );
  });
});

describe('no noise', () => {
  it('changes nothing', () => {
    const params = { w: tf.tensor1d(START) };
    const step = tf.scalar(0, 'int32');
    expect(weightNoise(params, { std: 0, seed: 1, step })).toBe(params);
    expect(addNoise({ std: 0, seed: 1 }).update(params, {}, { params, step }).updates).toBe(params);
  });
});

describe('noise in an optimiser', () => {
  it.each(['adamw', 'adam'] as OptimizerName[])('%s: after Adam’s rescaling, before the rate', (name) => {
    const options = { ...BASE, weightDecay: 0 };
    const [quiet] = trajectory(OPTIMIZERS[name](options), 1) as [number[]];
    const [noisy] = trajectory(OPTIMIZERS[name]({ ...options, gradientNoise: 1, seed: 5 }), 1) as [number[]];
    const noise = randomNormal([3], { seed: 5, purpose: 'gradient-noise/w', step: 0 }).dataSync();
    expect(noisy.map((w, i) => w - (quiet[i] as number))).toMatchReference(
      [...noise].map((e) => -0.1 * e),
      1e-5,
    );
  });
});

describe('weight decay on some parameters', () => {
  const params = { a: tf.tensor1d([1, 2]), b: { c: tf.tensor1d([4]) } };
  const zeros = { a: tf.tensor1d([0, 0]), b: { c: tf.tensor1d([0]) } };
  const step = tf.scalar(0, 'int32');
  const updatesOf = (link: Transform, state: Params) =>
    namedTensors(link.update(zeros, state, { params, step }).updates).map(([, update]) => [
      ...update.dataSync(),
    ]);

  it.each(['zero', 'init'] as const)('leaves the others alone, towards %s', (towards) => {
    const link = addDecayedWeights(0.5, { towards, decays: (name) => name === 'b.c' });
    expect(updatesOf(link, link.init(zeros))).toEqual([[0, 0], [2]]);
  });

  it.each(['adamw', 'adam'] as const)('in %s', (name) => {
    const optimizer = OPTIMIZERS[name]({ ...BASE, decays: (path) => path === 'a' });
    const [a, c] = updatesOf(optimizer, optimizer.init(params));
    expect(a?.every((update) => update < 0)).toBe(true);
    expect(c).toEqual([0].map((zero) => expect.closeTo(zero, 12)));
  });
});

describe('options out of range are refused in one line', () => {
  it.each([
    [{ warmup: -1 }, 'warmup is -1'],
    [{ warmup: 1.5 }, 'warmup is 1.5'],
    [{ decayTo: 'one' as never }, "decayTo is 'one'"],
    [{ gradientNoise: -0.1 }, 'gradientNoise is -0.1'],
    [{ gradientNoise: Number.NaN }, 'gradientNoise is NaN'],
    [{ seed: 0.5 }, 'seed is 0.5'],
    [{ eps: -1 }, 'eps is -1'],
    [{ learningRate: '1e-3' as never }, "learningRate is '1e-3'"],
  ])('%j', (option, part) => {
    expect(messageOf(ArgumentError, () => adamw({ ...BASE, ...option }))).toContain(part);
  });

  it('by the names that the asker gives', () => {
    const message = messageOf(ArgumentError, () =>
      checkOptimizerOptions({ ...BASE, gradientNoise: -1 }, { gradientNoise: 'gradient-noise' }),
    );
    expect(message).toContain('gradient-noise is -1');
  });

  it('a target that weight decay does not have', () => {
    expect(messageOf(ArgumentError, () => addDecayedWeights(1, { towards: 'one' as never }))).toContain(
      "towards is 'one'",
    );
  });
});
