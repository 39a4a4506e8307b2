import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../lib/compile';
import { randomStream } from '../../lib/data/random';
import type { ModelConfig } from '../../lib/models/config';
import { createModel } from '../../lib/models/registry';
import { namedHostTensors } from '../../lib/train/state';
import { KOLMOGOROV_BOUND, kolmogorovDistance, normalLaw, uniformLaw } from '../support/kolmogorov';

const SIZES = { vocabulary: 97, sequenceLength: 3, classes: 97, dModel: 64, heads: 4, dFF: 256, layers: 2 };

/** For comparisons that need no message on each element. */
const bytes = (tensor: HostTensor | undefined) => Buffer.from((tensor as HostTensor).data.buffer);

type Law = (x: Float64Array) => Float64Array;

/** What a parameter begins as: a law, or one number throughout. */
type Start = Law | 0 | 1;

/** `torch.nn.Linear`, weight and bias alike. */
const linear = (inputs: number) => uniformLaw(1 / Math.sqrt(inputs));

/** Write-up 1's decoder: PyTorch's defaults by the end of the parameter's name. */
const DECODER: readonly (readonly [end: RegExp, Start])[] = [
  [/^embed\.weight$/, normalLaw(1)],
  [/^embed\.pe$/, normalLaw(1)],
  // Xavier-uniform, for the packed matrix of 64 inputs and 3·64 outputs.
  [/in_proj_weight$/, uniformLaw(Math.sqrt(6 / (64 + 3 * 64)))],
  [/in_proj_bias$/, 0],
  [/out_proj\.weight$/, linear(64)],
  [/out_proj\.bias$/, 0],
  [/linear1\.(weight|bias)$/, linear(64)],
  [/linear2\.(weight|bias)$/, linear(256)],
  [/norm\d?\.weight$/, 1],
  [/norm\d?\.bias$/, 0],
  [/^linear\.weight$/, linear(64)],
];

/** The paper's model: no bias but the norms', no packed matrices. */
const POWER: readonly (readonly [end: RegExp, Start])[] = [
  [/^embedding\.weight$/, normalLaw(1)],
  [/self_attn\.W[qkvo]\.weight$/, linear(64)],
  [/ffn\.0\.weight$/, linear(64)],
  [/ffn\.2\.weight$/, linear(256)],
  [/norm\.weight$/, 1],
  [/norm\.bias$/, 0],
  [/^linear\.weight$/, linear(64)],
];

const MODELS: readonly { readonly config: ModelConfig; readonly starts: typeof DECODER }[] = [
  {
    config: { model: 'decoder', ...SIZES, dropout: 0, answers: 1, mask: 'causal', positions: 'learned' },
    starts: DECODER,
  },
  { config: { model: 'power', ...SIZES, dropout: 0, answers: 1 }, starts: POWER },
];

describe.each(MODELS)('initial parameters of $config.model', ({ config, starts }) => {
  const model = createModel(config);
  const initial = namedHostTensors(model.init(3));

  it('each follow PyTorch’s law', () => {
    for (const [name, { data, shape }] of initial) {
      expect(shape, name).toEqual(model.shapes.get(name));
      const start = starts.find(([end]) => end.test(name))?.[1];
      if (typeof start === 'function') {
        expect(kolmogorovDistance(data, start), name).toBeLessThan(KOLMOGOROV_BOUND);
        expect(new Set(data).size, name).toBeGreaterThan(0.99 * data.length);
      } else {
        expect(new Set(data), name).toEqual(new Set([start]));
      }
    }
    expect(initial.map(([name]) => name).sort()).toEqual([...model.shapes.keys()].sort());
  });

  it('are a function of the seed, and one not of the others’ sizes', () => {
    const head = (seed: number, dFF = SIZES.dFF) =>
      bytes(new Map(namedHostTensors(createModel({ ...config, dFF }).init(seed))).get('linear.weight'));
    const first = bytes(new Map(initial).get('linear.weight'));
    expect(head(3).equals(first)).toBe(true);
    expect(head(3, 32).equals(first)).toBe(true);
    expect(head(4).equals(first)).toBe(false);
  });
});

describe('blocks', () => {
  /** The parameters of a block by their names within it. */
  const block = (model: 'decoder' | 'power', prefix: string) => {
    const { config } = MODELS.find((each) => each.config.model === model) as (typeof MODELS)[number];
    const named = namedHostTensors(createModel(config).init(3));
    return named
      .filter(([name, { shape }]) => name.startsWith(prefix) && shape.length === 2)
      .map(([name, tensor]) => [name.slice(prefix.length), bytes(tensor)] as const);
  };

  it('of the decoder start as copies, as TransformerDecoder makes them', () => {
    const first = block('decoder', 'decoder.layers.0.');
    expect(first).toHaveLength(6);
    const second = new Map(block('decoder', 'decoder.layers.1.'));
    for (const [name, data] of first) expect(second.get(name)?.equals(data), name).toBe(true);
  });

  it('of the paper’s model start apart, as do the matrices of one', () => {
    const all = [0, 1].flatMap((layer) => block('power', `decoder.blocks.${layer}.`));
    expect(all).toHaveLength(12);
    expect(new Set(all.map(([, data]) => data.readFloatLE(0))).size).toBe(12);
  });
});

describe('the distance of the tests above', () => {
  const stream = randomStream(0, 'law');
  const sample = Float32Array.from({ length: 4096 }, () => 2 * stream.uniform() - 1);

  it('tells laws apart that differ by a tenth', () => {
    expect(kolmogorovDistance(sample, uniformLaw(1))).toBeLessThan(KOLMOGOROV_BOUND);
    expect(kolmogorovDistance(sample, uniformLaw(1.1))).toBeGreaterThan(KOLMOGOROV_BOUND);
    expect(kolmogorovDistance(sample, normalLaw(1 / Math.sqrt(3)))).toBeGreaterThan(KOLMOGOROV_BOUND);
    expect(kolmogorovDistance(stream.normals(4096, 1), normalLaw(1))).toBeLessThan(KOLMOGOROV_BOUND);
  });
});
