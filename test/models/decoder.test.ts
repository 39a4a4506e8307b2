import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { Program } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { ArgumentError } from '../../lib/errors';
import type { DecoderModelConfig, MaskMode } from '../../lib/models/config';
import { decoderModel } from '../../lib/models/decoder';
import { treeOfNames } from '../../lib/models/initialize';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, valueAndGrads } from '../../lib/models/params';
import { tokenBatch } from '../../lib/models/rows';
import { adam, adamw } from '../../lib/optim';
import { namedHostTensors, type TrainState, toHostTree } from '../../lib/train/state';
import { makeStep, scheduleOf } from '../../lib/train/step';
import { eagerTensors, oracleDecoder, oracleDecoderWeights, paramsOf } from '../support/decoder';
import { DEVICES } from '../support/devices';
import { messageOf } from '../support/one-line';
import { openOracle } from '../support/oracle';

const TOLERANCE = 1e-5;

/** What the reference calls each mask. */
const MASKS: readonly { mask: MaskMode; reference: string }[] = [
  { mask: 'additive', reference: 'tril' },
  { mask: 'causal', reference: 'causal' },
  { mask: 'none', reference: 'none' },
];

describe.each(DEVICES)('write-up 1’s decoder on $name, against float64 PyTorch', (device) => {
  const oracle = openOracle('b_decoder');
  const batch = tokenBatch(oracle.integers('x'), 3, 13);
  const targets = oracle.integers('y');

  describe.each(MASKS)('mask $mask', ({ mask, reference }) => {
    const model = oracleDecoder(mask);
    const names = [...model.shapes.keys()];
    const tensors = eagerTensors(oracleDecoderWeights(mask));

    it('gives its logits, loss and the gradient of every parameter', async () => {
      const [logits, loss, ...grads] = await device.run((inputs) => {
        const params = paramsOf(names, inputs);
        const labels = tf.cast(tf.oneHot(tf.tensor1d(targets, 'int32'), 13), 'float32') as tf.Tensor2D;
        const result = valueAndGrads((p) => crossEntropy(model.forward(p, batch), labels), params);
        return [
          model.forward(params, batch),
          result.value,
          ...namedTensors(result.grads).map(([, tensor]) => tensor),
        ];
      }, tensors);
      const all = oracle.numbers(`f64.${reference}.logits`) as Float64Array;
      const last = Array.from({ length: 8 }, (_, row) => [
        ...all.slice((3 * row + 2) * 13, (3 * row + 3) * 13),
      ]);
      expect(logits).toMatchReference(last.flat(), TOLERANCE);
      expect(loss).toMatchReference(oracle.numbers(`f64.${reference}.loss`), TOLERANCE);
      expect(oracle.names(`f64.${reference}.grad.`).sort()).toEqual([...names].sort());
      const order = namedTensors(paramsOf(names, tensors)).map(([name]) => name);
      for (const [i, name] of order.entries()) {
        expect(grads[i], name).toMatchReference(oracle.numbers(`f64.${reference}.grad.${name}`), TOLERANCE);
      }
    });
  });
});

describe('ten steps from the reference’s weights, the mask trained too, against PyTorch in float64', () => {
  const optimizers = {
    adamw: adamw({ learningRate: 1e-3, weightDecay: 1, betas: [0.9, 0.98] }),
    adam_l2: adam({ learningRate: 1e-3, weightDecay: 1e-2, betas: [0.9, 0.98] }),
  };

  it.each(['adamw', 'adam_l2'] as const)('%s', async (name) => {
    const oracle = openOracle('d_decoder_traj');
    const data = openOracle('b_decoder');
    const model = oracleDecoder('additive');
    const step = makeStep({
      forward: model.forward,
      classes: 13,
      train: { tokens: tokenBatch(data.integers('x'), 3, 13), targets: data.integers('y') },
      validation: { tokens: tokenBatch(Int32Array.of(0, 0, 0), 3, 13), targets: Int32Array.of(0) },
      optimizer: optimizers[name],
    });
    const params = treeOfNames(oracleDecoderWeights('additive'));
    const state: TrainState = {
      params,
      optimizer: toHostTree((tensors) => optimizers[name].init(tensors), params),
      step: { dtype: 'int32', shape: [], data: Int32Array.of(0) },
      schedule: scheduleOf(2 ** 30, -1),
    };
    const program = await Program.compile(onnxRuntimeNode, step, state, { threads: 1 });
    const { state: next, metrics } = await program.run(program.put(state), { steps: 10 });
    const { metrics: after } = await program.run(next, { steps: 1 });
    const final = new Map(namedHostTensors((await program.get(next)).params));
    await program.release();
    expect([...(metrics.trainLoss?.data ?? []), ...(after.trainLoss?.data ?? [])]).toMatchReference(
      oracle.numbers(`f64.${name}.loss`),
      TOLERANCE,
    );
    expect(oracle.names(`f64.${name}.final.`).sort()).toEqual([...final.keys()].sort());
    for (const [parameter, { data }] of final) {
      const reference = oracle.numbers(`f64.${name}.final.${parameter}`) as Float64Array;
      const [own, expected] = [data, reference].map((numbers) => withGradient(parameter, numbers));
      expect(own, parameter).toMatchReference(expected as number[], TOLERANCE);
    }
  });

  /**
   * Where the true gradient is 0, PyTorch's steps are those of its rounding: the keys' bias of self-attention, the queries'
   * and keys' of attention to the memory.
   */
  function withGradient(parameter: string, numbers: ArrayLike<number>): number[] {
    const isCross = parameter.endsWith('multihead_attn.in_proj_bias');
    if (!isCross && !parameter.endsWith('self_attn.in_proj_bias')) return Array.from(numbers);
    return Array.from(numbers).filter((_, i) => i >= 32 || (!isCross && i < 16));
  }
});

describe('parameters without effect', () => {
  it('have a gradient of exactly 0, which an optimiser sees', () => {
    const model = oracleDecoder('causal');
    const params = paramsOf(model.shapes.keys(), eagerTensors(oracleDecoderWeights('causal')));
    const { grads } = valueAndGrads(
      (p) => tf.sum(model.forward(p, tokenBatch(Int32Array.of(1, 2, 0, 3, 4, 0), 3, 13))) as tf.Scalar,
      params,
    );
    const largest = new Map(
      namedTensors(grads).map(([name, gradient]) => [name, tf.max(tf.abs(gradient)).dataSync()[0]]),
    );
    for (const layer of [0, 1]) {
      for (const name of ['multihead_attn.in_proj_weight', 'norm2.weight', 'norm2.bias']) {
        expect(largest.get(`decoder.layers.${layer}.${name}`), name).toBe(0);
      }
    }
    expect([...largest.values()].filter((value) => value !== 0)).toHaveLength(largest.size - 6);
  });
});

describe('what an observer is told', () => {
  const oracle = openOracle('b_decoder');
  const tokens = oracle.integers('x');

  it.each(MASKS)(
    'mask $mask: the reference’s activations at the positions computed',
    ({ mask, reference }) => {
      const seen = new Map<string, tf.Tensor>();
      const model = oracleDecoder(mask);
      model.forward(
        paramsOf(model.shapes.keys(), eagerTensors(oracleDecoderWeights(mask))),
        tokenBatch(tokens, 3, 13),
        { observe: (name, activation) => seen.set(name, activation) },
      );
      const shapes = Object.fromEntries([...seen].map(([name, { shape }]) => [name, shape]));
      expect(shapes).toEqual({
        embed: [8, 3, 16],
        'layers.0.attention': [8, 4, 3, 3],
        'layers.0.hidden': [8, 3, 32],
        'layers.0.out': [8, 3, 16],
        'layers.1.attention': [8, 4, 1, 3],
        'layers.1.hidden': [8, 1, 32],
        'layers.1.out': [8, 1, 16],
        final_norm: [8, 1, 16],
      });
      const numbers = (name: string) => oracle.numbers(`f64.${reference}.${name}`) as Float64Array;
      const last = (all: Float64Array) => all.filter((_, i) => Math.floor(i / 16) % 3 === 2);
      expect(seen.get('layers.0.out')?.dataSync()).toMatchReference(numbers('layer0_out'), TOLERANCE);
      expect(seen.get('layers.1.out')?.dataSync()).toMatchReference(last(numbers('layer1_out')), TOLERANCE);
      expect(seen.get('final_norm')?.dataSync()).toMatchReference(last(numbers('final_norm')), TOLERANCE);
      const attention = seen.get('layers.0.attention') as tf.Tensor4D;
      expect(tf.sum(attention, -1).dataSync()).toMatchReference(new Float32Array(96).fill(1), 1e-6);
      const above = attention
        .arraySync()
        .flat()
        .flatMap(([first, second]) => [first?.[1], first?.[2], second?.[2]]);
      expect(above.every((weight) => (mask === 'causal' ? weight === 0 : (weight as number) > 0))).toBe(true);
    },
  );
});

describe('initial parameters are those of PyTorch’s layers', () => {
  const config: DecoderModelConfig = {
    ...(oracleDecoder('additive').config as DecoderModelConfig),
    vocabulary: 97,
    classes: 97,
    dModel: 64,
    dFF: 256,
    positions: 'learned',
  };
  const tensors = new Map(namedHostTensors(decoderModel(config).init(0)));
  const values = (name: string) => tensors.get(name)?.data as Float32Array;

  /** Uniform numbers within a bound: both ends nearly reached, the moments of U(−bound, bound). */
  function expectUniform(name: string, bound: number): void {
    const data = values(name);
    const largest = data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(largest, name).toBeLessThanOrEqual(Math.fround(bound));
    expect(largest, name).toBeGreaterThan(bound * (1 - 10 / data.length));
    expectMoments(name, bound / Math.sqrt(3), 0.8);
  }

  /** @param spread √(kurtosis − 1): the standard error of the relative variance times √n. */
  function expectMoments(name: string, std: number, spread: number): void {
    const data = values(name);
    const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
    const variance = data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length;
    expect(Math.abs(mean), name).toBeLessThan((5 * std) / Math.sqrt(data.length));
    expect(Math.abs(variance / std ** 2 - 1), name).toBeLessThan(
      (5 * spread) / Math.sqrt(data.length) + 2 / data.length,
    );
  }

  it('embeddings, and learned positions: N(0, 1)', () => {
    expectMoments('embed.weight', 1, Math.SQRT2);
    expectMoments('embed.pe', 1, Math.SQRT2);
  });

  it('attention: the packed matrix xavier-uniform, out_proj uniform within 1/√d, biases 0', () => {
    for (const name of ['self_attn', 'multihead_attn']) {
      const path = `decoder.layers.0.${name}`;
      expectUniform(`${path}.in_proj_weight`, Math.sqrt(6 / (64 + 3 * 64)));
      expectUniform(`${path}.out_proj.weight`, 1 / 8);
      for (const bias of ['in_proj_bias', 'out_proj.bias'])
        expect(new Set(values(`${path}.${bias}`))).toEqual(new Set([0]));
    }
  });

  it('feed-forward and head: uniform within 1/√(inputs)', () => {
    expectUniform('decoder.layers.0.linear1.weight', 1 / 8);
    expectUniform('decoder.layers.0.linear1.bias', 1 / 8);
    expectUniform('decoder.layers.0.linear2.weight', 1 / 16);
    expectUniform('decoder.layers.0.linear2.bias', 1 / 16);
    expectUniform('linear.weight', 1 / 8);
  });

  it('LayerNorms 1 and 0, the mask ones on and below the diagonal', () => {
    for (const name of ['layers.0.norm1', 'layers.0.norm2', 'layers.0.norm3', 'norm']) {
      expect(new Set(values(`decoder.${name}.weight`))).toEqual(new Set([1]));
      expect(new Set(values(`decoder.${name}.bias`))).toEqual(new Set([0]));
    }
    expect([...values('mask')]).toEqual([1, 0, 0, 1, 1, 0, 1, 1, 1]);
  });

  it('layers begin as copies; no two tensors of one layer are alike, and the seed changes them', () => {
    const names = [...tensors.keys()].filter((name) => name.startsWith('decoder.layers.0.'));
    expect(names).toHaveLength(18);
    for (const name of names) expect(values(name.replace('.0.', '.1.'))).toEqual(values(name));
    expect(values('decoder.layers.0.self_attn.in_proj_weight')).not.toEqual(
      values('decoder.layers.0.multihead_attn.in_proj_weight'),
    );
    const other = new Map(namedHostTensors(decoderModel(config).init(1)));
    expect(other.get('linear.weight')?.data).not.toEqual(values('linear.weight'));
    const wider = new Map(namedHostTensors(decoderModel({ ...config, dFF: 8 }).init(0)));
    expect(wider.get('linear.weight')?.data).toEqual(values('linear.weight'));
  });
});

describe('buffers', () => {
  it('hold the positions, and a mask with which write-up 1’s class computes the same', () => {
    const buffers = (mask: MaskMode) => oracleDecoder(mask).buffers;
    const encoding = buffers('additive').get('embed.pe')?.data as Float32Array;
    expect(encoding).toMatchReference(openOracle('b_decoder').numbers('pe'), 1e-6);
    expect([...buffers('additive').keys()]).toEqual(['embed.pe']);
    const [hidden, none] = [Number.NEGATIVE_INFINITY, 0];
    expect([...(buffers('causal').get('mask')?.data ?? [])]).toEqual([
      none,
      hidden,
      hidden,
      none,
      none,
      hidden,
      none,
      none,
      none,
    ]);
    expect([...(buffers('none').get('mask')?.data ?? [])]).toEqual(new Array(9).fill(0));
    const learned = decoderModel({
      ...(oracleDecoder('additive').config as DecoderModelConfig),
      positions: 'learned',
    });
    expect(learned.buffers.size).toBe(0);
    expect(learned.shapes.get('embed.pe')).toEqual([3, 16]);
  });
});

describe('sizes and variants that do not fit are refused in one line', () => {
  const good = oracleDecoder('causal').config as DecoderModelConfig;
  it.each([
    [{ dModel: 0 }, 'd-model is 0'],
    [{ heads: 3 }, 'd-model 16 is not divisible by heads 3'],
    [{ dModel: 3, heads: 1 }, 'd-model 3 is odd'],
    [{ dropout: 1 }, 'dropout is 1'],
    [{ dropout: Number.NaN }, 'dropout is NaN'],
    [{ mask: 'tril' as never }, "mask is 'tril', expected one of additive, causal, none"],
    [{ positions: 'rotary' as never }, "positions is 'rotary'"],
    [{ answers: 3 as never }, 'answers is 3'],
    [{ answers: 2, mask: 'additive' }, "mask 'additive' with 2 answers"],
  ] satisfies [Partial<DecoderModelConfig>, string][])('%#', (change, part) => {
    expect(messageOf(ArgumentError, () => decoderModel({ ...good, ...change }))).toContain(part);
  });
});
