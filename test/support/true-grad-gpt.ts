/** @file The squared gradients of a small GPT: as it trains, written plainly, and one gradient a row. */
import * as tf from '@tensorflow/tfjs-core';
import { compileFunction, type Pass, toHost } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { asGptParams, type GptConfig, gptForward } from '../../lib/models/gpt';
import { initializeGpt, treeOfNames } from '../../lib/models/initialize';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { type TokenBatch, tokenBatch } from '../../lib/models/rows';
import { type TrueGradForm, type Uses, valueGradsAndSquares } from '../../lib/models/true-grad';
import { namedHostTensors } from '../../lib/train/state';
import { expectAtLeastSquare, expectRoots, meanOfSquares } from './squares';

export const sizes = (layers: number): GptConfig => ({
  vocabulary: 5,
  sequenceLength: 3,
  classes: 4,
  dModel: 8,
  heads: 2,
  dFF: 12,
  layers,
});

const EQUALS = 4;

export function paramsOf(config: GptConfig, seed = 3): Params {
  const named = namedHostTensors(initializeGpt(config, 'paper', seed));
  return treeOfNames(
    named.map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape]) as tf.Tensor] as const),
  );
}

/** Rows a, b, "=" with repeated tokens, pairs of equal ones, and pairs seen twice. */
export const PAIRS: readonly (readonly [number, number])[] = [
  [0, 1],
  [1, 1],
  [3, 2],
  [0, 0],
  [2, 3],
  [1, 1],
  [0, 3],
];
export const tokensOf = (pairs: readonly (readonly [number, number])[]) =>
  Int32Array.from(pairs.flatMap(([a, b]) => [a, b, EQUALS]));
export const answers = (pairs: readonly (readonly [number, number])[]) =>
  Int32Array.from(pairs, ([a, b]) => (a + 2 * b) % 4);

export const oneHot = (labels: Int32Array | tf.Tensor1D) =>
  tf.cast(
    tf.oneHot(labels instanceof Int32Array ? tf.tensor1d(labels, 'int32') : labels, 4),
    'float32',
  ) as tf.Tensor2D;

/** The squares of the GPT as it trains, every parameter's in order. */
export function squaresOf(
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

/** (1/B)·Σ gᵢ², one gradient a row. */
export function bruteForce(config: GptConfig, params: Params, pairs: readonly (readonly [number, number])[]) {
  const loss = (row: number, p: Params) => {
    const own = [pairs[row] as readonly [number, number]];
    const batch = tokenBatch(tokensOf(own), 3, config.vocabulary);
    return crossEntropy(gptForward(config, asGptParams(p), batch), oneHot(answers(own)));
  };
  return [...meanOfSquares(loss, params, pairs.length)];
}

/** The model written plainly, every position of every row by itself, with its uses marked. */
export function plainForward(config: GptConfig, params: Params, tokens: Int32Array, uses: Uses): tf.Tensor2D {
  const { tok_embed, pos_embed, blocks, out } = asGptParams(params);
  const { heads, dModel, sequenceLength: length, layers } = config;
  let stream = Array.from({ length }, (_, t) => {
    const ids = tf.tensor1d(
      tokens.filter((_token, i) => i % length === t),
      'int32',
    );
    const row: tf.Tensor2D = tf.slice(pos_embed, [t, 0], [1, -1]);
    const found = uses.embedding('tok_embed', ids, tf.gather(tok_embed, ids) as tf.Tensor2D);
    return uses.position('pos_embed', t, tf.add(found, row));
  });
  for (let layer = 0; layer < layers; layer++) {
    const linear = (x: tf.Tensor2D, name: 'q' | 'k' | 'v' | 'head_out' | 'ff1' | 'ff2') =>
      uses.linear(`blocks.${layer}.${name}`, x, tf.matMul(x, blocks[layer]?.[name] as tf.Tensor2D));
    const byHead = (x: tf.Tensor2D): tf.Tensor3D => tf.reshape(x, [x.shape[0], heads, dModel / heads]);
    const [q, k, v] = (['q', 'k', 'v'] as const).map((name) =>
      stream.map((x) => byHead(linear(x, name))),
    ) as [tf.Tensor3D[], tf.Tensor3D[], tf.Tensor3D[]];
    stream = stream.map((x, t) => {
      const scores = k.map((key) =>
        tf.div(tf.sum(tf.mul(q[t] as tf.Tensor3D, key), 2), Math.sqrt(dModel / heads)),
      );
      const shares = tf.softmax(tf.stack(scores, 2)); // [rows, heads, positions]
      const mixed = tf.sum(tf.mul(tf.expandDims(shares, 3), tf.stack(v, 2)), 2);
      const mid: tf.Tensor2D = tf.add(x, linear(tf.reshape(mixed, [-1, dModel]), 'head_out'));
      return tf.add(mid, linear(tf.relu(linear(mid, 'ff1')), 'ff2'));
    });
  }
  const last = stream.at(-1) as tf.Tensor2D;
  return uses.linear('out', last, tf.matMul(last, out));
}

/** Runs a function of the parameters compiled, in double precision or with the passes given. */
export async function compiled(
  f: (inputs: tf.Tensor[]) => readonly tf.Tensor[],
  inputs: readonly tf.Tensor[],
  options: { readonly precision?: 'float64'; readonly passes?: readonly Pass[] },
) {
  const examples = inputs.map(toHost);
  const program = await compileFunction(onnxRuntimeNode, f, examples, { threads: 1, ...options } as object);
  try {
    return (await program.run(examples)).map(({ data }) => data as ArrayLike<number>);
  } finally {
    await program.release();
  }
}

/** A GPT with `layers` blocks, and its squares as functions of its parameters, reduced and plain. */
export function gptCase(layers: number) {
  const config = sizes(layers);
  const params = paramsOf(config);
  const names = namedTensors(params).map(([name]) => name);
  const tensors = namedTensors(params).map(([, tensor]) => tensor);
  const treeOf = (inputs: readonly tf.Tensor[]): Params =>
    treeOfNames(names.map((name, i) => [name, inputs[i] as tf.Tensor] as const));
  const batch = tokenBatch(tokensOf(PAIRS), 3, config.vocabulary);
  const labels = answers(PAIRS);
  const reduced =
    (form: TrueGradForm) =>
    (inputs: readonly tf.Tensor[]): tf.Tensor[] =>
      squaresOf(config, treeOf(inputs), batch, oneHot(labels), form);
  const plain =
    (form: TrueGradForm) =>
    (inputs: readonly tf.Tensor[]): tf.Tensor[] => {
      const { squares } = valueGradsAndSquares(
        (p, uses) => crossEntropy(plainForward(config, p, tokensOf(PAIRS), uses), oneHot(labels)),
        treeOf(inputs),
        { examples: PAIRS.length, form },
      );
      return namedTensors(squares).map(([, tensor]) => tensor);
    };

  return { config, params, names, tensors, treeOf, batch, labels, reduced, plain };
}

/** Expects the roots of exact squares in float64 to be those of one gradient a row (`expectRoots`), and squares at least g². */
export async function expectExactInFloat64(
  layers: number,
  pairs: readonly (readonly [number, number])[],
): Promise<void> {
  const { config, names, tensors, treeOf } = gptCase(layers);
  const batch = tokenBatch(tokensOf(pairs), 3, config.vocabulary);
  const results = await compiled(
    (inputs) => {
      const params = treeOf(inputs);
      const loss = (p: Params) =>
        crossEntropy(gptForward(config, asGptParams(p), batch), oneHot(answers(pairs)));
      return [
        ...squaresOf(config, params, batch, oneHot(answers(pairs)), 'exact'),
        ...bruteForce(config, params, pairs).map(([, squares]) => squares),
        ...namedTensors(valueAndGrads(loss, params).grads).map(([, gradient]) => gradient),
      ];
    },
    tensors,
    { precision: 'float64' },
  );
  for (const [i, name] of names.entries()) {
    const [squares, expected, gradient] = [0, 1, 2].map((block) => results[block * names.length + i]) as [
      ArrayLike<number>,
      ArrayLike<number>,
      ArrayLike<number>,
    ];
    expectRoots(squares, expected, name);
    expectAtLeastSquare(squares, gradient, name);
  }
}
