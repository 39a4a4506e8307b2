import { describe, expect, it } from 'vitest';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { ArgumentError, FileError } from '../../lib/errors';
import type { MaskMode } from '../../lib/models/config';
import type { ModelHint } from '../../lib/models/foreign';
import { sinusoidalEncoding } from '../../lib/models/positional-encoding';
import { predict } from '../../lib/models/predict';
import { encodeCheckpoint, encodeParameters, loadModel } from '../../lib/train/checkpoint';
import { type RunOptions, runConfig } from '../../lib/train/config';
import { prepareRun } from '../../lib/train/prepare';
import { decodeSafetensors, encodeSafetensors, type TensorFile } from '../../lib/train/safetensors';
import { namedHostTensors } from '../../lib/train/state';
import { decoderTensors, fileOf, float32, gptTensors, powerTensors, type Tensors } from '../support/foreign';
import { messageOf } from '../support/one-line';
import { ORACLE_GPT, openOracle } from '../support/oracle';

/** A configuration's first checkpoint, read again. */
function checkpointOf(options: RunOptions) {
  const config = runConfig(options);
  const { initial } = prepareRun(config);
  return { config, initial, bytes: encodeCheckpoint(initial, config) };
}

const GPT = { modulus: 7, dModel: 8, layers: 2, seed: 5 } as const;
const DECODER = { model: 'decoder', tokens: 'pair', modulus: 7, dModel: 8, layers: 2 } as const;

describe('a checkpoint of ours', () => {
  const { config, initial, bytes } = checkpointOf(GPT);

  it('holds the parameters under tinygrad’s names, the optimiser under optim., the step and the configuration', () => {
    const { tensors, metadata } = decodeSafetensors(bytes);
    const names = [...tensors.keys()];
    expect(names.filter((name) => !name.startsWith('optim.')).sort()).toEqual(
      [
        'tok_embed',
        'pos_embed',
        'out',
        ...['q', 'k', 'v', 'head_out', 'ff1', 'ff2'].flatMap((name) => [
          `blocks.0.${name}`,
          `blocks.1.${name}`,
        ]),
      ].sort(),
    );
    expect(names.filter((name) => name.startsWith('optim.'))).toHaveLength(2 * 15);
    expect(metadata.step).toBe('0');
    expect(JSON.parse(metadata.config as string)).toEqual(config);
  });

  it('gives the same bytes for the same state', () => {
    expect(bytes).toEqual(checkpointOf(GPT).bytes);
  });

  it.each(['checkpoint', 'parameters alone'])('loads back: %s', (kind) => {
    const file = decodeSafetensors(
      kind === 'checkpoint' ? bytes : encodeParameters(initial.params, config, 12),
    );
    const { model, params } = loadModel(file, 'file');
    expect(model.config).toMatchObject({
      model: 'gpt',
      vocabulary: 8,
      classes: 7,
      dModel: 8,
      dFF: 32,
      layers: 2,
      heads: 4,
    });
    expect(namedHostTensors(params)).toEqual(namedHostTensors(initial.params));
  });

  it.each([
    ['additive', [1, 0, 0, 1, 1, 0, 1, 1, 1]],
    ['causal', [0, -Infinity, -Infinity, 0, 0, -Infinity, 0, 0, 0]],
    ['none', [0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ] as [MaskMode, number[]][])(
    'of the decoder with mask %s holds what PyTorch’s class has, and only the optimiser besides',
    (mask, matrix) => {
      const { initial, bytes } = checkpointOf({ ...DECODER, modulus: 13, dModel: 16, dFF: 32, mask });
      const file = decodeSafetensors(bytes);
      const shapesOf = (tensors: TensorFile['tensors']) =>
        Object.fromEntries([...tensors].map(([name, { dtype, shape }]) => [name, [dtype, ...shape]]));
      const ofModel = [...file.tensors].filter(([name]) => !name.startsWith('optim.'));
      expect(shapesOf(new Map(ofModel))).toEqual(shapesOf(decoderTensors()));
      expect(file.tensors.get('mask')?.data).toEqual(Float32Array.from(matrix));
      expect(file.tensors.get('embed.pe')?.data).toEqual(sinusoidalEncoding(3, 16).data);
      const { model, params } = loadModel(file, 'file', { model: 'decoder', heads: 4, mask });
      expect(model.config).toMatchObject({ model: 'decoder', mask, dropout: 0, classes: 13 });
      expect(namedHostTensors(params)).toEqual(namedHostTensors(initial.params));
    },
  );

  it.each([
    [GPT, { model: 'decoder' }, 'is a gpt, not a decoder'],
    [GPT, { heads: 2 }, '4 heads, not 2'],
    [GPT, { mask: 'causal' }, 'no choice of masks'],
    [DECODER, { mask: 'additive' }, 'mask causal, not one of mask additive'],
  ] as [RunOptions, ModelHint, string][])('refuses a hint that contradicts it: %j, %j', (run, hint, part) => {
    const file = decodeSafetensors(checkpointOf(run).bytes);
    const message = messageOf(FileError, () => loadModel(file, 'w.safetensors', hint));
    expect(message).toContain(part);
    expect(message).toContain('w.safetensors');
  });

  it('is refused when a buffer in it is not its own', () => {
    const { tensors, metadata } = decodeSafetensors(checkpointOf(DECODER).bytes);
    tensors.set('embed.pe', float32([3, 8], new Float32Array(24)));
    const file = decodeSafetensors(encodeSafetensors(tensors, metadata));
    expect(messageOf(FileError, () => loadModel(file, 'w.safetensors'))).toContain("'embed.pe'");
  });
});

/** The logits of the last position, of all positions row-major. */
function lastOf(all: ArrayLike<number>, rows: number, positions: number): number[] {
  const classes = all.length / rows / positions;
  return Array.from(all).filter((_, i) => Math.floor(i / classes) % positions === positions - 1);
}

describe('a file made elsewhere', () => {
  it('from tinygrad takes its sizes from the shapes and predicts PyTorch’s logits', async () => {
    const { model, params } = loadModel(fileOf(gptTensors()), 'file', { heads: 4 });
    expect(model.config).toEqual({ model: 'gpt', ...ORACLE_GPT });
    const oracle = openOracle('c_gpt');
    const logits = await predict(model, params, oracle.integers('x'), onnxRuntimeNode, { threads: 1 });
    expect(logits.shape).toEqual([169, 13]);
    expect(logits.data).toMatchReference(oracle.numbers('f64.fixed.logits_last'), 1e-5);
  });

  it.each([
    ['additive', 'tril'],
    ['causal', 'causal'],
    ['none', 'none'],
  ] as [MaskMode, string][])('from PyTorch predicts its logits: mask %s', async (mask, reference) => {
    const tensors = decoderTensors();
    if (mask !== 'additive') tensors.delete('mask'); // another class, which makes its mask as it runs
    const { model, params } = loadModel(fileOf(tensors), 'file', { heads: 4, mask });
    expect(model.config).toMatchObject({ model: 'decoder', positions: 'sinusoidal', layers: 2, dFF: 32 });
    const oracle = openOracle('b_decoder');
    const logits = await predict(model, params, oracle.integers('x'), onnxRuntimeNode, { threads: 1 });
    const all = oracle.numbers(`f64.${reference}.logits`);
    expect(logits.data).toMatchReference(lastOf(all, 8, 3), 1e-5);
  });

  it('with another encoding of positions keeps it', () => {
    const encoding = Float32Array.from({ length: 48 }, (_, i) => i / 48);
    const file = fileOf(decoderTensors().set('embed.pe', float32([3, 16], encoding)));
    const { model, params } = loadModel(file, 'file', { heads: 4, mask: 'additive' });
    expect(model.config).toMatchObject({ positions: 'learned' });
    expect(new Map(namedHostTensors(params)).get('embed.pe')?.data).toEqual(encoding);
  });

  it('from the released code of the paper predicts PyTorch’s logits, the heads being counted', async () => {
    const { model, params } = loadModel(fileOf(powerTensors()), 'file', { sequenceLength: 4 });
    expect(model.config).toMatchObject({ model: 'power', heads: 2, layers: 2, dFF: 16, classes: 11 });
    const oracle = openOracle('power');
    const tokens = oracle.integers('equation.x');
    const logits = await predict(model, params, tokens, onnxRuntimeNode, { threads: 1 });
    expect(logits.data).toMatchReference(oracle.numbers('f64.equation.logits'), 1e-5);
  });

  it('may hold float64', () => {
    const double = gptTensors();
    for (const [name, { shape, data }] of double)
      double.set(name, { dtype: 'F64', shape, data: Float64Array.from(data as Float32Array) });
    const paramsOf = (tensors: Tensors) =>
      namedHostTensors(loadModel(fileOf(tensors), 'file', { heads: 4 }).params);
    expect(paramsOf(double)).toEqual(paramsOf(gptTensors()));
  });

  it('may hold an optimiser’s tensors, which are not read', () => {
    const file = fileOf(gptTensors().set('optim.step', { dtype: 'I32', shape: [], data: Int32Array.of(1) }));
    expect(loadModel(file, 'file', { heads: 4 }).model.config).toMatchObject(ORACLE_GPT);
  });

  const numbers = (...shape: number[]) =>
    float32(
      shape,
      shape.reduce((list, size) => Array.from({ length: size }, () => list).flat(), [0.5]),
    );
  const attention = { heads: 4, mask: 'additive' } as const;
  it.each([
    ['no heads', gptTensors, {}, 'the model has; add --heads N'],
    ['a mask that it cannot have', gptTensors, { heads: 4, mask: 'none' }, 'leave --mask out'],
    [
      'no heads and no mask',
      decoderTensors,
      {},
      '--heads N (write-up 1 has 4) and --mask additive, causal or none',
    ],
    ['no mask', decoderTensors, { heads: 4 }, 'attention; add --mask additive'],
    ['another mask', decoderTensors, { heads: 4, mask: 'causal' }, "'mask' in w.safetensors has 1 where"],
    ['another model’s name', decoderTensors, { ...attention, model: 'gpt' }, "'tok_embed'"],
    ['other heads than it has', powerTensors, { heads: 4, sequenceLength: 4 }, '2 heads, not 4'],
    ['no length of a row', powerTensors, {}, 'sequenceLength'],
    ['no known tensors', () => new Map([['x', numbers(1)]]), { heads: 4 }, "'tok_embed' (gpt)"],
    ['a tensor missing', () => without(gptTensors(), 'v'), { heads: 4 }, "no tensor 'blocks.0.v'"],
    ['no encoding', () => without(decoderTensors(), 'embed.pe'), attention, "'embed.pe'"],
    [
      'a tensor misshapen',
      () => gptTensors().set('v', numbers(2, 3)),
      { heads: 4 },
      '[2, 3], expected [16, 16]',
    ],
    ['a tensor too many', () => decoderTensors().set('ex\ntra', numbers(1)), attention, 'tensor "ex\\ntra"'],
    [
      'integers',
      () => gptTensors().set('out', { dtype: 'I32', shape: [16, 13], data: new Int32Array(208) }),
      { heads: 4 },
      'I32',
    ],
    [
      'a head missing',
      () => without(powerTensors(), 'decoder.blocks.1.self_attn.attn_heads.1.Wk.weight'),
      { sequenceLength: 4 },
      '2 matrices',
    ],
    [
      'another table',
      () => powerTensors().set('position_encoding', numbers(10, 8)),
      { sequenceLength: 4 },
      "'position_encoding'",
    ],
    [
      'positions without end',
      () => decoderTensors().set('embed.pe', numbers(100_000, 2)),
      { heads: 4, mask: 'none' },
      '100000 tokens',
    ],
  ] as [string, () => Tensors, ModelHint, string][])(
    'is refused with %s, in one line',
    (_, make, hint, part) => {
      expect(messageOf(FileError, () => loadModel(fileOf(make()), 'w.safetensors', hint))).toContain(part);
    },
  );

  it('is refused with heads that do not divide its width', () => {
    const load = () => loadModel(fileOf(decoderTensors()), 'w', { heads: 3, mask: 'additive' });
    expect(messageOf(ArgumentError, load)).toContain('heads 3');
  });
});

function without(tensors: Tensors, name: string): Tensors {
  tensors.delete(name);
  return tensors;
}
