import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { compileFunction, EXACT_PASSES, PASSES, type Pass, toHost } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { asGptParams, type GptConfig, gptForward } from '../../lib/models/gpt';
import { initializeGpt, treeOfNames } from '../../lib/models/initialize';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { selectRows, type TokenBatch, tokenBatch } from '../../lib/models/rows';
import {
  TRUE_GRAD_FORMS,
  type TrueGradForm,
  type Uses,
  valueGradsAndSquares,
} from '../../lib/models/true-grad';
import { namedHostTensors } from '../../lib/train/state';

const sizes = (layers: number): GptConfig => ({
  vocabulary: 5,
  sequenceLength: 3,
  classes: 4,
  dModel: 8,
  heads: 2,
  dFF: 12,
  layers,
});

const EQUALS = 4;

function paramsOf(config: GptConfig, seed = 3): Params {
  const named = namedHostTensors(initializeGpt(config, 'paper', seed));
  return treeOfNames(
    named.map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape]) as tf.Tensor] as const),
  );
}

/** Rows a, b, "=" with repeated tokens, pairs of equal ones, and pairs seen twice. */
const PAIRS: readonly (readonly [number, number])[] = [
  [0, 1],
  [1, 1],
  [3, 2],
  [0, 0],
  [2, 3],
  [1, 1],
  [0, 3],
];
const tokensOf = (pairs: readonly (readonly [number, number])[]) =>
  Int32Array.from(pairs.flatMap(([a, b]) => [a, b, EQUALS]));
const answers = (pairs: readonly (readonly [number, number])[]) =>
  Int32Array.from(pairs, ([a, b]) => (a + 2 * b) % 4);

const oneHot = (labels: Int32Array | tf.Tensor1D) =>
  tf.cast(
    tf.oneHot(labels instanceof Int32Array ? tf.tensor1d(labels, 'int32') : labels, 4),
    'float32',
  ) as tf.Tensor2D;

/** The squares of the GPT as it trains, every parameter's in order. */
function squaresOf(
  config: GptConfig,
  params: Params,
  batch: TokenBatch,
  labels: tf.Tensor2D,
  form: TrueGradForm,
) {
  const { squares } = valueGradsAndSquares(
    (p, uses) => crossEntropy(gptForward(config, asGptParams(p), batch, uses), labels),
    params,
    { examples: batch.rows, form },
  );
  return namedTensors(squares).map(([, tensor]) => tensor);
}

/** (1/B)·Σ gᵢ², one gradient a row, added in float64. */
function bruteForce(config: GptConfig, params: Params, pairs: readonly (readonly [number, number])[]) {
  const sums = new Map<string, Float64Array>();
  for (const pair of pairs) {
    tf.tidy(() => {
      const batch = tokenBatch(tokensOf([pair]), 3, config.vocabulary);
      const { grads } = valueAndGrads(
        (p) => crossEntropy(gptForward(config, asGptParams(p), batch), oneHot(answers([pair]))),
        params,
      );
      for (const [name, gradient] of namedTensors(grads)) {
        const squares = Float64Array.from(gradient.dataSync(), (g) => g ** 2 / pairs.length);
        sums.set(name, sums.get(name)?.map((sum, i) => sum + (squares[i] as number)) ?? squares);
      }
    });
  }
  return [...sums];
}

describe.each([1, 2])('squares of the GPT, %i blocks', (layers) => {
  const config = sizes(layers);
  const params = paramsOf(config);
  const tensors = namedTensors(params).map(([, tensor]) => tensor);
  const names = namedTensors(params).map(([name]) => name);
  const treeOf = (inputs: readonly tf.Tensor[]): Params =>
    treeOfNames(names.map((name, i) => [name, inputs[i] as tf.Tensor] as const));

  it('are those of one gradient a row, all rows alike included', () => {
    const groups = [
      PAIRS,
      [[2, 2]],
      [
        [1, 3],
        [1, 3],
        [1, 3],
      ],
      [
        [1, 0],
        [1, 2],
      ],
    ] as const;
    for (const pairs of groups) {
      const batch = tokenBatch(tokensOf(pairs), 3, config.vocabulary);
      const squares = squaresOf(config, params, batch, oneHot(answers(pairs)), 'exact');
      for (const [i, [name, expected]] of bruteForce(config, params, pairs).entries()) {
        expect(squares[i]?.dataSync(), `${name} ${pairs}`).toMatchReference(expected, 1e-4);
      }
    }
  });
});
