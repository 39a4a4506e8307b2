import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type HostTree, isHostTensor, leavesOf, withBackend } from '../../lib/compile';
import { randomStream } from '../../lib/data/random';
import { ArgumentError } from '../../lib/errors';
import { convNet } from '../../lib/models/conv-net';
import type { ImageClassifier } from '../../lib/models/image-classifier';
import { treeOfNames } from '../../lib/models/initialize';
import { crossEntropy } from '../../lib/models/loss';
import { mlp } from '../../lib/models/mlp';
import { namedTensors, type Params, toTensors, valueAndGrads } from '../../lib/models/params';
import { type TrueGradForm, type Uses, valueGradsAndSquares } from '../../lib/models/true-grad';
import { DEVICES } from '../support/devices';
import { messageOf } from '../support/one-line';

const images = (rows: number, pixels: number) =>
  tf.tensor2d(randomStream(1, 'images').normals(rows * pixels, 1), [rows, pixels]);

/** The initial parameters as eager tensors, the tree and by name. */
function parametersOf(model: ImageClassifier, seed = 3) {
  const tree = toTensors(model.init(seed));
  return { tree, named: new Map(namedTensors(tree)) };
}

describe('mlp and convNet', () => {
  it('compute what layers of tfjs with the same weights compute', () => {
    withBackend('cpu', () =>
      tf.tidy(() => {
        const dense = (units: number, relu = false) =>
          tf.layers.dense({ units, ...(relu ? { activation: 'relu' } : {}) });
        const conv = (filters: number, strides: number) =>
          tf.layers.conv2d({ filters, kernelSize: 3, strides, padding: 'same', activation: 'relu' });
        const pairs: [ImageClassifier, tf.layers.Layer[]][] = [
          [mlp({ hidden: 6 }), [tf.layers.flatten(), dense(6, true), dense(10)]],
          [
            convNet({ side: 9, channels: [2, 3], classes: 4 }),
            [conv(2, 2), conv(3, 3), tf.layers.flatten(), dense(4)],
          ],
        ];
        for (const [model, layers] of pairs) {
          const { tree, named } = parametersOf(model);
          const x = images(5, model.pixels);
          const side = Math.sqrt(model.pixels);
          let y: tf.Tensor = tf.reshape(x, [5, side, side, 1]);
          const weights = [...named.values()];
          for (const layer of layers) {
            layer.build(y.shape);
            if (layer.weights.length > 0) layer.setWeights(weights.splice(0, 2));
            y = layer.apply(y) as tf.Tensor;
          }
          expect(weights).toEqual([]);
          expect(model.forward(tree, x).dataSync()).toMatchReference(y.dataSync(), 1e-6);
        }
      }),
    );
  });

  it('begin as PyTorch would: uniform on ±1/√inputs, biases too, a function of the seed', () => {
    const tensorsOf = (tree: HostTree) => new Map(leavesOf(tree, isHostTensor));
    for (const [model, inputs] of [
      [mlp({ inputs: 40, hidden: 30 }), { hidden: 40, output: 30 }],
      [convNet({ side: 9 }), { conv1: 9, conv2: 72, output: 64 }],
    ] as [ImageClassifier, Record<string, number>][]) {
      const tensors = tensorsOf(model.init(7));
      expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([...model.shapes]);
      for (const [name, { data }] of tensors) {
        const bound = 1 / Math.sqrt(inputs[name.split('.')[0] as string] as number);
        const largest = Math.max(...[...data].map(Math.abs));
        expect(largest).toBeLessThanOrEqual(bound);
        expect(largest).toBeGreaterThan(0.5 * bound);
      }
      expect(model.init(7)).toEqual(model.init(7));
      expect(model.init(7)).not.toEqual(model.init(8));
    }
  });

  it('refuse sizes and images that do not fit, in one line', () => {
    expect(messageOf(ArgumentError, () => mlp({ hidden: 0 }))).toContain('hidden is 0');
    expect(messageOf(ArgumentError, () => convNet({ side: 2.5 }))).toContain('side is 2.5');
    expect(messageOf(ArgumentError, () => convNet({ channels: [8, -1] }))).toContain('channels[1] is -1');
    withBackend('cpu', () => {
      for (const model of [mlp(), convNet()]) {
        const forward = () => model.forward(parametersOf(model).tree, images(2, 700));
        expect(messageOf(ArgumentError, forward)).toContain('the images are [2, 700], expected [rows, 784]');
      }
    });
  });
});

describe('the marked uses', () => {
  const ROWS = 4;
  const labels = tf.tidy(() => tf.tensor1d([2, 0, 1, 2], 'int32'));
  const oneHot = (rows: tf.Tensor1D) => tf.cast(tf.oneHot(rows, 3), 'float32') as tf.Tensor2D;
  const models: [string, ImageClassifier][] = [
    ['mlp', mlp({ inputs: 25, hidden: 6, classes: 3 })],
    ['convNet', convNet({ side: 5, channels: [2, 3], strides: [1, 2], classes: 3 })],
  ];

  /** S by its definition: the mean of the squared gradients of rows taken one by one. */
  function bruteForce(model: ImageClassifier, tree: Params, x: tf.Tensor2D): Map<string, Float64Array> {
    const means = new Map<string, Float64Array>();
    for (let row = 0; row < ROWS; row++) {
      const own = oneHot(tf.slice(labels, [row], [1]));
      const loss = (params: Params) =>
        crossEntropy(model.forward(params, tf.slice(x, [row, 0], [1, -1])), own);
      for (const [name, gradient] of namedTensors(valueAndGrads(loss, tree).grads)) {
        const mean = means.get(name) ?? new Float64Array(gradient.size);
        means.set(name, mean);
        gradient.dataSync().forEach((g, i) => {
          mean[i] = (mean[i] as number) + g ** 2 / ROWS;
        });
      }
    }
    return means;
  }

  for (const device of DEVICES) {
    it.each(models)(
      `give %s the mean squared gradient of single images, ${device.name}`,
      async (_, model) => {
        const { x, names, weights, reference } = withBackend('cpu', () => {
          const { tree, named } = parametersOf(model);
          const x = images(ROWS, model.pixels);
          return {
            x,
            names: [...named.keys()],
            weights: [...named.values()],
            reference: bruteForce(model, tree, x),
          };
        });
        const squares = (form: TrueGradForm) =>
          device.run(
            ([given, classes, ...rest]) => {
              const tree = treeOfNames(names.map((name, i) => [name, rest[i] as tf.Tensor] as const));
              const loss = (params: Params, uses: Uses) =>
                crossEntropy(
                  model.forward(params, given as tf.Tensor2D, uses),
                  oneHot(classes as tf.Tensor1D),
                );
              const { squares } = valueGradsAndSquares(loss, tree, { examples: ROWS, form });
              const named = new Map(namedTensors(squares));
              return names.map((name) => named.get(name) as tf.Tensor);
            },
            [x, labels, ...weights],
          );
        const exact = await squares('exact');
        const token = await squares('token');
        names.forEach((name, i) => {
          const expected = reference.get(name) as Float64Array;
          expect(exact[i], name).toMatchReference(expected, 2e-5);
          // A convolution uses its kernel and its bias at many places, a matrix once: only there do the forms differ.
          const matched = () => expect(token[i], name).toMatchReference(expected, 1e-3);
          if (name.startsWith('conv')) expect(matched).toThrow();
          else matched();
        });
      },
    );
  }
});
