/**
 * @file The transformer of the code released with Power et al. 2022 (arXiv:2201.02177, github.com/openai/grok): a decoder
 * with a causal mask whose blocks normalise after each sum, x ← norm(x + attention(x)), then x ← norm(x + dropout(mlp(x))).
 * ReLU, no biases but those of the LayerNorms, sinusoidal positions added to an N(0,1) embedding, no final norm. Dropout
 * stands in one place, after the MLP; the paper's text calls it residual dropout.
 *
 * Matrices are [outputs, inputs] and multiply as in PyTorch, y = x·Wᵀ. Parameters have the released code's names but for
 * the heads' matrices: it keeps `self_attn.attn_heads.<h>.Wq.weight` [dModel/heads, dModel] for each head, here they are
 * one matrix `self_attn.Wq.weight` [dModel, dModel], the heads' one below the other.
 *
 * Only what the answers need is computed. A position sees no later one, so what it holds depends on the tokens up to it
 * alone: it is computed once per distinct token as long as no second position with several tokens has come before, in
 * every block, and dropout, which differs from row to row, ends that. The last block computes the answers' positions.
 *
 * Where uses of parameters are marked, examples have to be told apart, so that every example has a row at every position. What
 * is drawn stays the same, and so do numbers and gradients, to rounding.
 */
import * as tf from '@tensorflow/tfjs-core';
import { dropout, type HostTensor, type HostTree } from '../compile';
import { randomStream } from '../data/random';
import { ArgumentError } from '../errors';
import { attend } from './attention';
import type { PowerModelConfig } from './config';
import { treeOfNames } from './initialize';
import { layerNorm, type WeightAndBias } from './layer-norm';
import { type Marks, markedEmbedding, markedNorm, markedProduct, marksOf } from './marked';
import type { ForwardOptions, Model } from './model';
import { namedTensors, type Params } from './params';
import { sinusoidalEncoding } from './positional-encoding';
import { embed, expand, expandTo, type Rows, rowsOf, type TokenBatch } from './rows';
import { checkDropoutAndAnswers, checkModelSizes } from './sizes';

/**
 * The paper's model of the given sizes. `observe` is told `blocks.<layer>.<position>`: [rows, dModel], what the block gives
 * at each position that is computed. With `uses`, it marks every use of every parameter, a row for each example.
 *
 * @throws {ArgumentError} for a size out of range
 */
export function powerModel(config: PowerModelConfig): Model {
  checkPowerConfig(config);
  const shapes = powerShapes(config);
  const positions = sinusoidalEncoding(config.sequenceLength, config.dModel);
  return {
    config,
    shapes,
    buffers: new Map(),
    init: (seed) => initializePower(shapes, seed),
    forward: (params, tokens, options) => forward(config, positions, params, tokens, options),
  };
}

function checkPowerConfig({ model: _, dropout, answers, ...sizes }: PowerModelConfig): void {
  checkModelSizes(sizes);
  checkDropoutAndAnswers({ dropout, answers });
  if (answers > sizes.sequenceLength) {
    throw new ArgumentError(
      `a sequence of ${sizes.sequenceLength} has no ${answers} answers; give at least ${answers} tokens`,
    );
  }
}

const blockName = (layer: number) => `decoder.blocks.${layer}`;

/** Name and shape of every parameter, in the released code's order. */
function powerShapes({ vocabulary, classes, dModel, dFF, layers }: PowerModelConfig) {
  const block = (layer: number): [string, readonly number[]][] => [
    ...['Wq', 'Wk', 'Wv', 'Wo'].map((matrix): [string, readonly number[]] => [
      `${blockName(layer)}.self_attn.${matrix}.weight`,
      [dModel, dModel],
    ]),
    [`${blockName(layer)}.self_attn_norm.weight`, [dModel]],
    [`${blockName(layer)}.self_attn_norm.bias`, [dModel]],
    [`${blockName(layer)}.ffn.ffn.0.weight`, [dFF, dModel]],
    [`${blockName(layer)}.ffn.ffn.2.weight`, [dModel, dFF]],
    [`${blockName(layer)}.ffn_norm.weight`, [dModel]],
    [`${blockName(layer)}.ffn_norm.bias`, [dModel]],
  ];
  return new Map<string, readonly number[]>([
    ['embedding.weight', [vocabulary, dModel]],
    ...Array.from({ length: layers }, (_, layer) => block(layer)).flat(),
    ['linear.weight', [classes, dModel]],
  ]);
}

/**
 * PyTorch's defaults, which the released code leaves as they are: N(0,1) for the embedding, the uniform law on ±1/√inputs
 * for the matrices, 1 and 0 for the norms. Each parameter has a stream of draws of its own, so blocks begin differently.
 */
function initializePower(shapes: ReadonlyMap<string, readonly number[]>, seed: number): HostTree {
  return treeOfNames(
    [...shapes].map(([name, shape]): [string, HostTensor] => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      return [name, { dtype: 'float32', shape, data: initialValues(name, shape, size, seed) }];
    }),
  );
}

function initialValues(name: string, shape: readonly number[], size: number, seed: number): Float32Array {
  if (shape.length === 1) return new Float32Array(size).fill(name.endsWith('bias') ? 0 : 1);
  const stream = randomStream(seed, `init/${name}`);
  if (name === 'embedding.weight') return stream.normals(size, 1);
  const bound = 1 / Math.sqrt(shape[1] as number);
  return Float32Array.from({ length: size }, () => bound * (2 * stream.uniform() - 1));
}

/** The parameters of one block. */
interface BlockParams {
  readonly query: tf.Tensor2D;
  readonly key: tf.Tensor2D;
  readonly value: tf.Tensor2D;
  readonly output: tf.Tensor2D;
  readonly attentionNorm: WeightAndBias<tf.Tensor1D>;
  readonly ff1: tf.Tensor2D;
  readonly ff2: tf.Tensor2D;
  readonly mlpNorm: WeightAndBias<tf.Tensor1D>;
}

function blockParams(tensors: ReadonlyMap<string, tf.Tensor>, layer: number): BlockParams {
  const at = (name: string) => tensors.get(`${blockName(layer)}.${name}`) as tf.Tensor;
  const matrix = (name: string) => at(`${name}.weight`) as tf.Tensor2D;
  const norm = (name: string) =>
    ({ weight: at(`${name}.weight`), bias: at(`${name}.bias`) }) as WeightAndBias<tf.Tensor1D>;
  return {
    query: matrix('self_attn.Wq'),
    key: matrix('self_attn.Wk'),
    value: matrix('self_attn.Wv'),
    output: matrix('self_attn.Wo'),
    attentionNorm: norm('self_attn_norm'),
    ff1: matrix('ffn.ffn.0'),
    ff2: matrix('ffn.ffn.2'),
    mlpNorm: norm('ffn_norm'),
  };
}

function forward(
  { sequenceLength, layers, heads, dropout: rate, answers }: PowerModelConfig,
  positions: HostTensor,
  params: Params,
  batch: TokenBatch,
  { random, observe, uses }: ForwardOptions = {},
): tf.Tensor2D {
  const tensors = new Map(namedTensors(params));
  const marks = uses && marksOf(uses, params);
  const table = tf.tensor2d(positions.data, positions.shape as [number, number]);
  let stream = embedded(batch, tensors.get('embedding.weight') as tf.Tensor2D, table, marks);
  for (let layer = 0; layer < layers; layer++) {
    const block = blockParams(tensors, layer);
    const keys = stream.map((rows) => project(rows, block.key, marks));
    const values = stream.map((rows) => project(rows, block.value, marks));
    const first = layer === layers - 1 ? sequenceLength - answers : 0;
    stream = stream.slice(first).map((rows, i) => {
      const position = first + i;
      const seen = position + 1;
      const query = project(rows, block.query, marks);
      const mixed = attendRows(query, keys.slice(0, seen), values.slice(0, seen), heads);
      const mixture = project(mixed, block.output, marks);
      const attended = addAndNormalise(rows, mixture, block.attentionNorm, marks);
      const change = mlp(attended, block, marks);
      const kept =
        random === undefined || rate === 0
          ? change
          : {
              values: dropout(expandTo(change, batch.rows), rate, {
                ...random,
                purpose: `dropout/blocks.${layer}.${position}`,
              }),
            };
      const result = addAndNormalise(attended, kept, block.mlpNorm, marks);
      observe?.(`blocks.${layer}.${position}`, expandTo(result, batch.rows));
      return result;
    });
  }
  const head = tensors.get('linear.weight') as tf.Tensor2D;
  return tf.concat(stream.map((rows) => expandTo(project(rows, head, marks), batch.rows))); // [answers · rows, classes]
}

/** Tokens plus positions; where uses are marked, a row for each example. */
function embedded(
  batch: TokenBatch,
  embedding: tf.Tensor2D,
  positions: tf.Tensor2D,
  marks: Marks | undefined,
): Rows[] {
  if (marks === undefined) return embed(batch, embedding, positions);
  return markedEmbedding(batch, embedding, marks).map((tokens, position) => ({
    values: tf.add(tokens, tf.slice(positions, [position, 0], [1, -1])),
  }));
}

/** y = x·Wᵀ on distinct rows. */
function project(rows: Rows, weight: tf.Tensor2D, marks: Marks | undefined): Rows {
  const product: tf.Tensor2D =
    marks === undefined
      ? tf.matMul(rows.values, weight, false, true)
      : markedProduct(rows.values, weight, marks);
  return { ...rows, values: product };
}

function mlp(rows: Rows, { ff1, ff2 }: BlockParams, marks: Marks | undefined): Rows {
  const hidden = project(rows, ff1, marks); // [distinct, dFF]
  return project({ ...hidden, values: tf.relu(hidden.values) }, ff2, marks);
}

/** norm(x + y) */
function addAndNormalise(
  x: Rows,
  y: Rows,
  params: WeightAndBias<tf.Tensor1D>,
  marks: Marks | undefined,
): Rows {
  const index = commonIndex([x, y]);
  const sum: tf.Tensor2D = index === undefined ? tf.add(expand(x), expand(y)) : tf.add(x.values, y.values);
  return rowsOf(marks === undefined ? layerNorm(sum, params) : markedNorm(sum, params, marks), index);
}

/** Attention of one position; on distinct rows where all positions have the same ones, or one row. */
function attendRows(query: Rows, keys: readonly Rows[], values: readonly Rows[], heads: number): Rows {
  const index = commonIndex([query, ...keys, ...values]);
  if (index === undefined) return { values: attend(query, keys, values, heads) };
  const bare = ({ values }: Rows): Rows => ({ values });
  return { values: attend(bare(query), keys.map(bare), values.map(bare), heads), index };
}

/** The index that all of these have, but for those of a single row; undefined where they differ or none has one. */
function commonIndex(all: readonly Rows[]): tf.Tensor1D | undefined {
  const several = all.filter(({ values, index }) => index !== undefined || values.shape[0] !== 1);
  const [first] = several;
  return several.every(({ index }) => index === first?.index) ? first?.index : undefined;
}
