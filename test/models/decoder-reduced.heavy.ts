/** @file The decoder against its plain form compiled: double precision, work, and what dropout does to the logits. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compileFunction, dropout, graphSize, passResults } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import type { DecoderModelConfig } from '../../lib/models/config';
import { decoderModel } from '../../lib/models/decoder';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { tokenBatch } from '../../lib/models/rows';
import {
  labelsOf,
  type PlainDropout,
  paramsOf,
  perturbed,
  plainLogits,
  SMALL_DECODER,
} from '../support/decoder';

describe.each(['additive', 'causal', 'none'] as const)(
  'mask %s, logits, loss and gradients compiled',
  (mask) => {
    const config: DecoderModelConfig = { ...SMALL_DECODER, mask };
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
    const config: DecoderModelConfig = { ...SMALL_DECODER, ...variant, dropout: 0.3 };
    const model = decoderModel(config);
    const tokens = Int32Array.from({ length: TRIPLE.length * COPIES }, (_, i) => TRIPLE[i % 9] as number);
    const batch = tokenBatch(tokens, 3, 5);
    const drop: PlainDropout = (x, use) => dropout(x, config.dropout, { seed: 5, purpose: use, step: 0 });
    // What attention to the memory adds is made large enough to see its weights dropped.
    const tensors = perturbed(model, 11).map((tensor, i) =>
      [...model.shapes.keys()][i]?.endsWith('multihead_attn.in_proj_bias') ? tf.mul(tensor, 5) : tensor,
    );
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
