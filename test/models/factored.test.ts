import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../lib/compile';
import { ArgumentError } from '../../lib/errors';
import {
  type DecoderModelConfig,
  type GptModelConfig,
  type PowerModelConfig,
  SINGULAR_VALUE_RULES,
} from '../../lib/models/config';
import { factorMatrix } from '../../lib/models/factor-matrix';
import { factored } from '../../lib/models/factored';
import { treeOfNames } from '../../lib/models/initialize';
import { namedTensors, type Params, toTensors } from '../../lib/models/params';
import { createModel } from '../../lib/models/registry';
import { tokenBatch } from '../../lib/models/rows';
import { singularValues } from '../../lib/models/singular-values';
import { svdMatrix } from '../../lib/models/svd-matrix';
import type { Uses } from '../../lib/models/true-grad/uses';
import { weightMatrices } from '../../lib/models/weight-matrices';
import { namedHostTensors } from '../../lib/train/state';
import { SMALL_DECODER } from '../support/decoder';
import { messageOf } from '../support/one-line';

const SIZES = { vocabulary: 6, sequenceLength: 3, classes: 5, dModel: 8, heads: 2, dFF: 20, layers: 1 };
const GPT: GptModelConfig = { model: 'gpt', ...SIZES };
const POWER: PowerModelConfig = { model: 'power', ...SIZES, dropout: 0, answers: 1 };
const DECODER: DecoderModelConfig = { ...SMALL_DECODER, mask: 'additive', positions: 'learned' };
const tokens = (config: { sequenceLength: number }) =>
  tokenBatch(Int32Array.from([0, 1, 2, 3, 2, 2, 1, 1, 0]), config.sequenceLength, 5);

describe('factorMatrix', () => {
  it.each([
    [7, 7],
    [9, 4],
    [3, 8],
    [1, 5],
    [1, 1],
  ])('gives factors whose product is a matrix of %i×%i', (m, n) => {
    const data = tf.randomNormal([m, n], 0, 1, 'float32', m * n).dataSync() as Float32Array;
    const matrix: HostTensor = { dtype: 'float32', shape: [m, n], data };
    const { uVectors, vVectors, sigma } = factorMatrix(matrix);
    const [u, v, s] = [uVectors, vVectors, sigma].map(({ data, shape }) => tf.tensor(data, [...shape]));
    const factors = { uVectors: u as tf.Tensor2D, vVectors: v as tf.Tensor2D, sigma: s as tf.Tensor1D };
    expect(svdMatrix(factors).dataSync()).toMatchReference(data, 2e-6);
    expect(sigma.data.map(Math.abs)).toMatchReference(singularValues({ shape: [m, n], data }), 1e-6);
  });

  it('gives factors of a matrix of rank 1, and of zeros', () => {
    for (const data of [Float32Array.from([1, 2, 2, 4, 3, 6]), new Float32Array(6)]) {
      const { uVectors, vVectors, sigma } = factorMatrix({ dtype: 'float32', shape: [3, 2], data });
      const product = svdMatrix({
        uVectors: tf.tensor2d(uVectors.data as Float32Array, [2, 3]),
        vVectors: tf.tensor2d(vVectors.data as Float32Array, [2, 2]),
        sigma: tf.tensor1d(sigma.data as Float32Array),
      });
      expect(product.dataSync()).toMatchReference(data, 1e-6);
    }
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d, and says where it is', (value) => {
    const matrix: HostTensor = {
      dtype: 'float32',
      shape: [2, 3],
      data: Float32Array.of(1, 2, 3, 4, value, 6),
    };
    const message = messageOf(ArgumentError, () => factorMatrix(matrix));
    expect(message).toContain(`${value} in row 1, column 1; expected finite numbers`);
  });
});

describe('a factored model', () => {
  it('lets decay what the model itself lets decay, but no reflections', () => {
    const model = { ...createModel(GPT), decays: (name: string) => !name.startsWith('blocks.0.q') };
    const { decays } = factored(model, { which: 'hidden' });
    const names = [
      'out',
      'blocks.0.k.sigma',
      'blocks.0.k.u_vectors',
      'blocks.0.k.v_vectors',
      'blocks.0.q.sigma',
    ];
    expect(names.map((name) => decays?.(name))).toEqual([true, true, false, false, false]);
  });

  it.each([GPT, POWER, DECODER, { ...SMALL_DECODER, answers: 2 } as const])(
    'computes at first what $model computes',
    (config) => {
      const plain = createModel(config);
      const expected = plain.forward(toTensors(plain.init(3)), tokens(config)).dataSync();
      for (const which of ['hidden', 'all'] as const) {
        for (const singularValues of SINGULAR_VALUE_RULES.filter((rule) => rule !== 'unit')) {
          const model = createModel({ ...config, factored: which, singularValues });
          const params = model.init(3);
          expect(namedHostTensors(params).map(([name, { shape }]) => [name, [...shape]])).toEqual(
            [...model.shapes].map(([name, shape]) => [name, [...shape]]),
          );
          const logits = model.forward(toTensors(params), tokens(config)).dataSync();
          expect(logits).toMatchReference(expected, 1e-5);
        }
      }
    },
  );

  it('has the factors of a matrix in its place, and leaves the ends alone unless it is asked', () => {
    const hidden = createModel({ ...GPT, factored: 'hidden' });
    const names = (model: typeof hidden) => [...model.shapes].map(([name, shape]) => `${name} ${shape}`);
    expect(names(hidden)).toEqual([
      'tok_embed 6,8',
      'pos_embed 3,8',
      ...['q', 'k', 'v', 'head_out'].flatMap((name) => [
        `blocks.0.${name}.u_vectors 8,8`,
        `blocks.0.${name}.v_vectors 8,8`,
        `blocks.0.${name}.sigma 8`,
      ]),
      ...['blocks.0.ff1.u_vectors 8,8', 'blocks.0.ff1.v_vectors 8,20', 'blocks.0.ff1.sigma 8'],
      ...['blocks.0.ff2.u_vectors 8,20', 'blocks.0.ff2.v_vectors 8,8', 'blocks.0.ff2.sigma 8'],
      'out 8,5',
    ]);
    const all = names(createModel({ ...GPT, factored: 'all' }));
    expect(all.slice(0, 3)).toEqual([
      'tok_embed.u_vectors 6,6',
      'tok_embed.v_vectors 6,8',
      'tok_embed.sigma 6',
    ]);
    expect(all.at(-1)).toBe('out.sigma 5');
    expect(all).toHaveLength(27);
  });

  it('has a packed projection as its three matrices, and leaves what no gradient reaches and the mask alone', () => {
    const names = [...createModel({ ...DECODER, factored: 'all' }).shapes.keys()];
    const first = 'decoder.layers.0.';
    expect(names).toContain(`${first}self_attn.in_proj_weight.k.sigma`);
    expect(names).not.toContain(`${first}self_attn.in_proj_weight`);
    for (const name of ['mask', `${first}multihead_attn.in_proj_weight`, `${first}norm1.weight`]) {
      expect(names).toContain(name);
    }
    expect(names).toContain('embed.pe.sigma');
    expect([...createModel({ ...DECODER, factored: 'hidden' }).shapes.keys()]).toContain('embed.pe');
  });

  it('has the singular values of the model’s matrices where they are looked for', () => {
    for (const config of [GPT, DECODER]) {
      const plain = createModel(config);
      const model = createModel({ ...config, factored: 'all' });
      const expected = weightMatrices(plain, plain.init(1)).filter(({ name }) => name !== 'mask');
      const own = weightMatrices(model, model.init(1)).filter(({ name }) => name !== 'mask');
      expect(own.map(({ name, shape }) => ({ name, shape }))).toEqual(
        expected.map(({ name, shape }) => ({ name, shape })),
      );
      for (const [i, matrix] of own.entries()) {
        expect(singularValues(matrix)).toMatchReference(singularValues(expected[i] as typeof matrix), 1e-6);
      }
    }
  });

  it('lets weight decay act on all but the reflection vectors', () => {
    const { decays, shapes } = createModel({ ...GPT, factored: 'hidden' });
    const decayed = [...shapes.keys()].filter((name) => decays?.(name));
    expect(decayed).toEqual([...shapes.keys()].filter((name) => !name.endsWith('_vectors')));
    expect(decayed).toContain('blocks.0.q.sigma');
    const undecayed = createModel({ ...GPT, factored: 'hidden', singularValues: 'undecayed' });
    const left = [...shapes.keys()].filter((name) => !undecayed.decays?.(name));
    expect(left).toEqual([...shapes.keys()].filter((name) => /_vectors$|\.sigma$/.test(name)));
    expect(undecayed.decays?.('out')).toBe(true);
  });
});

describe('a rule for singular values', () => {
  const changed = (params: Params, f: (tensor: tf.Tensor, name: string, i: number) => tf.Tensor): Params =>
    treeOfNames(namedTensors(params).map(([name, tensor], i) => [name, f(tensor, name, i)] as const));
  const moved = (params: Params) =>
    changed(params, (tensor, _, i) => tf.add(tensor, tf.randomNormal(tensor.shape, 0, 0.1, 'float32', i)));
  const sums = (params: Params, of: (s: tf.Tensor) => tf.Tensor) =>
    namedTensors(params)
      .filter(([name]) => name.endsWith('.sigma'))
      .map(([, sigma]) => of(tf.abs(sigma)).dataSync()[0] as number);

  it('free: any, of vectors at length 1', () => {
    const model = createModel({ ...GPT, factored: 'all' });
    const before = toTensors(model.init(1));
    const updated = moved(before);
    const after = new Map(namedTensors(model.project?.(updated, before) ?? {}));
    for (const [name, tensor] of namedTensors(updated)) {
      const own = after.get(name) as tf.Tensor;
      if (!name.endsWith('_vectors')) expect([...own.dataSync()]).toEqual([...tensor.dataSync()]);
      else {
        expect(tf.norm(own, 2, 1).dataSync()).toMatchReference(Array(own.shape[0]).fill(1), 1e-6);
        const scaled = tf.div(tensor, tf.norm(tensor, 2, 1, true));
        expect(own.dataSync()).toMatchReference(scaled.dataSync(), 1e-6);
      }
    }
  });

  it('unit: the largest is 1, from the beginning', () => {
    const model = createModel({ ...GPT, factored: 'all', singularValues: 'unit' });
    const before = toTensors(model.init(1));
    expect(sums(before, tf.max)).toMatchReference(Array(9).fill(1), 1e-6);
    expect(sums(model.project?.(moved(before), before) ?? {}, tf.max)).toMatchReference(
      Array(9).fill(1),
      1e-6,
    );
  });

  it('unit: the forward pass does not see their scale', () => {
    const model = createModel({ ...GPT, factored: 'hidden', singularValues: 'unit' });
    const params = toTensors(model.init(1));
    const larger = changed(params, (tensor, name) => (name.endsWith('sigma') ? tf.mul(tensor, 3) : tensor));
    const expected = model.forward(params, tokens(GPT)).dataSync();
    expect(model.forward(larger, tokens(GPT)).dataSync()).toMatchReference(expected, 1e-5);
  });

  /** What each rule holds of the singular values. */
  const held = {
    largest: tf.max,
    sum: tf.sum,
    norm: (sizes: tf.Tensor) => tf.sqrt(tf.sum(tf.square(sizes))),
  };

  it.each(['largest', 'sum', 'norm'] as const)(
    '%s: updates keep it, and what each loses to rounding does not add up',
    (singularValues) => {
      const of = held[singularValues];
      const model = createModel({ ...GPT, dModel: 2, factored: 'hidden', singularValues });
      const start = toTensors(model.init(1));
      let params = start;
      for (let step = 0; step < 40; step++) {
        const rounded = changed(params, (tensor) => tf.mul(tensor, 1 + 2e-7)); // as if it had always gone upwards
        params = tf.tidy(() => model.project?.(moved(rounded), rounded) ?? {});
        if (step === 0) expect(sums(params, of)).toMatchReference(sums(start, of), 2e-6);
      }
      expect(sums(params, of)).toMatchReference(sums(start, of), 2e-6);
      const others = Object.values(held).filter((other) => other !== of);
      for (const other of others)
        expect(() => expect(sums(params, other)).toMatchReference(sums(start, other), 1e-3)).toThrow();
    },
  );

  it('fixed: updates turn the matrices and leave every singular value as it is', () => {
    const model = createModel({ ...GPT, factored: 'hidden', singularValues: 'fixed' });
    const before = toTensors(model.init(1));
    const after = new Map(namedTensors(model.project?.(moved(before), before) ?? {}));
    for (const [name, tensor] of namedTensors(before)) {
      const same = String(after.get(name)?.dataSync()) === String(tensor.dataSync());
      expect(same, name).toBe(name.endsWith('.sigma'));
    }
  });

  /** A sum of logits as a function of one matrix's σ, all else being the model's own. */
  const lossOf =
    (model: ReturnType<typeof createModel>, params: Params, key: string) => (sigma: tf.Tensor) => {
      const own = changed(params, (tensor, name) => (name === key ? sigma : tensor));
      const logits = model.forward(own, tokens(GPT)); // [3, 5]
      return tf.sum(tf.mul(logits, tf.randomNormal(logits.shape, 0, 1, 'float32', 5))) as tf.Scalar;
    };

  it.each(['unit', 'largest', 'sum', 'norm'] as const)(
    '%s: the gradient is that of the loss at the singular values as they are scaled',
    (singularValues) => {
      const of = singularValues === 'unit' ? tf.max : held[singularValues];
      const model = createModel({ ...GPT, factored: 'hidden', singularValues });
      const free = createModel({ ...GPT, factored: 'hidden' });
      const params = toTensors(model.init(1));
      const key = 'blocks.0.v.sigma';
      const sigma = new Map(namedTensors(params)).get(key) as tf.Tensor;
      const gradient = tf
        .grad(lossOf(model, params, key))(sigma)
        .dataSync() as Float32Array;
      const scale = of(tf.abs(sigma)).dataSync()[0] as number;
      const length = tf.norm(sigma).dataSync()[0] as number;
      const along = gradient.reduce((total, g, i) => total + g * (sigma.dataSync()[i] as number), 0);
      expect(Math.abs(along) / (Math.hypot(...gradient) * length)).toBeLessThan(1e-5);

      const scaled = (values: Float32Array) => {
        const tensor = tf.tensor1d(values);
        return tf.mul(tensor, tf.div(scale, of(tf.abs(tensor))));
      };
      const loss = lossOf(free, params, key);
      const by = 1e-2;
      const differences = Array.from(sigma.dataSync(), (_, i) => {
        const [up, down] = [by, -by].map((change) => {
          const values = Float32Array.from(sigma.dataSync(), (value, j) =>
            j === i ? value + change : value,
          );
          return loss(scaled(values)).dataSync()[0] as number;
        }) as [number, number];
        return (up - down) / (2 * by);
      });
      expect(gradient).toMatchReference(differences, 1e-2);
    },
  );

  it.each(['unit', 'largest', 'sum', 'norm'] as const)(
    '%s: weight decay does no more than a learning rate of σ that is larger',
    (singularValues) => {
      const model = createModel({ ...GPT, factored: 'hidden', singularValues });
      const before = toTensors(model.init(1));
      const [rate, decay] = [0.05, 3];
      const updated = (keep: number, step: number) =>
        changed(before, (tensor, name, i) => {
          if (!name.endsWith('.sigma')) return tensor;
          return tf.sub(
            tf.mul(tensor, keep),
            tf.mul(step, tf.randomNormal(tensor.shape, 0, 1, 'float32', i)),
          );
        });
      const decayed = model.project?.(updated(1 - rate * decay, rate), before) ?? {};
      const larger = model.project?.(updated(1, rate / (1 - rate * decay)), before) ?? {};
      const expected = new Map(namedTensors(larger));
      for (const [name, tensor] of namedTensors(decayed))
        expect(tensor.dataSync(), name).toMatchReference(
          (expected.get(name) as tf.Tensor).dataSync() as Float32Array,
          1e-6,
        );
    },
  );
});

describe('bad input is told in one line', () => {
  it.each([
    [
      'other matrices',
      () => createModel({ ...GPT, factored: 'some' as 'all' }),
      /factored is "?'?some.* hidden, all/,
    ],
    [
      'another rule',
      () => factored(createModel(GPT), { which: 'all', singularValues: 'none' as 'free' }),
      /singular-values is .none.*free, undecayed, unit, largest, sum, norm, fixed/,
    ],
    [
      'a factored model once more',
      () => factored(createModel({ ...GPT, factored: 'all' }), { which: 'all' }),
      /factored already/,
    ],
    [
      'squared gradients',
      () => {
        const model = createModel({ ...GPT, factored: 'all' });
        return model.forward(toTensors(model.init(1)), tokens(GPT), { uses: {} as Uses });
      },
      /squared gradients .* factored/,
    ],
  ])('%s', (_, f, expected) => {
    expect(messageOf(ArgumentError, f)).toMatch(expected);
  });
});
