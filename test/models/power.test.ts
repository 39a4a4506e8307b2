import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dropout, type HostTensor } from '../../lib/compile';
import { makeDataset } from '../../lib/data/dataset';
import { ArgumentError } from '../../lib/errors';
import type { PowerModelConfig } from '../../lib/models/config';
import { treeOfNames } from '../../lib/models/initialize';
import { crossEntropy } from '../../lib/models/loss';
import type { ForwardOptions } from '../../lib/models/model';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { sinusoidalEncoding } from '../../lib/models/positional-encoding';
import { powerModel } from '../../lib/models/power';
import { createModel } from '../../lib/models/registry';
import { selectRows, tokenBatch } from '../../lib/models/rows';
import { namedHostTensors } from '../../lib/train/state';
import { DEVICES } from '../support/devices';
import { messageOf } from '../support/one-line';
import { openOracle } from '../support/oracle';

const SMALL: PowerModelConfig = {
  model: 'power',
  vocabulary: 11,
  sequenceLength: 4,
  classes: 11,
  dModel: 8,
  heads: 2,
  dFF: 16,
  layers: 2,
  dropout: 0,
  answers: 1,
};

const tensorOf = ({ data, shape, dtype }: HostTensor): tf.Tensor => tf.tensor(data, [...shape], dtype);

describe.each(DEVICES)('the paper’s model on $name, against float64 PyTorch', (device) => {
  const oracle = openOracle('power');
  it.each([
    { form: 'equation', answers: 1, sequenceLength: 4 },
    { form: 'equation_eos', answers: 2, sequenceLength: 6 },
  ] as const)('$form: logits, loss and the gradient of every parameter', async (form) => {
    const { answers, sequenceLength } = form;
    const model = powerModel({ ...SMALL, sequenceLength, answers });
    const names = [...model.shapes.keys()];
    expect(names.sort()).toEqual(oracle.names('w.').sort());
    const weights = names.map((name) =>
      tf.tensor(Float32Array.from(oracle.numbers(`w.${name}`)), oracle.shape(`w.${name}`)),
    );
    const tokens = oracle.integers(`${form.form}.x`);
    const batch = tokenBatch(tokens, sequenceLength, 11);
    // The oracle's are row-major [rows, answers]; ours answer-major.
    const rows = batch.rows;
    const answerMajor = Array.from(
      { length: answers * rows },
      (_, i) => (i % rows) * answers + Math.floor(i / rows),
    );
    const targets = answerMajor.map((i) => oracle.integers(`${form.form}.y`)[i] as number);
    const [loss, logits, ...grads] = await device.run((inputs) => {
      const params = treeOfNames(names.map((name, i) => [name, inputs[i] as tf.Tensor] as const)) as Params;
      const labels = tf.cast(tf.oneHot(tf.tensor1d(targets, 'int32'), 11), 'float32') as tf.Tensor2D;
      const { value, grads } = valueAndGrads((p) => crossEntropy(model.forward(p, batch), labels), params);
      const gradients = new Map(namedTensors(grads));
      return [value, model.forward(params, batch), ...names.map((name) => gradients.get(name) as tf.Tensor)];
    }, weights);
    expect(loss).toMatchReference(oracle.numbers(`f64.${form.form}.loss`), 1e-5);
    const expected = oracle.numbers(`f64.${form.form}.logits`);
    expect(logits).toMatchReference(
      answerMajor.flatMap((i) => Array.from({ length: 11 }, (_, j) => expected[i * 11 + j] as number)),
      1e-5,
    );
    names.forEach((name, i) => {
      expect(grads[i], name).toMatchReference(oracle.numbers(`f64.${form.form}.grad.${name}`), 1e-5);
    });
  });
});

/** The same model the plain way, for every row and every position; at the answers' positions, answer-major. */
function plainForward(
  { sequenceLength: T, dModel, heads, layers, dropout: rate, answers }: PowerModelConfig,
  params: Params,
  tokens: tf.Tensor2D,
  random?: ForwardOptions['random'],
): tf.Tensor2D {
  const weights = new Map(namedTensors(params));
  const at = (name: string) => weights.get(name) as tf.Tensor;
  const rows = tokens.shape[0];
  const linear = (x: tf.Tensor, name: string) =>
    tf
      .matMul(x.reshape([-1, x.shape.at(-1) as number]), at(`${name}.weight`), false, true)
      .reshape([rows, T, -1]);
  const norm = (x: tf.Tensor, name: string) => {
    const { mean, variance } = tf.moments(x, -1, true);
    return x
      .sub(mean)
      .div(variance.add(1e-5).sqrt())
      .mul(at(`${name}.weight`))
      .add(at(`${name}.bias`));
  };
  const split = (x: tf.Tensor) => x.reshape([rows, T, heads, dModel / heads]).transpose([0, 2, 1, 3]);
  const later = tf.sub(1, tf.linalg.bandPart(tf.ones([T, T]), -1, 0)).mul(-1e9);
  let h: tf.Tensor = tf.gather(at('embedding.weight'), tokens).add(tensorOf(sinusoidalEncoding(T, dModel)));
  for (let layer = 0; layer < layers; layer++) {
    const name = `decoder.blocks.${layer}`;
    const [q, k, v] = ['q', 'k', 'v'].map((m) => split(linear(h, `${name}.self_attn.W${m}`))) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const scores = tf
      .matMul(q, k, false, true)
      .div(Math.sqrt(dModel / heads))
      .add(later);
    const mixed = tf.matMul(tf.softmax(scores), v).transpose([0, 2, 1, 3]).reshape([rows, T, dModel]);
    h = norm(h.add(linear(mixed, `${name}.self_attn.Wo`)), `${name}.self_attn_norm`);
    let change = linear(linear(h, `${name}.ffn.ffn.0`).relu(), `${name}.ffn.ffn.2`);
    if (random !== undefined && rate > 0) {
      const dropped = tf
        .unstack(change, 1)
        .map((x, position) =>
          dropout(x, rate, { ...random, purpose: `dropout/blocks.${layer}.${position}` }),
        );
      change = tf.stack(dropped, 1);
    }
    h = norm(h.add(change), `${name}.ffn_norm`);
  }
  const logits = linear(h, 'linear').slice([0, T - answers, 0]); // [rows, answers, classes]
  return logits.transpose([1, 0, 2]).reshape([answers * rows, -1]);
}

/** Parameters of a model far from its initial ones: norms and matrices all of about 1/2. */
function drawnParams(config: PowerModelConfig, seed: number): Params {
  const model = powerModel(config);
  return treeOfNames(
    namedHostTensors(model.init(seed)).map(([name, tensor], i) => {
      const noise = tf.randomNormal([...tensor.shape], 0, 0.4, 'float32', seed + i);
      return [name, tf.add(tensorOf(tensor), noise) as tf.Tensor] as const;
    }),
  ) as Params;
}

describe('computing only what the answers need', () => {
  const arbitrary = fc.record({
    seed: fc.integer({ min: 0, max: 1e6 }),
    rows: fc.integer({ min: 1, max: 8 }),
    layers: fc.integer({ min: 1, max: 3 }),
    answers: fc.constantFrom(1 as const, 2 as const),
    rate: fc.constantFrom(0, 0.3),
    constants: fc.subarray([0, 1, 2, 3]), // positions with one token throughout, as op and = have
    batch: fc.boolean(),
  });

  it('equals the plain form, logits and gradients: any tokens, minibatches, dropout with the same masks', () => {
    fc.assert(
      fc.property(arbitrary, ({ seed, rows, layers, answers, rate, constants, batch }) => {
        tf.tidy(() => {
          const config = { ...SMALL, layers, answers, dropout: rate };
          const model = powerModel(config);
          const params = drawnParams(config, seed);
          const tokens = Int32Array.from({ length: 4 * rows }, (_, i) =>
            constants.includes(i % 4) ? i % 4 : (seed * 31 + i * 7 + ((seed >> 3) ^ i)) % 5,
          );
          const chosen = tf.tensor1d(
            batch ? [rows - 1, 0, rows >> 1] : tf.range(0, rows).arraySync(),
            'int32',
          );
          const all = tokenBatch(tokens, 4, 11);
          const reduced = batch ? selectRows(all, chosen) : all;
          const plainTokens = tf.gather(tf.tensor2d(tokens, [rows, 4], 'int32'), chosen);
          const options = rate > 0 ? { random: { seed, step: tf.scalar(3, 'int32') } } : {};
          const weights = tf.randomNormal([answers * chosen.size, 11], 0, 1, 'float32', seed);
          const score = (logits: tf.Tensor2D) => tf.sum(tf.mul(logits, weights));
          const ours = valueAndGrads((p) => score(model.forward(p, reduced, options)), params);
          const plain = valueAndGrads(
            (p) => score(plainForward(config, p, plainTokens, options.random)),
            params,
          );
          const logits = model.forward(params, reduced, options);
          expect(logits.shape).toEqual([answers * chosen.size, 11]);
          expect(logits.dataSync()).toMatchReference(
            plainForward(config, params, plainTokens, options.random).dataSync(),
            1e-4,
          );
          const expected = new Map(namedTensors(plain.grads));
          const largest = tf
            .max(tf.stack([...expected.values()].map((g) => tf.max(tf.abs(g)))))
            .arraySync() as number;
          for (const [name, grad] of namedTensors(ours.grads)) {
            const error = tf.max(tf.abs(tf.sub(grad, expected.get(name) as tf.Tensor))).arraySync() as number;
            expect(error / largest, name).toBeLessThan(1e-4);
          }
        });
      }),
      // The same draws each time: where ReLU's input is as small as 1e-8, rounding decides whether its gradient is 0 or 1.
      { numRuns: 15, seed: 1 },
    );
  });

  it('takes dropout for training only', () => {
    const config = { ...SMALL, dropout: 0.5 };
    const params = drawnParams(config, 1);
    const batch = tokenBatch(Int32Array.of(0, 7, 1, 8, 2, 7, 3, 8), 4, 11);
    const evaluated = powerModel(config).forward(params, batch).dataSync();
    expect(evaluated).toEqual(powerModel(SMALL).forward(params, batch).dataSync());
    const random = { seed: 1, step: tf.scalar(0, 'int32') };
    expect(powerModel(config).forward(params, batch, { random }).dataSync()).not.toEqual(evaluated);
  });

  it('multiplies for distinct rows alone: the products of all p² rows, counted', async () => {
    const p = 7;
    const { tokens, sequenceLength, vocabulary, classes, rows } = makeDataset({
      operation: 'add',
      modulus: p,
      form: 'equation',
    });
    const config = { ...SMALL, sequenceLength, vocabulary, classes };
    const { dModel: d, dFF } = config;
    const model = powerModel(config);
    const params = drawnParams(config, 0);
    const count = async (f: () => tf.Tensor) => {
      const { kernels } = await tf.profile(f);
      return kernels
        .filter(({ name }) => name === 'BatchMatMul' || name === '_FusedMatMul')
        .reduce((sum, { inputShapes, outputShapes }) => {
          const size = (outputShapes[0] as number[]).reduce((a, b) => a * b, 1);
          return sum + size * ((inputShapes[0] as number[]).at(-1) as number);
        }, 0);
    };
    // a: p numbers; op sees a: p; b sees both: all rows; = likewise.
    const firstProjections = 3 * (p + 1 + p + 1) * d * d;
    const firstRest = (2 * p + 2 * rows) * (d * d + 2 * d * dFF);
    const lastKeysAndValues = 2 * (2 * p + 2 * rows) * d * d;
    const lastRest = rows * (2 * d * d + 2 * d * dFF);
    const expected = firstProjections + firstRest + lastKeysAndValues + lastRest + rows * d * classes;
    expect(await count(() => model.forward(params, tokenBatch(tokens, 4, vocabulary)))).toBe(expected);
    const table = tf.tensor2d(tokens, [rows, 4], 'int32');
    expect(await count(() => plainForward(config, params, table))).toBeGreaterThan(2 * expected);
  });

  it('tells an observer what each block gives at each position that it computes', () => {
    const seen: [string, number[]][] = [];
    const batch = tokenBatch(Int32Array.of(0, 7, 1, 8, 2, 7, 3, 8), 4, 11);
    powerModel(SMALL).forward(drawnParams(SMALL, 1), batch, {
      observe: (name, activation) => seen.push([name, activation.shape]),
    });
    const names = ['0.0', '0.1', '0.2', '0.3', '1.3'];
    expect(seen).toEqual(names.map((name) => [`blocks.${name}`, [2, 8]]));
  });
});

describe('sizes out of range are refused in one line', () => {
  it.each([
    [{ dropout: 1 }, 'dropout is 1'],
    [{ dropout: -0.1 }, 'dropout is -0.1'],
    [{ heads: 3 }, 'heads 3'],
    [{ layers: 0 }, 'layers is 0'],
    [{ answers: 3 as never }, 'answers is 3'],
    [{ answers: 2 as const, sequenceLength: 1 }, 'a sequence of 1'],
    [{ dModel: 9, heads: 3 }, 'd-model 9'],
  ])('%j', (change, part) => {
    expect(messageOf(ArgumentError, () => createModel({ ...SMALL, ...change }))).toContain(part);
  });
});
