/**
 * @file The decoder's parameters and buffers by the names and in the layouts of PyTorch's `state_dict`: a weight is
 * [out, in] and y = x·Wᵀ + b. They begin as PyTorch begins these layers.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { HostTensor, HostTree } from '../../compile';
import { type RandomStream, randomStream } from '../../data/random';
import type { DecoderModelConfig } from '../config';
import { treeOfNames } from '../initialize';
import type { WeightAndBias } from '../layer-norm';
import { sinusoidalEncoding } from '../positional-encoding';

/** A `torch.nn.MultiheadAttention`. */
export interface AttentionParams {
  /** [3·dModel, dModel], rows of q, then k, then v. */
  readonly in_proj_weight: tf.Tensor2D;
  readonly in_proj_bias: tf.Tensor1D;
  readonly out_proj: WeightAndBias;
}

/** A `torch.nn.TransformerDecoderLayer`. */
export interface DecoderLayerParams {
  readonly self_attn: AttentionParams;
  readonly multihead_attn: AttentionParams;
  readonly linear1: WeightAndBias;
  readonly linear2: WeightAndBias;
  readonly norm1: WeightAndBias<tf.Tensor1D>;
  readonly norm2: WeightAndBias<tf.Tensor1D>;
  readonly norm3: WeightAndBias<tf.Tensor1D>;
}

export interface DecoderParams {
  readonly embed: {
    readonly weight: tf.Tensor2D;
    /** Present where positions are learned, [sequenceLength, dModel]. */
    readonly pe?: tf.Tensor2D;
  };
  /** Present where the mask is additive, [query, key]. */
  readonly mask?: tf.Tensor2D;
  readonly decoder: {
    readonly layers: Readonly<Record<string, DecoderLayerParams>>;
    readonly norm: WeightAndBias<tf.Tensor1D>;
  };
  /** The head, without bias: [classes, dModel]. */
  readonly linear: { readonly weight: tf.Tensor2D };
}

/** A parameter: its shape and how it begins. */
interface Parameter {
  readonly shape: readonly number[];
  readonly begin: (random: RandomStream, index: number) => number;
}

const normal = (random: RandomStream) => random.normal();
const zero = () => 0;
const one = () => 1;
const uniformWithin = (bound: number) => (random: RandomStream) => bound * (2 * random.uniform() - 1);
/** `torch.nn.Linear`: kaiming-uniform with a = √5 is U(±1/√fanIn), and so is its bias. */
const linearBound = (fanIn: number) => uniformWithin(1 / Math.sqrt(fanIn));

/** One layer, by names within it. */
function layerParameters({ dModel, dFF }: DecoderModelConfig): [string, Parameter][] {
  const attention = (name: string): [string, Parameter][] => [
    // Xavier-uniform over the packed matrix, whose fans are dModel and 3·dModel.
    [
      `${name}.in_proj_weight`,
      { shape: [3 * dModel, dModel], begin: uniformWithin(Math.sqrt(6 / (4 * dModel))) },
    ],
    [`${name}.in_proj_bias`, { shape: [3 * dModel], begin: zero }],
    [`${name}.out_proj.weight`, { shape: [dModel, dModel], begin: linearBound(dModel) }],
    [`${name}.out_proj.bias`, { shape: [dModel], begin: zero }],
  ];
  return [
    ...attention('self_attn'),
    ...attention('multihead_attn'),
    ['linear1.weight', { shape: [dFF, dModel], begin: linearBound(dModel) }],
    ['linear1.bias', { shape: [dFF], begin: linearBound(dModel) }],
    ['linear2.weight', { shape: [dModel, dFF], begin: linearBound(dFF) }],
    ['linear2.bias', { shape: [dModel], begin: linearBound(dFF) }],
    ...['norm1', 'norm2', 'norm3'].flatMap((name) => normParameters(name, dModel)),
  ];
}

function normParameters(name: string, dModel: number): [string, Parameter][] {
  return [
    [`${name}.weight`, { shape: [dModel], begin: one }],
    [`${name}.bias`, { shape: [dModel], begin: zero }],
  ];
}

/** All parameters in the order of write-up 1's `state_dict`. */
function parametersOf(config: DecoderModelConfig): [string, Parameter][] {
  const { vocabulary, sequenceLength, classes, dModel, layers, mask, positions } = config;
  const ofLayer = layerParameters(config);
  const lower = (_: RandomStream, index: number) =>
    index % sequenceLength <= Math.floor(index / sequenceLength) ? 1 : 0;
  const optional = (isThere: boolean, name: string, parameter: Parameter): [string, Parameter][] =>
    isThere ? [[name, parameter]] : [];
  return [
    ...optional(mask === 'additive', 'mask', { shape: [sequenceLength, sequenceLength], begin: lower }),
    ['embed.weight', { shape: [vocabulary, dModel], begin: normal }],
    ...optional(positions === 'learned', 'embed.pe', { shape: [sequenceLength, dModel], begin: normal }),
    ...Array.from({ length: layers }, (_, layer) =>
      ofLayer.map(([name, parameter]): [string, Parameter] => [`decoder.layers.${layer}.${name}`, parameter]),
    ).flat(),
    ...normParameters('decoder.norm', dModel),
    ['linear.weight', { shape: [classes, dModel], begin: linearBound(dModel) }],
  ];
}

/** Name and shape of every trained parameter, in the order of write-up 1's `state_dict`. */
export function decoderShapes(config: DecoderModelConfig): Map<string, readonly number[]> {
  return new Map(parametersOf(config).map(([name, { shape }]) => [name, shape]));
}

/**
 * The parameters that no gradient reaches, by name. The memory that cross-attention looks at is all zeros, so whatever the
 * queries and keys, it gives the same sum of the value biases: neither its projections nor the LayerNorm in front of them
 * change a number.
 */
export function decoderWithoutGradient({ layers }: Pick<DecoderModelConfig, 'layers'>): string[] {
  return Array.from({ length: layers }, (_, layer) =>
    ['multihead_attn.in_proj_weight', 'norm2.weight', 'norm2.bias'].map(
      (name) => `decoder.layers.${layer}.${name}`,
    ),
  ).flat();
}

/**
 * What a checkpoint of write-up 1's class holds besides: `embed.pe` where positions are sinusoidal, and a `mask` that makes
 * that class, which always adds it to the scores, compute the same: 0 and −∞ for a causal mask, zeros for none.
 */
export function decoderBuffers(config: DecoderModelConfig): Map<string, HostTensor> {
  const { sequenceLength, dModel, mask, positions } = config;
  const buffers = new Map<string, HostTensor>();
  if (mask !== 'additive') {
    const hidden = mask === 'causal' ? Number.NEGATIVE_INFINITY : 0;
    const data = Float32Array.from({ length: sequenceLength ** 2 }, (_, index) =>
      index % sequenceLength > Math.floor(index / sequenceLength) ? hidden : 0,
    );
    buffers.set('mask', { dtype: 'float32', shape: [sequenceLength, sequenceLength], data });
  }
  if (positions === 'sinusoidal') buffers.set('embed.pe', sinusoidalEncoding(sequenceLength, dModel));
  return buffers;
}

/**
 * Initial parameters, each tensor from its own stream of draws, (seed, `init/<name>`): embeddings and learned positions
 * N(0, 1); packed attention projections xavier-uniform; linear layers kaiming-uniform with a = √5, biases of the
 * feed-forward part too, those of attention 0; LayerNorms 1 and 0. All layers start as copies of the first, because
 * `torch.nn.TransformerDecoder` copies the layer that it is given.
 * @see Write-up 1's `Transformer`; `torch/nn/modules/transformer.py`, `activation.py`, `linear.py`
 */
export function initializeDecoder(config: DecoderModelConfig, seed: number): HostTree {
  return treeOfNames(
    parametersOf(config).map(([name, { shape, begin }]): [string, HostTensor] => {
      const random = randomStream(seed, `init/${name.replace(/^decoder\.layers\.\d+/, 'decoder.layers')}`);
      const length = shape.reduce((size, dimension) => size * dimension, 1);
      const data = Float32Array.from({ length }, (_, index) => begin(random, index));
      return [name, { dtype: 'float32', shape, data }];
    }),
  );
}
