import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { initializeGpt, treeOfNames } from '../../lib/models/initialize';
import { layerNorm, normalize } from '../../lib/models/layer-norm';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { type TrueGradForm, type Uses, valueGradsAndSquares } from '../../lib/models/true-grad';
import { DEVICES } from '../support/devices';
import { messageOf } from '../support/one-line';
import { openOracle } from '../support/oracle';

const TOLERANCE = 1e-5;

const oracle = openOracle('e_truegrad');
const tensorOf = (name: string) => tf.tensor(Float32Array.from(oracle.numbers(name)), oracle.shape(name));

/** `data` of a seeded pattern without repetitions. */
const pattern = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + 13.1 * seed + 0.3));

describe.each(DEVICES)('squares on $name, against truegrad 5.0.0 and PyTorch in float64', (device) => {
  /** Logits of a row's places, in order, from x[:, t]. */
  type Forward = (params: Params, x: tf.Tensor2D, uses: Uses) => tf.Tensor2D;

  const layer = (params: Params, name: string, x: tf.Tensor2D, uses: Uses): tf.Tensor2D => {
    const { weight, bias } = (params as Record<string, { weight: tf.Tensor2D; bias: tf.Tensor1D }>)[name] as {
      weight: tf.Tensor2D;
      bias: tf.Tensor1D;
    };
    const y = uses.linear(`${name}.weight`, x, tf.matMul(x, weight, false, true), { transposed: true });
    return uses.bias(`${name}.bias`, tf.add(y, bias));
  };
  const one: Forward = (params, x, uses) => layer(params, '0', x, uses);
  const two: Forward = (params, x, uses) => layer(params, '2', tf.relu(layer(params, '0', x, uses)), uses);

  it.each([
    ['linear', one, 4],
    ['mlp', two, 3],
    ['seq', one, 4],
  ] as const)('%s', async (name, forward, classes) => {
    const weights = oracle.names(`${name}.w.`);
    const [examples, ...rest] = oracle.shape(`${name}.x`) as [number, ...number[]];
    const places = rest.length === 1 ? 1 : (rest[0] as number);
    const labels = oracle.integers(`${name}.y`);
    const squares = async (form: TrueGradForm) => {
      const [loss, ...results] = await device.run(
        ([input, ...given]) => {
          const x = tf.reshape(input as tf.Tensor, [examples, places, -1]);
          const params = treeOfNames(weights.map((weight, i) => [weight, given[i] as tf.Tensor] as const));
          const result = valueGradsAndSquares(
            (p, uses) => {
              const losses = Array.from({ length: places }, (_, t) => {
                const xt: tf.Tensor2D = tf.reshape(tf.slice(x, [0, t, 0], [-1, 1, -1]), [examples, -1]);
                const own = labels.filter((_label, i) => i % places === t);
                const oneHot = tf.cast(tf.oneHot(tf.tensor1d(own, 'int32'), classes), 'float32');
                return crossEntropy(forward(p, xt, uses), oneHot as tf.Tensor2D);
              });
              return tf.mean(tf.stack(losses));
            },
            params,
            { examples, form },
          );
          const all = [result.grads, result.squares].flatMap((tree) => namedTensors(tree));
          return [result.value, ...all.map(([, tensor]) => tensor)];
        },
        [`${name}.x`, ...weights.map((weight) => `${name}.w.${weight}`)].map(tensorOf),
      );
      expect(loss).toMatchReference(oracle.numbers(`${name}.loss`), TOLERANCE);
      for (const [i, weight] of weights.entries()) {
        expect(results[i], weight).toMatchReference(oracle.numbers(`${name}.grad.${weight}`), TOLERANCE);
      }
      return results.slice(weights.length);
    };
    const exact = await squares('exact');
    const released = await squares('released');
    const token = await squares('token');
    for (const [i, weight] of weights.entries()) {
      const perExample = Array.from(
        oracle.numbers(`${name}.persample_sq_sum.${weight}`),
        (s) => s / examples,
      );
      expect(exact[i], weight).toMatchReference(perExample, TOLERANCE);
      const left = Array.from(oracle.numbers(`${name}.tg_sum_grad_squared.${weight}`));
      expect(released[i], weight).toMatchReference(left, TOLERANCE);
      // The package has the factor for biases, and leaves it out for weights.
      const factor = weight.endsWith('bias') ? 1 : examples;
      expect(token[i], weight).toMatchReference(
        left.map((s) => s * factor),
        TOLERANCE,
      );
    }
  });

  it('an embedding', async () => {
    const [examples, places] = oracle.shape('emb.idx') as [number, number];
    const index = oracle.integers('emb.idx');
    const squares = (form: TrueGradForm, known: boolean) =>
      device.run(
        ([weight, dy]) => {
          const result = valueGradsAndSquares(
            ({ table }, uses) => {
              const terms = Array.from({ length: places }, (_, t) => {
                const own = index.filter((_token, i) => i % places === t);
                const ids = tf.tensor1d(own, 'int32');
                const y = uses.embedding('table', known ? own : ids, tf.gather(table as tf.Tensor2D, ids));
                const factor = tf.reshape(tf.slice(dy as tf.Tensor, [0, t, 0], [-1, 1, -1]), [examples, -1]);
                return tf.sum(tf.mul(y, factor));
              });
              return tf.addN(terms);
            },
            { table: weight as tf.Tensor },
            { examples, form },
          );
          return [result.squares.table];
        },
        [tensorOf('emb.weight'), tensorOf('emb.dy')],
      );
    const times = (name: string) => Array.from(oracle.numbers(name), (s) => s * examples);
    for (const known of [true, false]) {
      const [exact] = await squares('exact', known);
      expect(exact).toMatchReference(times('emb.true_persample_sq_sum'), TOLERANCE);
      const [token] = await squares('token', known);
      expect(token).toMatchReference(times('emb.expected_sum_dy2_by_row'), TOLERANCE);
      const [released] = await squares('released', known);
      expect(released).toMatchReference(oracle.numbers('emb.sum_grad_squared'), TOLERANCE);
    }
  });

  it('gain and bias of a LayerNorm', async () => {
    const [examples, , features] = oracle.shape('ln.x') as [number, number, number];
    const squares = (form: TrueGradForm) =>
      device.run(([x, dy, weight]) => {
        const bias = tf.zeros([features]);
        const result = valueGradsAndSquares(
          (p, uses) => {
            const z = tf.reshape(normalize(tf.reshape(x as tf.Tensor, [-1, features])), [
              examples,
              -1,
              features,
            ]);
            const scaled = uses.gain('weight', z, tf.mul(z, p.weight));
            return tf.sum(tf.mul(uses.bias('bias', tf.add(scaled, p.bias)), dy as tf.Tensor));
          },
          { weight: weight as tf.Tensor, bias },
          { examples, form },
        );
        return [result.squares.weight, result.squares.bias];
      }, ['ln.x', 'ln.dy', 'ln.weight'].map(tensorOf));
    for (const form of ['released', 'token'] as const) {
      const [weight, bias] = await squares(form);
      expect(weight).toMatchReference(oracle.numbers('ln.sgs_weight'), TOLERANCE);
      expect(bias).toMatchReference(oracle.numbers('ln.sgs_bias'), TOLERANCE);
    }
    const reference = perExample(
      (row, { weight, bias }) => {
        const x = tf.reshape(tf.slice(tensorOf('ln.x'), [row, 0, 0], [1, -1, -1]), [-1, features]);
        const dy = tf.reshape(tf.slice(tensorOf('ln.dy'), [row, 0, 0], [1, -1, -1]), [-1, features]);
        const y = layerNorm(x as tf.Tensor2D, { weight: weight as tf.Tensor1D, bias: bias as tf.Tensor1D });
        // The sum above is a mean of examples times their number.
        return tf.mul(tf.sum(tf.mul(y, dy)), examples);
      },
      { weight: tensorOf('ln.weight'), bias: tf.zeros([features]) },
      examples,
    );
    const [weight, bias] = await squares('exact');
    expect(weight).toMatchReference(reference.get('weight') as Float64Array, TOLERANCE);
    expect(bias).toMatchReference(reference.get('bias') as Float64Array, TOLERANCE);
  });

  it.each([
    [1, 'valid'],
    [2, 'valid'],
    [1, 'same'],
    [2, 'same'],
  ] as const)('a convolution with stride %i and padding %s', async (strides, pad) => {
    const [examples, inChannels, outChannels] = [3, 2, 4];
    const images = tf.tensor4d(pattern(examples * 6 * 5 * inChannels, 1), [examples, 6, 5, inChannels]);
    const kernel = tf.tensor4d(pattern(3 * 2 * inChannels * outChannels, 2), [3, 2, inChannels, outChannels]);
    const loss = (y: tf.Tensor) => tf.mul(tf.sum(tf.exp(y)), 1 / examples);
    const squares = (form: TrueGradForm) =>
      device.run(
        ([x, w]) => {
          const result = valueGradsAndSquares(
            (p, uses) => {
              const y = tf.conv2d(x as tf.Tensor4D, p.w as tf.Tensor4D, strides, pad);
              return loss(uses.conv2d('w', x as tf.Tensor4D, y, { strides, pad }));
            },
            { w: w as tf.Tensor },
            { examples, form },
          );
          return [result.squares.w];
        },
        [images, kernel],
      );
    const of = (row: number, p: Params) =>
      tf.conv2d(tf.slice(images, [row, 0, 0, 0], [1, -1, -1, -1]), (p as { w: tf.Tensor4D }).w, strides, pad);
    const [exact] = await squares('exact');
    const whole = perExample((row, p) => tf.sum(tf.exp(of(row, p))), { w: kernel }, examples);
    expect(exact).toMatchReference(whole.get('w') as Float64Array, TOLERANCE);

    // Each place of an image by itself, as if it were an image of its own.
    const [, height, width] = of(0, { w: kernel }).shape as [number, number, number];
    const places = height * width;
    const single = perExample(
      (place, p) => {
        const y = of(Math.floor(place / places), p);
        const at = place % places;
        return tf.sum(tf.exp(tf.slice(y, [0, Math.floor(at / width), at % width, 0], [1, 1, 1, -1])));
      },
      { w: kernel },
      examples * places,
    ).get('w') as Float64Array;
    const [token] = await squares('token');
    const expected = single.map((s) => s * places);
    expect(token).toMatchReference(expected, TOLERANCE);
    const [released] = await squares('released');
    expect(released).toMatchReference(
      expected.map((s) => s / examples),
      TOLERANCE,
    );
  });
});

/** (1/B)·Σ gᵢ² by one gradient an example, added in float64. @param loss An example's own. */
function perExample(
  loss: (example: number, params: Params) => tf.Tensor,
  params: Params,
  examples: number,
): Map<string, Float64Array> {
  const sums = new Map<string, Float64Array>();
  for (let example = 0; example < examples; example++) {
    tf.tidy(() => {
      const { grads } = valueAndGrads((p) => loss(example, p), params);
      for (const [name, gradient] of namedTensors(grads)) {
        const squares = Float64Array.from(gradient.dataSync(), (g) => g ** 2 / examples);
        sums.set(name, sums.get(name)?.map((sum, i) => sum + (squares[i] as number)) ?? squares);
      }
    });
  }
  return sums;
}
