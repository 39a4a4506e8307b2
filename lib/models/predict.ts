/** @file Logits of a trained model for any rows of tokens, by a compiled forward pass. */
import type * as tf from '@tensorflow/tfjs-core';
import {
  compileFunction,
  type HostTensor,
  type HostTree,
  type Runtime,
  type RuntimeOptions,
} from '../compile';
import { asGptParams, type GptConfig, gptForward, gptShapes } from './gpt';
import { treeOfNames } from './initialize';
import type { Params } from './params';
import { tokenBatch } from './rows';

/** Rows that one compiled call takes; keeps activations of the widest layers below some hundred megabytes. */
const ROWS_A_CALL = 16_384;

/**
 * Logits at the last position.
 * @param params Host tensors in the form of the model's parameters.
 * @param tokens Row-major [rows, sequenceLength].
 * @returns [rows, classes]
 * @throws ArgumentError for a token outside the vocabulary or an incomplete row.
 */
export async function predictGpt(
  model: GptConfig,
  params: HostTree,
  tokens: Int32Array,
  runtime: Runtime,
  options: RuntimeOptions = {},
): Promise<HostTensor> {
  const names = [...gptShapes(model).keys()];
  const tensors = names.map((name) => tensorAt(params, name));
  const width = model.sequenceLength;
  const rows = tokenBatch(tokens, width, model.vocabulary).rows;
  const data = new Float32Array(rows * model.classes);
  for (let first = 0; first < rows; first += ROWS_A_CALL) {
    const batch = tokenBatch(
      tokens.subarray(first * width, (first + ROWS_A_CALL) * width),
      width,
      model.vocabulary,
    );
    const forward = await compileFunction(
      runtime,
      (inputs: tf.Tensor[]) => {
        const tree = treeOfNames(names.map((name, i) => [name, inputs[i] as tf.Tensor] as const));
        return [gptForward(model, asGptParams(tree as Params), batch)];
      },
      tensors,
      options,
    );
    try {
      const [logits] = (await forward.run(tensors)) as [HostTensor];
      data.set(logits.data, first * model.classes);
    } finally {
      await forward.release();
    }
  }
  return { dtype: 'float32', shape: [rows, model.classes], data };
}

function tensorAt(params: HostTree, name: string): HostTensor {
  return name
    .split('.')
    .reduce((node, key) => (node as Record<string, HostTree>)[key] as HostTree, params) as HostTensor;
}
