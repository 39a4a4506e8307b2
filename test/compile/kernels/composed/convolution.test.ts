import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFunction } from '../../../../lib/compile';
import { convolutions } from '../../../../lib/compile/kernels/composed/convolution';
import { onnxRuntimeNode } from '../../../../lib/compile/runtime.node';
import { agreeOn, type Case, refusalOf } from '../agreement';
import { filled, tensors } from '../arbitraries';
import { differencesMatchOn } from '../drawn-differences';

type Shape4D = [number, number, number, number];
type Pair = [number, number];
type Padding = 'same' | 'valid' | number | [Pair, Pair, Pair, Pair];

const pair = (most: number) => fc.tuple(fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: most }));

interface Call {
  readonly image: Shape4D;
  readonly filter: Shape4D;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly pad: Padding;
}

/** Layers whose windows fit into the padded image; strides and dilations exclude each other, as tfjs demands. */
const calls: fc.Arbitrary<Call> = fc
  .record({
    batch: fc.integer({ min: 1, max: 2 }),
    height: fc.integer({ min: 3, max: 6 }),
    width: fc.integer({ min: 3, max: 6 }),
    channels: pair(3),
    filter: pair(3),
    spacing: pair(2),
    dilated: fc.boolean(),
    pad: fc.constantFrom<Padding>('same', 'valid', 1, [
      [0, 0],
      [1, 0],
      [0, 2],
      [0, 0],
    ]),
  })
  .map(({ batch, height, width, channels, filter, spacing, dilated, pad }) => ({
    image: [batch, height, width, channels[0]] as Shape4D,
    filter: [...filter, ...channels] as Shape4D,
    strides: dilated ? ([1, 1] as Pair) : spacing,
    dilations: dilated ? spacing : ([1, 1] as Pair),
    pad,
  }))
  .filter(
    ({ image, filter, dilations }) =>
      (filter[0] - 1) * dilations[0] < image[1] && (filter[1] - 1) * dilations[1] < image[2],
  );

const layerCase = (apply: (x: tf.Tensor4D, filter: tf.Tensor4D, call: Call) => tf.Tensor) =>
  calls.chain((call) =>
    fc.tuple(tensors(call.image), tensors(call.filter)).map(
      (inputs): Case => ({
        name: JSON.stringify(call),
        f: (x, filter) => apply(x as tf.Tensor4D, filter as tf.Tensor4D, call),
        inputs,
      }),
    ),
  );

const conv2d = layerCase((x, filter, { strides, pad, dilations }) =>
  tf.conv2d(x, filter, strides, pad as 'same', 'NHWC', dilations),
);

const depthwise = layerCase((x, filter, { strides, pad, dilations }) =>
  tf.depthwiseConv2d(x, filter, strides, pad as 'same', 'NHWC', dilations),
);

/** The transposed convolution that undoes the strides of a convolution to the drawn image. */
const transposed: fc.Arbitrary<Case> = calls
  .filter(({ pad, dilations }) => typeof pad === 'string' && dilations.every((d) => d === 1))
  .chain(({ image, filter, strides, pad }) => {
    const { outShape } = tf.backend_util.computeConv2DInfo(image, filter, strides, 1, pad as 'same');
    return fc.tuple(tensors(outShape), tensors(filter)).map((inputs) => ({
      name: `[${outShape}] to [${image}] by [${filter}], strides ${strides}, ${pad}`,
      f: (x, weights) =>
        tf.conv2dTranspose(x as tf.Tensor4D, weights as tf.Tensor4D, image, strides, pad as 'same'),
      inputs,
    }));
  });

const CASES = { conv2d, depthwise, transposed };

describe('convolutions', () => {
  it.each(Object.entries(CASES))('%s agrees with eager tfjs', (_, drawn) =>
    agreeOn(undefined, drawn, { batches: 1 }),
  );

  it.each(Object.entries(CASES))('%s has gradients that agree with finite differences', (_, drawn) =>
    differencesMatchOn(drawn, 4),
  );

  it.each(Object.entries(CASES))('%s agrees in float64', (_, drawn) =>
    agreeOn(undefined, drawn, { precision: 'float64', batches: 1 }),
  );

  it('are all reached by these and their gradients', () =>
    expect(Object.keys(convolutions).sort()).toEqual([
      'Conv2D',
      'Conv2DBackpropFilter',
      'Conv2DBackpropInput',
      'DepthwiseConv2dNative',
      'DepthwiseConv2dNativeBackpropFilter',
      'DepthwiseConv2dNativeBackpropInput',
    ]));

  it('conv1d and separableConv2d, made of them, agree with eager tfjs', () =>
    agreeOn(
      undefined,
      fc.constantFrom<Case>(
        {
          name: 'conv1d',
          f: (x, filter) => tf.conv1d(x as tf.Tensor3D, filter as tf.Tensor3D, 2, 'same'),
          inputs: [filled([2, 7, 3], 'float32', {}, 1), filled([3, 3, 2], 'float32', {}, 2)],
        },
        {
          name: 'separable',
          f: (x, depth, point) =>
            tf.separableConv2d(x as tf.Tensor4D, depth as tf.Tensor4D, point as tf.Tensor4D, 1, 'valid'),
          inputs: [
            filled([1, 5, 4, 2], 'float32', {}, 1),
            filled([2, 2, 2, 2], 'float32', {}, 2),
            filled([1, 1, 4, 3], 'float32', {}, 3),
          ],
        },
      ),
      { batches: 1 },
    ));

  it('and their gradients give the same bits with one thread and two', async () => {
    const inputs = [filled([16, 12, 12, 8], 'float32', {}, 1), filled([3, 3, 8, 16], 'float32', {}, 2)];
    const loss = (x: tf.Tensor, filter: tf.Tensor) =>
      tf.sum(tf.tanh(tf.conv2d(tf.div(x, 3) as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same')));
    const [one, two] = await Promise.all(
      [1, 2].map(async (threads) => {
        const compiled = await compileFunction(
          onnxRuntimeNode,
          (given) => tf.grads(loss as (...given: tf.Tensor[]) => tf.Tensor)(given),
          inputs,
          { threads },
        );
        const gradients = await compiled.run(inputs);
        await compiled.release();
        return gradients.map(({ data }) => data);
      }),
    );
    expect(two).toEqual(one);
  });

  it('of channels first are refused', () => {
    const message = refusalOf(
      (x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'valid', 'NCHW'),
      { dtype: 'float32', shape: [1, 2, 4, 4] },
      { dtype: 'float32', shape: [2, 2, 2, 3] },
    );
    expect(message).toContain(
      "'Conv2D' on (float32[1, 2, 4, 4], float32[2, 2, 2, 3]) cannot be compiled: its data format is NCHW; use NHWC",
    );
  });
});
