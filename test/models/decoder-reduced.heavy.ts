/** @file The decoder as the package computes it against the plain form, which computes everything as PyTorch does. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainDecoder } from '../../bench/models/plain-decoder.mjs';
import { compileFunction, dropout, graphSize, passResults } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import type { DecoderModelConfig, MaskMode } from '../../lib/models/config';
import { asDecoderParams, decoderModel } from '../../lib/models/decoder';
import { crossEntropy } from '../../lib/models/loss';
import type { Model } from '../../lib/models/model';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { sinusoidalEncoding } from '../../lib/models/positional-encoding';
import { selectRows, tokenBatch } from '../../lib/models/rows';
import { namedHostTensors } from '../../lib/train/state';
import { eagerTensors, paramsOf } from '../support/decoder';

const SMALL: DecoderModelConfig = {
  model: 'decoder',
  vocabulary: 5,
  sequenceLength: 3,
  classes: 4,
  dModel: 8,
  heads: 2,
  dFF: 12,
  layers: 2,
  dropout: 0,
  mask: 'causal',
  positions: 'sinusoidal',
  answers: 1,
};

/** The model's initial parameters, none of them 0, 1 or equal to that of another layer. */
function perturbed(model: Model, seed: number): tf.Tensor[] {
  const weights = new Map(namedHostTensors(model.init(seed)));
  return [...model.shapes].map(([name, shape], i) => {
    const noise = tf.mul(tf.randomNormal([...shape], 0, 1, 'float32', seed + i), 0.3);
    return tf.add(...(eagerTensors([[name, weights.get(name) as never]]) as [tf.Tensor]), noise);
  });
}

type PlainDropout = Parameters<typeof plainDecoder>[4];

function plainLogits(
  config: DecoderModelConfig,
  params: Params,
  tokens: Int32Array,
  drop?: PlainDropout,
): tf.Tensor2D {
  const { sequenceLength, dModel } = config;
  const rows = tf.tensor2d(tokens, [tokens.length / sequenceLength, sequenceLength], 'int32');
  const weights = asDecoderParams(params);
  const encoding =
    weights.embed.pe ??
    tf.tensor2d(sinusoidalEncoding(sequenceLength, dModel).data as Float32Array, [sequenceLength, dModel]);
  return plainDecoder(config, encoding, weights, rows, drop);
}

const labelsOf = (count: number, classes: number) =>
  tf.cast(
    tf.oneHot(
      tf.tensor1d(
        Array.from({ length: count }, (_, i) => (i * 7 + 1) % classes),
        'int32',
      ),
      classes,
    ),
    'float32',
  ) as tf.Tensor2D;

const VARIANTS = fc
  .record({
    mask: fc.constantFrom<MaskMode>('additive', 'causal', 'none'),
    positions: fc.constantFrom('sinusoidal', 'learned'),
    layers: fc.integer({ min: 1, max: 3 }),
    sequenceLength: fc.integer({ min: 2, max: 4 }),
    answers: fc.constantFrom<1 | 2>(1, 2),
  })
  .map(
    (variant): DecoderModelConfig => ({
      ...SMALL,
      ...variant,
      answers: variant.mask === 'causal' ? variant.answers : 1,
    }),
  );

describe('computing what the answers depend on', () => {
  it('equals the plain form: logits and gradients, for any tokens, masks, depths and minibatches', () => {
    fc.assert(
      fc.property(
        VARIANTS,
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 1, max: 9 }),
        // Which positions hold the same token in every row.
        fc.integer({ min: 0, max: 15 }),
        fc.boolean(),
        (config, seed, rows, fixed, minibatch) =>
          tf.tidy(() => {
            const { sequenceLength, classes, answers } = config;
            const model = decoderModel(config);
            const tensors = perturbed(model, seed);
            const params = paramsOf(model.shapes.keys(), tensors);
            const tokens = Int32Array.from({ length: sequenceLength * rows }, (_, i) => {
              const position = i % sequenceLength;
              return (fixed >> position) & 1 ? position : (seed * 31 + i * 7 + ((seed >> 3) ^ i)) % 5;
            });
            const all = tokenBatch(tokens, sequenceLength, 5);
            const chosen = Array.from({ length: 3 }, (_, i) => (seed + 2 * i) % rows);
            const batch = minibatch ? selectRows(all, tf.tensor1d(chosen, 'int32')) : all;
            const given = minibatch
              ? Int32Array.from(
                  chosen.flatMap((row) => [
                    ...tokens.subarray(row * sequenceLength, (row + 1) * sequenceLength),
                  ]),
                )
              : tokens;
            const labels = labelsOf(answers * batch.rows, classes);
            const loss = (forward: (p: Params) => tf.Tensor2D) =>
              valueAndGrads((p) => crossEntropy(forward(p), labels), params);
            const logits = model.forward(params, batch);
            expect(logits.shape).toEqual([answers * batch.rows, classes]);
            expect(logits.dataSync()).toMatchReference(plainLogits(config, params, given).dataSync(), 3e-6);
            const [own, plain] = [
              loss((p) => model.forward(p, batch)),
              loss((p) => plainLogits(config, p, given)),
            ];
            const expected = new Map(namedTensors(plain.grads));
            const scale = Math.max(
              ...namedTensors(plain.grads).map(([, g]) => tf.max(tf.abs(g)).dataSync()[0] as number),
            );
            for (const [name, gradient] of namedTensors(own.grads)) {
              const difference = tf.max(tf.abs(tf.sub(gradient, expected.get(name) as tf.Tensor)));
              expect((difference.dataSync()[0] as number) / scale, name).toBeLessThan(3e-6);
            }
          }),
      ),
      { numRuns: 25 },
    );
  });
});

describe.each(['additive', 'causal', 'none'] as const)(
  'mask %s, logits, loss and gradients compiled',
  (mask) => {
    const config: DecoderModelConfig = { ...SMALL, mask };
    const model = decoderModel(config);
    const tokens = Int32Array.from({ length: 3 * 24 }, (_, i) => (i % 3 === 2 ? 0 : (i * i + (i >> 2)) % 5));
    const batch = tokenBatch(tokens, 3, 5);
    const forms = {
      plain: (params: Params) => plainLogits(config, params, tokens),
      reduced: (params: Params) => model.forward(params, batch),
    };
    const results = (form: keyof typeof forms) => (inputs: tf.Tensor[]) => {
      const params = paramsOf(model.shapes.keys(), inputs);
      const labels = labelsOf(24, config.classes);
      const { value, grads } = valueAndGrads((p) => crossEntropy(forms[form](p), labels), params);
      return [forms[form](params), value, ...namedTensors(grads).map(([, gradient]) => gradient)];
    };

    it('equal the plain form’s to 1e-9 in double precision', async () => {
      const examples = perturbed(model, 7).map((tensor) => ({
        dtype: 'float32' as const,
        shape: tensor.shape,
        data: tensor.dataSync() as Float32Array,
      }));
      const run = async (form: keyof typeof forms) => {
        const compiled = await compileFunction(onnxRuntimeNode, results(form), examples, {
          precision: 'float64',
          threads: 1,
        });
        const outputs = await compiled.run(examples);
        await compiled.release();
        return outputs.map(({ data }) => data);
      };
      const [plain, reduced] = [await run('plain'), await run('reduced')];
      for (const [i, reference] of plain.entries()) {
        // Where the true gradient is 0, the plain form has the rounding of its own products.
        const isZero = reference.every((x) => Math.abs(x) < 1e-12);
        expect(reduced[i], String(i)).toMatchReference(isZero ? reference.map(() => 0) : reference, 1e-9);
      }
    });

    it('take fewer multiply-adds, as written and after the compiler’s passes', async () => {
      const sizes = async (form: keyof typeof forms) => {
        const examples = [...model.shapes.values()].map((shape) => ({ dtype: 'float32' as const, shape }));
        const compiled = await compileFunction(onnxRuntimeNode, results(form), examples, { passes: [] });
        await compiled.release();
        return [graphSize(compiled.graph), passResults(compiled.graph).at(-1)].map(
          (size) => (size as { multiplyAdds: number }).multiplyAdds,
        ) as [number, number];
      };
      const [plain, reduced] = [await sizes('plain'), await sizes('reduced')];
      expect(reduced[0]).toBeLessThan(0.6 * plain[0]);
      expect(reduced[1]).toBeLessThan(plain[1]);
    });
  },
);

describe('dropout', () => {
  /** Three rows that share tokens. All copies of them draw for themselves: a sample is the logits of one copy. */
  const TRIPLE = [1, 2, 0, 1, 3, 0, 4, 2, 0];
  const COPIES = 6000;

  it.each([
    { mask: 'additive', layers: 2, answers: 1 },
    { mask: 'causal', layers: 2, answers: 2 },
    { mask: 'none', layers: 1, answers: 1 },
  ] as const)('has the moments of the plain form’s: $mask, $layers layers', async (variant) => {
    const config: DecoderModelConfig = { ...SMALL, ...variant, dropout: 0.3 };
    const model = decoderModel(config);
    const tokens = Int32Array.from({ length: TRIPLE.length * COPIES }, (_, i) => TRIPLE[i % 9] as number);
    const batch = tokenBatch(tokens, 3, 5);
    const drop: PlainDropout = (x, use) => dropout(x, config.dropout, { seed: 5, purpose: use, step: 0 });
    const tensors = perturbed(model, 11);
    const examples = tensors.map((tensor) => ({
      dtype: 'float32' as const,
      shape: tensor.shape,
      data: tensor.dataSync() as Float32Array,
    }));
    const f = (inputs: tf.Tensor[]) => {
      const params = paramsOf(model.shapes.keys(), inputs);
      const step = tf.scalar(0, 'int32');
      return [
        model.forward(params, batch, { random: { seed: 3, step } }),
        plainLogits(config, params, tokens, drop),
      ];
    };
    const compiled = await compileFunction(onnxRuntimeNode, f, examples, { threads: 1 });
    const [own, plain] = (await compiled.run(examples)).map(({ data }) => samplesOf(data, config));
    await compiled.release();
    expect(largestDeviation(own as Float64Array[], plain as Float64Array[])).toBeLessThan(5);
  });

  /** The logits of each triple, all answers, one after the other. */
  function samplesOf(logits: ArrayLike<number>, { answers, classes }: DecoderModelConfig): Float64Array[] {
    const rows = 3 * COPIES;
    return Array.from({ length: COPIES }, (_, copy) =>
      Float64Array.from({ length: answers * 3 * classes }, (_, i) => {
        const [answer, rest] = [Math.floor(i / (3 * classes)), i % (3 * classes)];
        return logits[(answer * rows + 3 * copy) * classes + rest] as number;
      }),
    );
  }

  /** Of all first and second moments, mixed ones too, the largest difference in standard errors. */
  function largestDeviation(own: Float64Array[], other: Float64Array[]): number {
    const size = (own[0] as Float64Array).length;
    const centre = Array.from({ length: size }, (_, i) => meanOf(other, (x) => x[i] as number));
    let largest = 0;
    for (let i = 0; i < size; i++) {
      for (let j = -1; j <= i; j++) {
        const term = (x: Float64Array) =>
          ((x[i] as number) - (centre[i] as number)) * (j < 0 ? 1 : (x[j] as number) - (centre[j] as number));
        const [a, b] = [own, other].map((samples) => {
          const mean = meanOf(samples, term);
          return { mean, variance: meanOf(samples, (x) => (term(x) - mean) ** 2) / samples.length };
        }) as [{ mean: number; variance: number }, { mean: number; variance: number }];
        largest = Math.max(largest, Math.abs(a.mean - b.mean) / Math.sqrt(a.variance + b.variance));
      }
    }
    return largest;
  }

  function meanOf(samples: Float64Array[], f: (x: Float64Array) => number): number {
    return samples.reduce((sum, x) => sum + f(x), 0) / samples.length;
  }
});
