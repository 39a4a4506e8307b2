/** @file Logits of a trained model for any rows of tokens, by one compiled forward pass. */
import type * as tf from '@tensorflow/tfjs-core';
import {
  compileFunction,
  type HostTensor,
  type HostTree,
  type Runtime,
  type RuntimeOptions,
} from '../compile';
import { treeOfNames } from './initialize';
import type { Model } from './model';
import type { Params } from './params';
import { type TokenBatch, tokenBatch } from './rows';

/** Most rows that one call takes; keeps activations of the widest layers below some hundred megabytes. */
const ROWS_A_CALL = 16_384;

/**
 * Logits of a model's answers, without dropout. The forward pass is compiled once, for as many rows as one call takes;
 * longer lists of rows are cut into calls of equal length.
 *
 * @param params Host tensors in the form of the model's parameters.
 * @param tokens Row-major [rows, sequenceLength].
 * @returns [rows, answers · classes], a row's logits of the first answer, then those of the second where there is one
 * @throws ArgumentError for a token outside the vocabulary or an incomplete row.
 */
export async function predict(
  model: Model,
  params: HostTree,
  tokens: Int32Array,
  runtime: Runtime,
  options: RuntimeOptions = {},
): Promise<HostTensor> {
  const { sequenceLength, vocabulary, classes } = model.config;
  const names = [...model.shapes.keys()];
  const weights = names.map((name) => tensorAt(params, name));
  const batch = tokenBatch(tokens, sequenceLength, vocabulary);
  const calls = Math.ceil(batch.rows / ROWS_A_CALL);
  const rows = Math.ceil(batch.rows / calls);
  const forward = await compileFunction(
    runtime,
    (inputs: tf.Tensor[]) => {
      const tree = treeOfNames(names.map((name, i) => [name, inputs[i] as tf.Tensor] as const));
      const index = inputs.slice(names.length) as tf.Tensor1D[];
      return [model.forward(tree as Params, withIndex(batch, rows, index))];
    },
    [...weights, ...indexOf(batch, 0, rows)],
    options,
  );
  try {
    const answers = (forward.graph.outputs[0]?.shape[0] as number) / rows;
    const width = answers * classes;
    const data = new Float32Array(batch.rows * width);
    for (let first = 0; first < batch.rows; first += rows) {
      const [logits] = (await forward.run([...weights, ...indexOf(batch, first, rows)])) as [HostTensor];
      for (let row = 0; row < Math.min(rows, batch.rows - first); row++) {
        for (let answer = 0; answer < answers; answer++) {
          const start = (answer * rows + row) * classes; // answer-major within a call
          data.set(logits.data.subarray(start, start + classes), (first + row) * width + answer * classes);
        }
      }
    }
    return { dtype: 'float32', shape: [batch.rows, width], data };
  } finally {
    await forward.release();
  }
}

/** The positions whose tokens differ between rows; the others need no index. */
function varying({ positions }: TokenBatch): { tokens: Int32Array; index: Int32Array }[] {
  return positions.flatMap(({ tokens, index }) =>
    tokens.length > 1 && index instanceof Int32Array ? [{ tokens, index }] : [],
  );
}

/** Which distinct token each of some rows has at the varying positions; rows beyond the last have the first. */
function indexOf(batch: TokenBatch, first: number, rows: number): HostTensor[] {
  return varying(batch).map(({ index }) => {
    const data = new Int32Array(rows);
    data.set(index.subarray(first, first + rows));
    return { dtype: 'int32', shape: [rows], data };
  });
}

/** A batch of as many rows whose tokens are told by tensors, one for each varying position. */
function withIndex(batch: TokenBatch, rows: number, index: readonly tf.Tensor1D[]): TokenBatch {
  const given = index.values();
  return {
    rows,
    positions: batch.positions.map(({ tokens }) => ({
      tokens,
      index: tokens.length > 1 ? (given.next().value as tf.Tensor1D) : new Int32Array(rows),
    })),
  };
}

function tensorAt(params: HostTree, name: string): HostTensor {
  return name
    .split('.')
    .reduce((node, key) => (node as Record<string, HostTree>)[key] as HostTree, params) as HostTensor;
}
