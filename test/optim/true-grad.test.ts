import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { type HostTree, isHostTensor, leavesOf, Program, type Step } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { ArgumentError } from '../../lib/errors';
import { treeOfNames } from '../../lib/models/initialize';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, type Params } from '../../lib/models/params';
import { type Uses, valueGradsAndSquares } from '../../lib/models/true-grad';
import {
  adamw,
  applyUpdates,
  checkOptimizerOptions,
  linearSchedule,
  OPTIMIZERS,
  scaleByTrueGradAdam,
  scaleByTrueGradLaProp,
  scaleByTrueGradRms,
  type Transform,
  type TrueGradOptimizerOptions,
  tgAdamW,
  tgLaProp,
  tgRmsProp,
} from '../../lib/optim';
import { toHostTree } from '../../lib/train/state';
import { DEVICES } from '../support/devices';
import { messageOf } from '../support/one-line';
import { openOracle } from '../support/oracle';
import '../support/matchers';

/** A program of precision float64 has constants such as a decay rate of 0.9 as float32 has them. */
const ROUNDED_CONSTANTS = 1e-7;

const TRUE_GRAD = { tgAdamW, tgLaProp, tgRmsProp };
const BASE: TrueGradOptimizerOptions = { learningRate: 0.1, weightDecay: 0.5 };

describe('ten steps as truegrad 5.0.0 makes them, in float64', () => {
  const oracle = openOracle('e_truegrad');
  const options = { learningRate: 1e-2, weightDecay: 1e-2, decayAsReleased: true } as const;
  const RUNS: Readonly<Record<string, Transform>> = {
    default: tgAdamW(options),
    nograft: tgAdamW({ ...options, graft: false }),
    graft_nowd: tgAdamW({ ...options, weightDecay: 0 }),
    nograft_nowd: tgAdamW({ ...options, weightDecay: 0, graft: false }),
    betas_seed1: tgAdamW({ ...options, betas: [0.9, 0.98] }),
  };
  const programs: { release(): Promise<void> }[] = [];
  afterAll(() => Promise.all(programs.map((program) => program.release())));

  it.each([
    ['linear', ['0'], 4],
    ['mlp', ['0', '2'], 3],
    ['seq', ['0'], 4],
  ] as const)('%s', async (name, layers, classes) => {
    // In PyTorch's order, which the package's decay depends on.
    const weights = layers.flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);
    const shape = oracle.shape(`${name}.x`);
    const [examples, places] = [shape[0] as number, shape.length === 2 ? 1 : (shape[1] as number)];
    const labels = oracle.integers(`${name}.y`);
    const loss = (params: Params, uses: Uses, inputs: tf.Tensor) => {
      const losses = Array.from({ length: places }, (_, t) => {
        const at = tf.slice(tf.reshape(inputs, [examples, places, -1]), [0, t, 0], [-1, 1, -1]);
        let h: tf.Tensor2D = tf.reshape(at, [examples, -1]);
        layers.forEach((layer, i) => {
          const { weight, bias } = (params as Record<string, { weight: tf.Tensor2D; bias: tf.Tensor1D }>)[
            layer
          ] as { weight: tf.Tensor2D; bias: tf.Tensor1D };
          const y: tf.Tensor2D = tf.matMul(h, weight, false, true);
          h = uses.linear(`${layer}.weight`, h, y, { transposed: true });
          h = uses.bias(`${layer}.bias`, tf.add(h, bias));
          if (i < layers.length - 1) h = tf.relu(h);
        });
        const own = labels.filter((_label, i) => i % places === t);
        return crossEntropy(
          h,
          tf.cast(tf.oneHot(tf.tensor1d(own, 'int32'), classes), 'float32') as tf.Tensor2D,
        );
      });
      return tf.mean(tf.stack(losses));
    };
    type Runs = Record<string, { params: Params; optimizer: Params }>;
    const step = ((state: { x: tf.Tensor; step: tf.Tensor; runs: Runs }) => {
      const metrics: Record<string, tf.Tensor> = {};
      const runs: Runs = {};
      for (const [run, { params, optimizer }] of Object.entries(state.runs)) {
        const { value, grads, squares } = valueGradsAndSquares((p, u) => loss(p, u, state.x), params, {
          examples,
          form: 'released',
        });
        const context = { params, step: state.step, squares };
        const result = (RUNS[run] as Transform).update(grads, optimizer, context);
        metrics[run] = value;
        runs[run] = { params: applyUpdates(params, result.updates), optimizer: result.state };
      }
      return { state: { ...state, runs, step: tf.add(state.step, tf.scalar(1, 'int32')) }, metrics };
    }) as unknown as Step;
    const moments = (optimizer: Transform) =>
      toHostTree(
        (tensors) => optimizer.init(tensors),
        treeOfNames(
          weights.map((weight) => {
            const shape = oracle.shape(`${name}.w.${weight}`);
            const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
            return [weight, { dtype: 'float32' as const, shape, data }] as const;
          }),
        ),
      );
    const stateOf = (Numbers: typeof Float32Array | typeof Float64Array) => {
      const given = (key: string) => ({
        dtype: 'float32' as const,
        shape: oracle.shape(key),
        data: Numbers.from(oracle.numbers(key)) as Float32Array,
      });
      const params = treeOfNames(weights.map((weight) => [weight, given(`${name}.w.${weight}`)] as const));
      const runs = Object.entries(RUNS).map(([run, optimizer]) => [
        run,
        { params, optimizer: moments(optimizer) },
      ]);
      return {
        x: given(`${name}.x`),
        step: { dtype: 'int32' as const, shape: [], data: Int32Array.of(0) },
        runs: Object.fromEntries(runs) as HostTree,
      };
    };
    const options = { precision: 'float64', threads: 1 } as const;
    const program = await Program.compile(onnxRuntimeNode, step, stateOf(Float32Array), options);
    programs.push(program);
    const { state: after, metrics } = await program.run(program.put(stateOf(Float64Array)), { steps: 10 });
    const end = new Map(leavesOf((await program.get(after)) as HostTree, isHostTensor));
    for (const run of Object.keys(RUNS)) {
      const losses = Array.from(oracle.numbers(`${name}.traj.${run}.loss`)).slice(0, 10);
      expect(metrics[run]?.data, run).toMatchReference(losses, ROUNDED_CONSTANTS);
      for (const weight of weights) {
        const expected = oracle.numbers(`${name}.traj.${run}.final.${weight}`);
        const key = `runs.${run}.params.${weight}`;
        expect(end.get(key)?.data, key).toMatchReference(expected, ROUNDED_CONSTANTS);
      }
    }
  });
});

/** A few gradients and squares of two tensors, of sizes that floors, lengths and decay rates all tell apart. */
const STEPS = 3;
const given = (seed: number, size: number) =>
  Array.from({ length: STEPS }, (_, t) =>
    Array.from({ length: size }, (_x, i) => Math.sin(1.3 * i + 7.7 * t + seed) * (i === 0 ? 1e-2 : 1)),
  );
const GRADIENTS = { a: given(1, 4), b: given(2, 3) };
const SQUARES = {
  a: given(3, 4).map((row) => row.map((x) => x * x)),
  b: given(4, 3).map((row) => row.map((x) => 9 * x * x)),
};

interface Rates {
  readonly beta1: number;
  readonly beta2: number;
  readonly beta3: number;
  readonly eps: number;
  readonly graft: boolean;
}

/** The package's rules in plain numbers: a tensor's direction, without the learning rate, after some steps. */
const RULES: Readonly<
  Record<string, (rates: Rates, gradients: number[][], squares: number[][]) => number[]>
> = {
  adam: (rates, gradients, squares) => {
    const mean = emaOf(rates.beta1, gradients);
    const own = quotient(mean, emaOf(rates.beta3, squares), rates.beta3, rates);
    const base = quotient(mean, emaOf(rates.beta2, squared(gradients)), rates.beta2, rates);
    return own.map((u) => (u * graft(rates, own, base)) / (1 - rates.beta1 ** STEPS));
  },
  laprop: (rates, gradients, squares) => {
    const rescaled = (seconds: number[][], beta: number) =>
      gradients.map((g, t) => quotient(g, emaOf(beta, seconds.slice(0, t + 1)), beta, rates, t + 1));
    const own = emaOf(rates.beta1, rescaled(squares, rates.beta3));
    const base = emaOf(rates.beta1, rescaled(squared(gradients), rates.beta2));
    return own.map((u) => (u * graft(rates, own, base)) / (1 - rates.beta1 ** STEPS));
  },
  rms: (rates, gradients, squares) => {
    const g = gradients.at(-1) as number[];
    const own = quotient(g, emaOf(rates.beta3, squares), rates.beta3, rates);
    const base = quotient(g, emaOf(rates.beta2, squared(gradients)), rates.beta2, rates);
    return own.map((u) => u * graft(rates, own, base));
  },
};
const squared = (rows: number[][]) => rows.map((row) => row.map((x) => x * x));
const emaOf = (beta: number, rows: number[][]) =>
  rows.reduce<number[]>((mean, row) => row.map((x, i) => beta * (mean[i] ?? 0) + (1 - beta) * x), []);
const quotient = (x: number[], v: number[], beta: number, { eps }: Rates, t = STEPS) =>
  x.map((value, i) => value / Math.max(Math.sqrt((v[i] as number) / (1 - beta ** t)), eps));
const graft = (rates: Rates, own: number[], base: number[]) =>
  rates.graft ? Math.hypot(...base) / (Math.hypot(...own) + rates.eps) : 1;

const SCALE = { adam: scaleByTrueGradAdam, laprop: scaleByTrueGradLaProp, rms: scaleByTrueGradRms };

describe.each(DEVICES)('on $name', (device) => {
  /** The updates of some steps one after the other; inputs are the gradients and the squares of each. */
  const lastUpdates = (transform: Transform) => (inputs: tf.Tensor[]) => {
    const treeAt = (i: number) => ({ a: inputs[i] as tf.Tensor, b: inputs[i + 1] as tf.Tensor });
    const params = treeAt(0);
    let state = transform.init(params);
    let updates: Params = params;
    for (let t = 0; t < STEPS; t++) {
      const context = { params, step: tf.scalar(t, 'int32'), squares: treeAt(4 * t + 2) };
      ({ updates, state } = transform.update(treeAt(4 * t), state, context));
    }
    return namedTensors(updates).map(([, tensor]) => tensor);
  };
  const inputs = Array.from({ length: STEPS }, (_, t) =>
    [GRADIENTS.a, GRADIENTS.b, SQUARES.a, SQUARES.b].map((rows) => tf.tensor1d(rows[t] as number[])),
  ).flat();

  it.each([
    ['adam', { beta1: 0.9, beta2: 0.8, beta3: 0.95, eps: 0.3 }],
    ['laprop', { beta1: 0.7, beta2: 0.9, beta3: 0.6, eps: 0.3 }],
    ['rms', { beta1: 0, beta2: 0.9, beta3: 0.6, eps: 0.3 }],
  ] as const)('%s follows its rule, with its own length and grafted', async (name, rates) => {
    for (const graft of [false, true]) {
      const results = await device.run(lastUpdates(SCALE[name]({ ...rates, graft })), inputs);
      for (const [i, key] of (['a', 'b'] as const).entries()) {
        const expected = RULES[name]?.({ ...rates, graft }, GRADIENTS[key], SQUARES[key]);
        expect(results[i], `${key}, graft ${graft}`).toMatchReference(expected as number[], 1e-5);
      }
    }
  });

  it('AdamW with an eps floor is tgAdamW without graft but for S, bit for bit', async () => {
    const options = { learningRate: 0.1, weightDecay: 0.5, betas: [0.9, 0.99], eps: 1e-12 } as const;
    const ownSquares = inputs.map((tensor, i) =>
      i % 4 < 2 ? tensor : tf.square(inputs[i - 2] as tf.Tensor),
    );
    const plain = await device.run(lastUpdates(adamw({ ...options, epsMode: 'floor' })), ownSquares);
    const trueGrad = tgAdamW({ ...options, beta3: 0.99, graft: false });
    expect(await device.run(lastUpdates(trueGrad), ownSquares)).toEqual(plain);
    expect(await device.run(lastUpdates(trueGrad), inputs)).not.toEqual(plain);
    expect(await device.run(lastUpdates(adamw({ ...options, eps: 0.3 })), ownSquares)).not.toEqual(plain);
  });

  it.each(Object.entries(TRUE_GRAD))('%s leaves what has no gradient where it is', async (_, make) => {
    const none = inputs.map((tensor, i) => (i % 2 === 0 ? tf.zerosLike(tensor) : tensor));
    for (const graft of [false, true]) {
      const [still, moved] = await device.run(lastUpdates(make({ ...BASE, weightDecay: 0, graft })), none);
      expect([...(still as Float32Array)].map(Math.abs)).toEqual([0, 0, 0, 0]);
      expect([...(moved as Float32Array)].every((x) => Number.isFinite(x) && x !== 0)).toBe(true);
    }
  });
});

/** What is added to the parameters in one step, of which some are given. */
function updateOf(
  optimizer: Transform,
  { step = 0, g = 0.5, s = 4 }: { readonly step?: number; readonly g?: number; readonly s?: number } = {},
) {
  return tf.tidy(() => {
    const tree = (value: number) => ({ a: tf.tensor1d([value, value]), b: { c: tf.scalar(value) } });
    const context = { params: tree(10), step: tf.scalar(step, 'int32'), squares: tree(s) };
    const { updates } = optimizer.update(tree(g), optimizer.init(tree(10)), context);
    return namedTensors(updates).flatMap(([, tensor]) => [...tensor.dataSync()]);
  });
}

describe.each(Object.entries(TRUE_GRAD))('%s', (_, make) => {
  const names = (optimizer: Transform) =>
    namedTensors(optimizer.init({ w: tf.scalar(1) })).map(([name]) => name);

  it('divides by the root of S, or has the length that the squared gradient gives', () => {
    const plain = { ...BASE, weightDecay: 0 };
    expect(updateOf(make({ ...plain, graft: false }))).toMatchReference([-0.025, -0.025, -0.025], 1e-6);
    expect(updateOf(make(plain))).toMatchReference([-0.1, -0.1, -0.1], 1e-6);
  });

  it('makes no long update of tiny gradients, under the least floor neither', () => {
    for (const eps of [undefined, 1e-18]) {
      for (const g of [1e-15, 1e-16, 1e-17, 1e-18, 1e-19, 1e-20]) {
        for (const graft of [true, false]) {
          const options = { learningRate: 1, weightDecay: 0, graft, ...(eps && { eps }) };
          const updates = updateOf(make(options), { g, s: Math.fround(g ** 2) });
          // A mean of squares that is still below what float32 holds leaves the floor, √1000 above the least gradient it holds.
          expect(Math.max(...updates.map(Math.abs)), `${g} ${eps} ${graft}`).toBeLessThan(4);
          expect(
            updates.every((u) => u <= 0),
            `${g} ${eps} ${graft}`,
          ).toBe(true);
        }
      }
    }
  });

  it('decays its parameters once, decoupled', () => {
    expect(updateOf(make(BASE), { g: 0, s: 0 })).toMatchReference([-0.5, -0.5, -0.5], 1e-6);
    const noDecay = updateOf(make({ ...BASE, weightDecay: 0 }));
    expect(updateOf(make(BASE))).toMatchReference(
      noDecay.map((update) => update - 0.5),
      1e-6,
    );
  });

  it('as released, decays once for each tensor, and the updates of those before along', () => {
    const released = { ...BASE, decayAsReleased: true } as const;
    // Two tensors, each shrinks by 0.95: before its update once for every one up to itself.
    const shrunk = 10 * 0.95 ** 2 - 10;
    const [first, , second] = updateOf(make({ ...BASE, weightDecay: 0 })) as [number, number, number];
    const expected = [shrunk + 0.95 * first, shrunk + 0.95 * first, shrunk + second];
    expect(updateOf(make(released))).toMatchReference(expected, 1e-6);
    // At step 5 of a warm-up of 10 the rate is half as large.
    const half = updateOf(make({ ...released, learningRate: 0.05 }), { step: 5 });
    expect(updateOf(make({ ...released, warmup: 10 }), { step: 5 })).toMatchReference(half, 1e-6);
    expect(updateOf(make({ ...released, weightDecay: 0 }))).toMatchReference([first, first, second], 1e-6);
  });

  it('warms up, takes a schedule, and has noise after its rescaling', () => {
    const plain = updateOf(make(BASE), { step: 5 });
    const half = plain.map((update) => update / 2);
    expect(updateOf(make({ ...BASE, warmup: 10 }), { step: 5 })).toMatchReference(half, 1e-6);
    const learningRate = linearSchedule({ from: 0.1, to: 0, steps: 10 });
    expect(updateOf(make({ ...BASE, learningRate }), { step: 5 })).toMatchReference(half, 1e-6);
    const noise = (options: Partial<TrueGradOptimizerOptions>) => {
      const quiet = updateOf(make({ ...BASE, ...options }));
      const noisy = updateOf(make({ ...BASE, ...options, gradientNoise: 1, seed: 3 }));
      return noisy.map((update, i) => update - (quiet[i] as number));
    };
    expect(noise({ eps: 1 })).toMatchReference(noise({}), 1e-5);
    expect(noise({}).every((x) => x !== 0)).toBe(true);
  });

  it('keeps the mean of squared gradients only where it grafts', () => {
    const [kept, own] = [names(make(BASE)), names(make({ ...BASE, graft: false }))];
    expect(own.every((name) => kept.includes(name))).toBe(true);
    expect(own.filter((name) => /second|base/i.test(name))).toEqual([]);
    expect(kept).toContain('0.second.w');
  });

  it('says in one line what is missing where a step forms no squares, or not all', () => {
    const params = { w: tf.scalar(1), v: tf.scalar(2) };
    const optimizer = make(BASE);
    const update = (squares?: Params) => () =>
      optimizer.update(params, optimizer.init(params), {
        params,
        step: tf.scalar(0, 'int32'),
        ...(squares && { squares }),
      });
    const message = messageOf(ArgumentError, update());
    expect(message).toContain('needs context.squares');
    expect(message).toContain("makeStep trueGrad: 'exact'");
    expect(messageOf(ArgumentError, update({ w: tf.scalar(1) }))).toContain("context.squares has no 'v'");
  });
});

describe('options', () => {
  it('have the defaults of the package', () => {
    const explicit = { eps: 1e-12, graft: true, decayAsReleased: false } as const;
    const equal = (one: Transform, other: Transform) => {
      const steps = { step: 4, g: 0.3, s: 0.2 };
      expect(updateOf(one, steps)).toEqual(updateOf(other, steps));
    };
    equal(tgAdamW(BASE), tgAdamW({ ...BASE, ...explicit, betas: [0.9, 0.999], beta3: 0.999 }));
    equal(tgLaProp(BASE), tgLaProp({ ...BASE, ...explicit, betas: [0.9, 0.99], beta3: 0.99 }));
    equal(tgRmsProp(BASE), tgRmsProp({ ...BASE, ...explicit, betas: [0, 0.9], beta3: 0.9 }));
    const ownLength = { ...BASE, graft: false, betas: [0.9, 0.98] } as const;
    equal(tgAdamW(ownLength), tgAdamW({ ...ownLength, beta3: 0.98 }));
  });

  it.each<[TrueGradOptimizerOptions, string]>([
    [{ ...BASE, beta3: 1 }, 'beta3 is 1, expected a number in [0, 1)'],
    [{ ...BASE, beta3: '0.9' as never }, "beta3 is '0.9'"],
    [{ ...BASE, graft: 1 as never }, 'graft is 1, expected true or false'],
    [{ ...BASE, decayAsReleased: 1 as never }, 'decayAsReleased is 1, expected true or false'],
    [{ ...BASE, eps: 0 }, 'eps is 0, expected a number of at least 1e-18'],
    [{ ...BASE, eps: 1e-19 }, 'eps is 1e-19, expected a number of at least 1e-18'],
    [{ ...BASE, epsMode: 'floor' } as never, "epsMode is 'floor', but the optimiser 'tgadamw' has no such"],
    [{ ...BASE, decayAsReleased: true, decayTo: 'init' }, "decayTo is 'init', expected 'zero' with decayAsR"],
    [{ ...BASE, decayAsReleased: true, decays: () => true }, 'expected none with decayAsReleased'],
    [undefined as never, 'the options of the optimiser are undefined'],
  ])('%o are refused in one line', (options, part) => {
    expect(messageOf(ArgumentError, () => tgAdamW(options))).toContain(part);
  });

  it('of the one kind are refused by the other', () => {
    const plain = { ...BASE, betas: [0.9, 0.98] } as const;
    for (const [option, part] of [
      [
        { beta3: 0.9 },
        "beta3 is 0.9, but the optimiser 'adamw' has no such option; leave it out, or take one of tg",
      ],
      [{ graft: false }, 'graft is false, but'],
      [{ decayAsReleased: true }, 'decayAsReleased is true, but'],
      [{ epsMode: 'max' }, "epsMode is 'max', expected 'add' or 'floor'"],
      [{ epsMode: 'floor', eps: 0 }, 'eps is 0, expected a number of at least 1e-18'],
    ] as const) {
      const options = { ...plain, ...option } as never;
      expect(messageOf(ArgumentError, () => adamw(options))).toContain(part);
      expect(messageOf(ArgumentError, () => checkOptimizerOptions(options, {}, 'adamw'))).toContain(part);
    }
    const betas = [0.9, 0.98] as const;
    expect(messageOf(ArgumentError, () => OPTIMIZERS.tgrmsprop({ ...BASE, betas }))).toContain(
      'betas is [0.9, 0.98], expected 0 as the first',
    );
  });
});
