import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { treeOfNames } from '../../lib/models/initialize';
import { layerNorm, normalize } from '../../lib/models/layer-norm';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, type Params } from '../../lib/models/params';
import { expand, type Rows, rowsOf } from '../../lib/models/rows';
import { type TrueGradForm, type Uses, valueGradsAndSquares } from '../../lib/models/true-grad';
import { DEVICES } from '../support/devices';
import { messageOf } from '../support/one-line';
import { openOracle } from '../support/oracle';
import { meanOfSquares } from '../support/squares';

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
    const reference = meanOfSquares(
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
    expect(weight).toMatchReference(reference.get('weight')?.dataSync() as Float32Array, TOLERANCE);
    expect(bias).toMatchReference(reference.get('bias')?.dataSync() as Float32Array, TOLERANCE);
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
    const whole = meanOfSquares((row, p) => tf.sum(tf.exp(of(row, p))), { w: kernel }, examples);
    expect(exact).toMatchReference(whole.get('w')?.dataSync() as Float32Array, TOLERANCE);

    // Each place of an image by itself, as if it were an image of its own.
    const [, height, width] = of(0, { w: kernel }).shape;
    const places = height * width;
    const single = meanOfSquares(
      (place, p) => {
        const y = of(Math.floor(place / places), p);
        const at = place % places;
        return tf.sum(tf.exp(tf.slice(y, [0, Math.floor(at / width), at % width, 0], [1, 1, 1, -1])));
      },
      { w: kernel },
      examples * places,
    )
      .get('w')
      ?.dataSync() as Float32Array;
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

/** How the inputs of a place lie. */
type Layout = 'rows' | 'indexed' | 'one';

/** Inputs of a place, laid out as told. */
function inputsOf(layout: Layout, examples: number, inputs: number, seed: number): Rows {
  const distinct = { rows: examples, indexed: 3, one: 1 }[layout];
  const values = tf.tensor2d(pattern(distinct * inputs, seed), [distinct, inputs]);
  const index = Int32Array.from({ length: examples }, (_, i) => (i * (seed + 1) + seed) % 3);
  return rowsOf(values, layout === 'indexed' ? tf.tensor1d(index, 'int32') : undefined);
}

/** Row `example` of y, which has one row where all are alike. */
const rowOf = (y: tf.Tensor2D, example: number): tf.Tensor2D =>
  tf.slice(y, [y.shape[0] === 1 ? 0 : example, 0], [1, -1]);

describe('a matrix used at several places', () => {
  const layouts = fc.array(fc.constantFrom<Layout>('rows', 'indexed', 'one'), { minLength: 1, maxLength: 4 });
  const size = fc.integer({ min: 1, max: 4 });

  it('has the squares of one gradient an example, however its inputs lie', () => {
    fc.assert(
      fc.property(
        layouts,
        size,
        size,
        size,
        fc.boolean(),
        (places, examples, inputs, outputs, transposed) => {
          tf.tidy(() => {
            const shape: [number, number] = transposed ? [outputs, inputs] : [inputs, outputs];
            const params = { w: tf.tensor2d(pattern(inputs * outputs, 9), shape) };
            const x = places.map((layout, t) => inputsOf(layout, examples, inputs, t));
            // tanh, so that a place's gradient depends on its output and its place.
            const lossOf = (y: tf.Tensor, place: number) => tf.mul(tf.sum(tf.tanh(y)), 1 + place);
            const { squares } = valueGradsAndSquares(
              ({ w }, uses) => {
                const losses = x.map((rows, place) => {
                  const all = expand(rows);
                  const each = all.shape[0] === examples ? all : tf.tile(all, [examples, 1]);
                  const y: tf.Tensor2D = tf.matMul(each, w, false, transposed);
                  return lossOf(uses.linear('w', rows, y, { transposed }), place);
                });
                return tf.div(tf.addN(losses), examples);
              },
              params,
              { examples, form: 'exact' },
            );
            const expected = meanOfSquares(
              (example, { w }) =>
                tf.addN(
                  x.map((rows, place) =>
                    lossOf(tf.matMul(rowOf(expand(rows), example), w, false, transposed), place),
                  ),
                ),
              params,
              examples,
            )
              .get('w')
              ?.dataSync() as Float32Array;
            expect(squares.w.shape).toEqual(shape);
            expect(squares.w.dataSync()).toMatchReference(expected, 1e-4);
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  it('has them where only sums of its outputs are used, at some of the places', () => {
    const [examples, inputs, outputs, groups] = [4, 3, 6, 2];
    const params = { w: tf.tensor2d(pattern(inputs * outputs, 9), [inputs, outputs]) };
    const factors = [1, 2].map((seed) => tf.tensor2d(pattern(outputs, seed), [1, outputs]));
    const layouts: Layout[] = ['indexed', 'one', 'rows'];
    const x = layouts.map((layout, t) => inputsOf(layout, examples, inputs, t));
    const grouped = (y: tf.Tensor2D, place: number): tf.Tensor2D => {
      const factor = factors[place];
      if (factor === undefined) return y;
      return tf.sum(tf.reshape(tf.mul(y, factor), [y.shape[0], groups, -1]), 2);
    };
    const lossOf = (y: tf.Tensor, place: number) => tf.mul(tf.sum(tf.tanh(y)), 1 + place);
    const squares = (form: TrueGradForm) =>
      valueGradsAndSquares(
        ({ w }, uses) => {
          const losses = x.map((rows, place) => {
            const all = expand(rows);
            const each = all.shape[0] === examples ? all : tf.tile(all, [examples, 1]);
            const factor = factors[place];
            const y = uses.linear('w', rows, grouped(tf.matMul(each, w), place), factor ? { factor } : {});
            return lossOf(y, place);
          });
          return tf.div(tf.addN(losses), examples);
        },
        params,
        { examples, form },
      ).squares.w.dataSync();
    const reference = (places: readonly number[]) =>
      meanOfSquares(
        (example, { w }) =>
          tf.addN(
            places.map((place) => {
              const row = rowOf(expand(x[place] as Rows), example);
              return lossOf(grouped(tf.matMul(row, w), place), place);
            }),
          ),
        params,
        examples,
      )
        .get('w')
        ?.dataSync() as Float32Array;
    expect(squares('exact')).toMatchReference(reference([0, 1, 2]), 1e-5);
    const [a, b, c] = [0, 1, 2].map((place) => reference([place])) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const apart = a.map((s, i) => s + (b[i] as number) + (c[i] as number));
    expect(squares('token')).toMatchReference(apart, 1e-5);
  });
});

describe('parts of a parameter', () => {
  const examples = 3;
  const x = tf.tensor2d(pattern(examples * 2, 1), [examples, 2]);
  const params = {
    weight: tf.tensor2d(pattern(5 * 2, 2), [5, 2]),
    bias: tf.tensor1d(pattern(5, 3)),
    other: tf.scalar(2),
  };
  const squares = (parts: readonly (readonly [number, number])[]) =>
    valueGradsAndSquares(
      ({ weight, bias, other }, uses) => {
        uses.unused('other');
        const terms = parts.map(([start, count]) => {
          const part = [start, count] as const;
          const rows = tf.slice(weight, [start, 0], [count, -1]) as tf.Tensor2D;
          const y = uses.linear('weight', x, tf.matMul(x, rows, false, true), { transposed: true, part });
          return tf.sum(tf.tanh(uses.bias('bias', tf.add(y, tf.slice(bias, [start], [count])), { part })));
        });
        return tf.add(tf.div(tf.addN(terms), examples), tf.mul(other, 0));
      },
      params,
      { examples, form: 'exact' },
    ).squares;

  it('have the squares of the whole, and rows without a use 0', () => {
    const whole = squares([[0, 5]]);
    // In any order, each of them once.
    const cut = squares([
      [3, 2],
      [0, 3],
    ]);
    for (const name of ['weight', 'bias'] as const) {
      expect(cut[name].dataSync(), name).toMatchReference(whole[name].dataSync(), 1e-6);
    }
    const middle = squares([[1, 2]]);
    expect([...middle.bias.dataSync()].map((s) => s > 0)).toEqual([false, true, true, false, false]);
    expect([...middle.weight.dataSync().slice(2, 6)]).toEqual([...whole.weight.dataSync().slice(2, 6)]);
    expect([...middle.weight.dataSync().slice(6)]).toEqual([0, 0, 0, 0]);
    expect([...whole.other.dataSync()]).toEqual([0]);
  });

  it('that overlap are refused', () => {
    const message = messageOf(ArgumentError, () =>
      squares([
        [0, 3],
        [2, 3],
      ]),
    );
    expect(message).toContain('weight');
    expect(message).toContain('2 to 4');
  });
});

describe('a learned position', () => {
  it('adds an example’s gradients of all uses of its row, or squares each', () => {
    const params = { table: tf.zeros([3, 2]) };
    const [first, second] = [
      tf.tensor2d([
        [1, 2],
        [3, 4],
      ]),
      tf.tensor2d([
        [5, 6],
        [7, 8],
      ]),
    ] as const;
    const squares = (form: TrueGradForm) =>
      Array.from(
        valueGradsAndSquares(
          ({ table }, uses) => {
            const row: tf.Tensor2D = tf.tile(tf.slice(table, [1, 0], [1, -1]) as tf.Tensor2D, [2, 1]);
            const used = [first, second].map((factor) =>
              tf.sum(tf.mul(uses.position('table', 1, row), factor)),
            );
            return tf.addN(used);
          },
          params,
          { examples: 2, form },
        ).squares.table.dataSync(),
      );
    // Two examples of a mean loss: each one's own gradient is twice what is in the sum, so the mean of squares twice theirs.
    const exact = [2 * (6 ** 2 + 10 ** 2), 2 * (8 ** 2 + 12 ** 2)];
    const token = [2 * (1 + 25 + 9 + 49), 2 * (4 + 36 + 16 + 64)];
    expect(squares('exact')).toEqual([0, 0, ...exact, 0, 0]);
    expect(squares('token')).toEqual([0, 0, ...token, 0, 0]);
    expect(squares('released')).toEqual([0, 0, ...token, 0, 0]);
  });
});

describe('valueGradsAndSquares', () => {
  const x = tf.tensor2d(pattern(6, 1), [3, 2]);
  const params = { w: tf.tensor2d(pattern(4, 2), [2, 2]), b: tf.tensor1d(pattern(2, 3)) };
  const loss = ({ w, b }: typeof params, uses: Uses) =>
    tf.sum(uses.bias('b', tf.add(uses.linear('w', x, tf.matMul(x, w)), b)));

  it('leaves no tensor behind but its results', () => {
    const before = tf.memory().numTensors;
    const { value, grads, squares } = valueGradsAndSquares(loss, params, { examples: 3, form: 'exact' });
    expect(tf.memory().numTensors - before).toBe(5);
    tf.dispose([value, grads, squares]);
    expect(tf.memory().numTensors).toBe(before);
  });

  const message = (
    options: { examples?: number; form?: string },
    f: (p: typeof params, uses: Uses) => tf.Tensor = loss,
  ) =>
    messageOf(ArgumentError, () =>
      valueGradsAndSquares(f, params, { examples: 3, form: 'exact', ...options } as never),
    );

  it.each([0, -1, 1.5, Number.NaN])('refuses %d examples', (examples) => {
    expect(message({ examples })).toContain(String(examples));
  });

  it('refuses a form that is not there', () => {
    expect(message({ form: 'exakt' })).toMatch(/"exakt".*exact, token, released/);
  });

  it('refuses a use of another number of examples', () => {
    expect(message({ examples: 4 })).toMatch(/use of w .*\[3,2\].*4 examples/);
  });

  it('names what no use is marked of', () => {
    expect(message({}, ({ w }, uses) => tf.sum(uses.linear('w', x, tf.matMul(x, w))))).toMatch(
      /no use of b /,
    );
  });

  it('refuses the use of what is no parameter', () => {
    const f = (p: typeof params, uses: Uses) => tf.sum(uses.bias('c', loss(p, uses) && tf.add(x, p.b)));
    expect(message({}, f)).toMatch(/marks a use of c, .*w, b/);
  });

  it('refuses two kinds of use, and a matrix the wrong way round', () => {
    const both = ({ w, b }: typeof params, uses: Uses) => {
      const y = uses.linear('b', x, tf.matMul(x, w));
      return tf.sum(uses.bias('b', tf.add(y, b)));
    };
    expect(message({}, both)).toMatch(/b is marked as linear and as bias/);
    const turned = { w: tf.zeros([2, 4]) };
    const refused = () =>
      valueGradsAndSquares(
        ({ w }, uses) => tf.sum(uses.linear('w', x, tf.matMul(x, w), { transposed: true })),
        turned,
        { examples: 3, form: 'exact' },
      );
    expect(messageOf(ArgumentError, refused)).toMatch(/squares of shape \[4,2\]; expected \[2,4\]/);
  });
});
