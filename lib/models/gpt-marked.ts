/**
 * @file The GPT's forward pass with its uses marked. The numbers are those of `gptForward` and are computed once per distinct
 * row, as there; but every row of the batch keeps a gradient of its own, because squares of gradients do not add up over
 * rows that are computed together.
 */
import * as tf from '@tensorflow/tfjs-core';
import { stopGradient } from '../compile';
import { mix, score } from './attention';
import type { GptBlockParams, GptConfig, GptParams } from './gpt';
import { markedEmbedding, marksOf } from './marked';
import type { Params } from './params';
import { spread, sumOfProducts } from './row-products';
import { expandTo, indexTensor, type Rows, rowsOf, splitHeads, type TokenBatch } from './rows';
import type { Uses } from './true-grad/uses';

/** Rows of the batch whose gradients stay apart. */
interface ApartRows {
  /** [rows, features]: what gradients flow to. */
  readonly each: tf.Tensor2D;
  /** The same numbers on distinct rows, through which no gradient flows; `each` itself where nothing is shared. */
  readonly distinct: Rows;
}

const unshared = (each: tf.Tensor2D): ApartRows => ({ each, distinct: { values: each } });

/** Token embedding plus learned position, for each position of a batch. */
function embed(batch: TokenBatch, params: GptParams, uses: Uses): ApartRows[] {
  const { tok_embed, pos_embed } = params;
  const found = markedEmbedding(batch, tok_embed, marksOf(uses, params as unknown as Params));
  return batch.positions.map(({ tokens, index }, position) => {
    const offset: tf.Tensor2D = tf.slice(pos_embed, [position, 0], [1, -1]);
    const known = tf.tensor1d(tokens, 'int32');
    const places = tokens.length === 1 ? undefined : indexTensor(index);
    const values: tf.Tensor2D = tf.add(tf.gather(tok_embed, known) as tf.Tensor2D, offset);
    return {
      each: uses.position('pos_embed', position, tf.add(found[position] as tf.Tensor2D, offset)),
      distinct: rowsOf(stopGradient(values), places),
    };
  });
}

/** y = x·W, multiplied once per distinct row. */
function product({ each, distinct }: ApartRows, weight: tf.Tensor2D): ApartRows {
  if (distinct.values === each) return unshared(tf.matMul(each, weight));
  const { values, index } = distinct;
  const table = stopGradient(tf.matMul(values, weight) as tf.Tensor2D);
  const multiply = tf.customGrad((_, w, save) => {
    (save as tf.GradSaveFunc)([w as tf.Tensor, values, ...(index ? [index] : [])]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [matrix, x, place] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D?];
      const given = dy as tf.Tensor2D;
      return [tf.matMul(given, matrix, false, true), sumOfProducts(rowsOf(x, place), given)];
    };
    return { value: expandTo(rowsOf(table, index), each.shape[0]), gradFunc };
  });
  return { each: multiply(each, weight) as tf.Tensor2D, distinct: rowsOf(table, index) };
}

/**
 * q·k/√dHead per head, [rows, heads], for a query that is the same for the whole batch: the gradient of k = x·W has one
 * number a row and head, and only what is made of these numbers is computed.
 * @param factor The query's distinct row ÷ √dHead, [1, dModel].
 */
function scoreOfOne(
  query: ApartRows,
  x: ApartRows,
  { weight, factor, heads }: { weight: tf.Tensor2D; factor: tf.Tensor2D; heads: number },
): tf.Tensor2D {
  const { values, index } = x.distinct;
  const keys = stopGradient(tf.matMul(values, weight)) as tf.Tensor2D; // [distinct, dModel]
  const compare = tf.customGrad((_query, _x, w, save) => {
    const products = tf.mul(splitHeads(factor, heads), splitHeads(keys, heads));
    const table: tf.Tensor2D = tf.sum(products, -1);
    (save as tf.GradSaveFunc)([w as tf.Tensor, factor, keys, values, ...(index ? [index] : [])]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [matrix, q, k, rows] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
      const place = saved[4] as tf.Tensor1D | undefined;
      const given = dy as tf.Tensor2D; // [rows, heads]
      const [count, dModel] = [given.shape[0], matrix.shape[1]];
      const scaled: tf.Tensor2D = tf.mul(k, 1 / Math.sqrt(dModel / heads));
      const byRow = splitHeads(expandTo(rowsOf(scaled, place), count), heads);
      const byHead: tf.Tensor2D = tf.sum(splitHeads(tf.mul(matrix, q), heads), -1); // [dModel, heads]
      return [
        tf.reshape(tf.mul(tf.expandDims(given, 2), byRow), [count, dModel]),
        tf.matMul(given, byHead, false, true),
        spread(sumOfProducts(rowsOf(rows, place), given), q),
      ];
    };
    return { value: expandTo(rowsOf(table, index), x.each.shape[0]), gradFunc };
  });
  return compare(query.each, x.each, weight) as tf.Tensor2D;
}

/** Where a block stands, and who is told of its uses. */
interface BlockContext {
  readonly heads: number;
  /** Before the names of its parameters. */
  readonly prefix: string;
  readonly uses: Uses;
}

/** One block at the wanted query positions, each of which sees all positions. */
function block(
  positions: readonly ApartRows[],
  queries: readonly ApartRows[],
  params: GptBlockParams,
  { heads, prefix, uses }: BlockContext,
): ApartRows[] {
  const linear = (x: ApartRows, name: keyof GptBlockParams): ApartRows => {
    const { each, distinct } = product(x, params[name]);
    const marked = uses.linear(`${prefix}.${name}`, x.distinct, each);
    return distinct.values === each ? unshared(marked) : { each: marked, distinct };
  };
  const [first] = queries as [ApartRows];
  const isOneForAll =
    queries.length === 1 && first.distinct.values !== first.each && first.distinct.index === undefined;
  const keys = isOneForAll ? [] : positions.map((rows) => ({ values: linear(rows, 'k').each }));
  const scoresOf = (query: ApartRows): tf.Tensor2D[] => {
    if (!isOneForAll) return keys.map((key) => score({ values: query.each }, key, heads));
    const scale = 1 / Math.sqrt(params.k.shape[1] / heads);
    const factor: tf.Tensor2D = stopGradient(tf.mul(query.distinct.values, scale));
    return positions.map((rows) => {
      const scores = scoreOfOne(query, rows, { weight: params.k, factor, heads });
      return uses.linear(`${prefix}.k`, rows.distinct, scores, { factor });
    });
  };
  const values = positions.map((rows) => ({ values: linear(rows, 'v').each }));
  return queries.map((rows) => {
    const mixed = unshared(mix(scoresOf(linear(rows, 'q')), values, heads));
    const stream: tf.Tensor2D = tf.add(rows.each, linear(mixed, 'head_out').each);
    const hidden = tf.relu(linear(unshared(stream), 'ff1').each); // [rows, dFF]
    return unshared(tf.add(stream, linear(unshared(hidden), 'ff2').each));
  });
}

/** Logits at the last position, [rows, classes]; marks every use of every parameter. */
export function markedGptForward(
  { layers, heads }: GptConfig,
  params: GptParams,
  batch: TokenBatch,
  uses: Uses,
): tf.Tensor2D {
  let stream = embed(batch, params, uses);
  for (let layer = 0; layer < layers; layer++) {
    const isLast = layer === layers - 1;
    const prefix = `blocks.${layer}`;
    const weights = params.blocks[layer] as GptBlockParams;
    stream = block(stream, isLast ? stream.slice(-1) : stream, weights, { heads, prefix, uses });
  }
  const [last] = stream.slice(-1) as [ApartRows];
  return uses.linear('out', last.each, tf.matMul(last.each, params.out));
}
