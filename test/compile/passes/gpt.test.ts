import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { plainGpt } from '../../../bench/models/plain-gpt.mjs';
import { compileFunction, type HostTensor } from '../../../lib/compile';
import type { Graph } from '../../../lib/compile/graph';
import { optimize } from '../../../lib/compile/passes';
import { LONGEST_CUT } from '../../../lib/compile/passes/unroll/rules';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { asGptParams, type GptConfig, gptForward, gptShapes } from '../../../lib/models/gpt';
import { initializeGpt, treeOfNames } from '../../../lib/models/initialize';
import { crossEntropy } from '../../../lib/models/loss';
import { tokenBatch } from '../../../lib/models/rows';
import { namedHostTensors } from '../../../lib/train/state';
import { count, float, graphOf, multiplyAdds, run } from './graphs';

type Form = 'plain' | 'oneHot' | 'reduced';

const config = (layers: number, sequenceLength: number, dModel = 8, classes = 5): GptConfig => ({
  vocabulary: classes + 1,
  sequenceLength,
  classes,
  dModel,
  heads: dModel === 8 ? 2 : 4,
  dFF: 4 * dModel,
  layers,
});

/** Rows of numbers that end with "=", as in arithmetic. */
function tokensOf({ sequenceLength, classes }: GptConfig, rows: number): Int32Array {
  return Int32Array.from({ length: rows * sequenceLength }, (_, i) => {
    const [row, position] = [Math.floor(i / sequenceLength), i % sequenceLength];
    return position === sequenceLength - 1
      ? classes
      : (row * (3 + position) + (row >> 3) + position) % classes;
  });
}

/** Loss and gradients of the GPT in one of its forms. */
function step(model: GptConfig, rows: number, form: Form): (inputs: tf.Tensor[]) => tf.Tensor[] {
  const { sequenceLength, vocabulary, classes } = model;
  const names = [...gptShapes(model).keys()];
  const tokens = tokensOf(model, rows);
  const logitsOf = (params: ReturnType<typeof asGptParams>) =>
    form === 'reduced'
      ? gptForward(model, params, tokenBatch(tokens, sequenceLength, vocabulary))
      : plainGpt(
          model,
          params,
          tf.tensor2d(tokens, [rows, sequenceLength], 'int32'),
          form === 'plain' ? 'gather' : 'oneHot',
        );
  return (inputs) => {
    const labels = tf.tensor1d(
      Int32Array.from({ length: rows }, (_, row) => (row * 3) % classes),
      'int32',
    );
    const oneHot = tf.cast(tf.oneHot(labels, classes), 'float32') as tf.Tensor2D;
    const loss = (...weights: tf.Tensor[]) => {
      const tree = treeOfNames(names.map((name, i): [string, tf.Tensor] => [name, weights[i] as tf.Tensor]));
      return crossEntropy(logitsOf(asGptParams(tree)), oneHot);
    };
    const { value, grads } = tf.valueAndGrads(loss)(inputs);
    return [value, ...grads];
  };
}

function traced(model: GptConfig, rows: number, form: Form): Graph {
  const specs = [...gptShapes(model).values()].map((shape) => float(...shape));
  return graphOf((...inputs) => step(model, rows, form)(inputs), ...specs);
}

const weights = (model: GptConfig): HostTensor[] =>
  namedHostTensors(initializeGpt(model, 'paper', 1)).map(([, tensor]) => tensor);

describe('a GPT written plainly', () => {
  it.each([
    [1, 2],
    [1, 3],
    [1, LONGEST_CUT],
    [1, LONGEST_CUT + 1],
    [2, 3],
    [2, 4],
    [3, 3],
  ])(
    'of %i layers and %i positions: the loss and gradients of the hand-reduced one',
    async (layers, length) => {
      const model = config(layers, length);
      const rows = 20;
      const expected = await run(traced(model, rows, 'reduced'), weights(model));
      const actual = await run(optimize(traced(model, rows, 'plain')), weights(model));
      expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
      for (const [i, { data }] of expected.entries()) {
        expect(actual[i]?.data).toMatchReference(data as Float32Array, 1e-4);
      }
    },
  );

  describe('of write-up 2’s size', () => {
    const model = config(1, 3, 128, 113);
    const rows = 3830;
    const reduced = optimize(traced(model, rows, 'reduced'));

    it('multiplies at most 3 % more than the hand-reduced one, a quarter of what it says', () => {
      const graph = traced(model, rows, 'plain');
      const plain = optimize(graph);
      expect(multiplyAdds(plain)).toBeLessThanOrEqual(1.03 * multiplyAdds(reduced));
      expect(multiplyAdds(plain)).toBeLessThan(0.25 * multiplyAdds(graph));
      expect(count(plain, 'PadV2') + count(plain, 'Softmax')).toBe(0);
      const moved = plain.nodes
        .filter(({ op }) => op === 'Transpose')
        .map(({ outputs: [y] }) => y?.shape.length);
      expect(moved.filter((rank) => rank !== 2)).toEqual([]);
    });
  });

  it('gives the same bits on any number of threads', async () => {
    const model = config(1, 3, 32, 23);
    const given = weights(model);
    const bits = await Promise.all(
      [1, 2, 3].map(async (threads) => {
        const compiled = await compileFunction(onnxRuntimeNode, step(model, 529, 'plain'), given, {
          threads,
        });
        const results = await compiled.run(given);
        await compiled.release();
        return results.map(({ data }) => [...data]);
      }),
    );
    expect(bits[1]).toEqual(bits[0]);
    expect(bits[2]).toEqual(bits[0]);
  });
});
