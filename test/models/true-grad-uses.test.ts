/** @file Marks are checked by the gradient that they determine: those of every model, and wrong ones. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../lib/errors';
import { convNet } from '../../lib/models/conv-net';
import { decoderModel } from '../../lib/models/decoder';
import { crossEntropy } from '../../lib/models/loss';
import { marksOf } from '../../lib/models/marked';
import { mlp } from '../../lib/models/mlp';
import { namedTensors, type Params, toTensors } from '../../lib/models/params';
import { powerModel } from '../../lib/models/power';
import { createModel } from '../../lib/models/registry';
import { rowsOf, tokenBatch } from '../../lib/models/rows';
import { checkUses, type Uses, valueGradsAndSquares } from '../../lib/models/true-grad';
import { labelsOf, paramsOf, perturbed, SMALL_DECODER } from '../support/decoder';
import { messageOf } from '../support/one-line';

const pattern = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + 13.1 * seed + 0.3));

describe('the uses that are marked are all there are, of', () => {
  const { mask: _, positions: __, ...shared } = SMALL_DECODER;
  const gpt = { vocabulary: 5, sequenceLength: 3, classes: 4, dModel: 8, heads: 2, dFF: 12, layers: 2 };
  it.each([
    ['gpt', createModel({ model: 'gpt', ...gpt })],
    ['decoder', decoderModel({ ...SMALL_DECODER, mask: 'additive', positions: 'learned', dropout: 0.3 })],
    ['power', powerModel({ ...shared, model: 'power', dropout: 0.3 })],
  ] as const)('%s', (_name, model) => {
    tf.tidy(() => {
      const { sequenceLength, vocabulary, classes } = model.config;
      const tokens = Int32Array.from({ length: 5 * sequenceLength }, (_x, i) =>
        i % sequenceLength === sequenceLength - 1 ? 4 : (i * i + (i >> 2)) % 4,
      );
      const batch = tokenBatch(tokens, sequenceLength, vocabulary);
      const random = { seed: 5, step: tf.scalar(2, 'int32') };
      checkUses(
        (params, uses) => {
          const logits = model.forward(params, batch, { random, uses });
          return crossEntropy(logits, labelsOf(logits.shape[0], classes));
        },
        paramsOf(model.shapes.keys(), perturbed(model, 7)),
        { examples: 5 },
      );
    });
  });

  it.each([
    ['mlp', mlp({ inputs: 25, hidden: 6, classes: 3 })],
    ['convNet', convNet({ side: 5, channels: [2, 3], strides: [1, 2], classes: 3 })],
  ])('%s', (_name, model) => {
    tf.tidy(() => {
      const images = tf.tensor2d(pattern(4 * model.pixels, 1), [4, model.pixels]);
      checkUses(
        (params, uses) => crossEntropy(model.forward(params, images, uses), labelsOf(4, 3)),
        toTensors(model.init(3)),
        { examples: 4 },
      );
    });
  });
});

describe('uses', () => {
  const x = tf.tensor2d(pattern(4, 1), [2, 2]);
  const w = tf.tensor2d(pattern(4, 2), [2, 2]);
  type Loss = (params: { w: tf.Tensor2D }, uses: Uses) => tf.Tensor;
  const product = (p: { w: tf.Tensor2D }): tf.Tensor2D => tf.matMul(x, p.w);
  const right: Loss = (p, uses) => tf.sum(tf.square(uses.linear('w', x, product(p))));
  const check = (f: Loss) => checkUses(f, { w }, { examples: 2 });
  const squares = (f: Loss) => () => valueGradsAndSquares(f, { w }, { examples: 2, form: 'exact' });

  it('that are right pass, and leave no tensor behind', () => {
    const before = tf.memory().numTensors;
    check(right);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each<[string, Loss]>([
    [
      'a second one that is not marked',
      (p, uses) => tf.add(right(p, uses), tf.sum(tf.tanh(tf.matMul(tf.square(x), p.w)))),
    ],
    [
      'one of a parameter said to have none',
      (p, uses) => {
        uses.unused('w');
        return tf.sum(tf.square(product(p)));
      },
    ],
    [
      'a square matrix the wrong way round',
      (p, uses) => tf.sum(tf.square(uses.linear('w', x, tf.matMul(x, p.w, false, true)))),
    ],
    [
      'a row for all where each has its own',
      (p, uses) =>
        tf.sum(tf.square(uses.linear('w', tf.slice(x, [0, 0], [1, -1]) as tf.Tensor2D, product(p)))),
    ],
  ])('%s are found', (_name, f) => {
    expect(messageOf(ArgumentError, () => check(f))).toMatch(/^the marked uses of w give its element \d/);
  });

  it('whose results are thrown away are found, in training too', () => {
    const thrown: Loss = (p, uses) => {
      const y = product(p);
      uses.linear('w', x, y);
      return tf.sum(tf.square(y));
    };
    expect(messageOf(ArgumentError, () => check(thrown))).toMatch(/no gradient arrived at any .* of w;/);
    expect(messageOf(ArgumentError, squares(thrown))).toMatch(/no gradient arrived at any .* of w;/);
  });

  it('of a parameter said to have none are refused, whichever comes first', () => {
    const message = /w is both marked and said to be unused/;
    const before: Loss = (p, uses) => {
      uses.unused('w');
      return right(p, uses);
    };
    const after: Loss = (p, uses) => {
      const loss = right(p, uses);
      uses.unused('w');
      return loss;
    };
    for (const f of [before, after]) expect(messageOf(ArgumentError, squares(f))).toMatch(message);
  });

  it('of all rows are of the whole parameter, named or not', () => {
    const twice =
      (part?: readonly [number, number]): Loss =>
      (p, uses) =>
        tf.add(
          right(p, uses),
          tf.sum(uses.linear('w', tf.square(x), tf.matMul(tf.square(x), p.w), part ? { part } : {})),
        );
    const [plain, named] = [twice(), twice([0, 2])].map((f) => squares(f)().squares.w.dataSync());
    expect(named).toEqual(plain);
  });

  it('that two gradients go through are refused', () => {
    const twice: Loss = (p, uses) => {
      const inner = tf.valueAndGrads((q: tf.Tensor) => right({ w: q as tf.Tensor2D }, uses) as tf.Scalar);
      return inner([p.w]).value;
    };
    expect(messageOf(ArgumentError, squares(twice))).toMatch(/^a second gradient arrived at one use of w;/);
  });

  it('free everything where they are refused', () => {
    const index = tf.tensor1d([0, 0], 'int32');
    const rows = rowsOf(tf.slice(x, [0, 0], [1, -1]) as tf.Tensor2D, index);
    const factor = tf.ones([1, 4]) as tf.Tensor2D;
    const params = { t: tf.zeros([3, 2]) as tf.Tensor2D, v: tf.zeros([2, 4]) as tf.Tensor2D };
    const f = (p: typeof params, uses: Uses) => {
      const found = uses.embedding('t', index, tf.gather(p.t, index));
      const given = tf.add(tf.gather(rows.values, index), 0) as tf.Tensor2D;
      const sums: tf.Tensor2D = tf.sum(tf.reshape(tf.matMul(given, p.v), [2, 2, 2]), 2);
      return tf.add(tf.sum(found), tf.sum(uses.linear('v', rows, sums, { factor, transposed: true })));
    };
    const before = tf.memory().numTensors;
    const refused = () => valueGradsAndSquares(f, params, { examples: 2, form: 'exact' });
    expect(messageOf(ArgumentError, refused)).toMatch(/v give squares of shape \[4,2\]; expected \[2,4\]/);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('of a tensor that is no parameter are refused by their shape', () => {
    const { nameOf } = marksOf({} as Uses, { w } as Params);
    expect(nameOf(w)).toBe('w');
    expect(messageOf(ArgumentError, () => nameOf(x))).toMatch(/^a tensor \[2,2\] .* none of the parameters/);
  });
});

describe('exact squares', () => {
  const sizes = { examples: 64, features: 8 };

  /** Attention scores of keys that are alike but for `spread`, whose gradients cancel each other. */
  function keysAlike(spread: number, scale = 1) {
    const { examples, features } = sizes;
    const noise = (count: number, s: number) =>
      Float32Array.from({ length: count }, (_, i) => Math.sin(1.7 * i * i + 13.1 * s + 0.3));
    const query = tf.tensor2d(noise(examples * features, 2), [examples, features]);
    const base = noise(examples * features, 5);
    const x = [0, 1, 2].map((t) => {
      const own = noise(examples * features, 6 + t);
      return tf.tensor2d(
        base.map((b, i) => b + spread * (own[i] as number)),
        [examples, features],
      );
    });
    const values = tf.tensor2d(noise(examples * 3, 20), [examples, 3]);
    const w = tf.tensor2d(noise(features ** 2, 1), [features, features]);
    return valueGradsAndSquares(
      (params, uses) => {
        const scores = x.map((rows) => {
          const key = uses.linear('w', rows, tf.matMul(rows, params.w));
          return tf.sum(tf.mul(query, key), 1, true);
        });
        const weights = tf.softmax(tf.concat(scores, 1) as tf.Tensor2D);
        return tf.mul(tf.mean(tf.square(tf.sum(tf.mul(weights, values), 1))), scale);
      },
      { w },
      { examples, form: 'exact' },
    );
  }

  it.each([1, 1e-3, 1e-4, 0])('are at least g², where keys differ by %d', (spread) => {
    tf.tidy(() => {
      const { grads, squares } = keysAlike(spread);
      const g = grads.w.dataSync();
      expect([...squares.w.dataSync()].filter((s, i) => !(s >= Math.fround((g[i] as number) ** 2)))).toEqual(
        [],
      );
    });
  });

  it.each([1e-12, 1e-15, 1e-18])('are at least g² at losses of %d', (scale) => {
    tf.tidy(() => {
      const { grads, squares } = keysAlike(1, scale);
      const g = grads.w.dataSync();
      expect(Math.max(...g)).toBeGreaterThan(0);
      expect([...squares.w.dataSync()].filter((s, i) => !(s >= Math.fround((g[i] as number) ** 2)))).toEqual(
        [],
      );
    });
  });

  it.each(['gpt', 'power'] as const)('of one row are at least g² in every parameter of %s', (name) => {
    tf.tidy(() => {
      const shared = {
        vocabulary: 12,
        sequenceLength: 3,
        classes: 11,
        dModel: 16,
        heads: 4,
        dFF: 16,
        layers: 2,
      };
      const config =
        name === 'gpt' ? { model: name, ...shared } : { model: name, ...shared, dropout: 0, answers: 1 };
      const model = createModel(config as Parameters<typeof createModel>[0]);
      const batch = tokenBatch(Int32Array.of(3, 8, 11), 3, 12);
      const { grads, squares } = valueGradsAndSquares(
        (p, uses) => crossEntropy(model.forward(p, batch, { uses }), labelsOf(1, 11)),
        toTensors(model.init(4)),
        { examples: 1, form: 'exact' },
      );
      const own = new Map(namedTensors(squares));
      for (const [parameter, gradient] of namedTensors(grads)) {
        const s = own.get(parameter)?.dataSync() as Float32Array;
        const below = [...gradient.dataSync()].filter((g, i) => !((s[i] as number) >= Math.fround(g ** 2)));
        expect(below, parameter).toEqual([]);
      }
    });
  });
});
