import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFunction } from '../../../lib/compile';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { agree, agreeOn, type Case } from './agreement';
import { filled, host, tensors } from './arbitraries';

describe('operations that tfjs makes of others', () => {
  const matrix = filled([4, 5], 'float32', { low: -2, high: 2 }, 3);

  it('agree with eager tfjs', () =>
    agree([
      { name: 'logSoftmax', f: (x) => tf.logSoftmax(x, -1), inputs: [matrix] },
      {
        name: 'logicalXor',
        f: (a, b) => tf.logicalXor(a, b),
        inputs: [host([0, 0, 1, 1], [4], 'bool'), host([0, 1, 0, 1], [4], 'bool')],
      },
      {
        name: 'bounds',
        f: (a, b) => [tf.lowerBound(a, b), tf.upperBound(a, b)],
        inputs: [host([1, 2, 2, 4], [1, 4]), host([2, 0, 9], [1, 3])],
        gradient: false,
      },
      { name: 'bandPart', f: (x) => tf.linalg.bandPart(x, 1, -1), inputs: [matrix] },
      {
        name: 'pool',
        f: (x) => tf.pool(x as tf.Tensor3D, [2, 2], 'max', 'valid'),
        inputs: [filled([4, 4, 2], 'float32', {}, 7)],
      },
    ]));
});

describe('fused kernels', () => {
  const ACTIVATIONS = ['linear', 'relu', 'relu6', 'elu', 'sigmoid'] as const;

  it.each(ACTIVATIONS)('a dense layer with bias and %s agrees with eager tfjs', (activation) =>
    agreeOn(
      'BatchMatMul',
      fc
        .tuple(fc.integer({ min: 1, max: 4 }), fc.boolean(), fc.boolean())
        .chain(([n, transposeA, transposeB]) =>
          fc.tuple(
            tensors(transposeA ? [3, 2] : [2, 3]),
            tensors(transposeB ? [n, 3] : [3, n]),
            tensors([n]),
            fc.constant({ transposeA, transposeB }),
          ),
        )
        .map(
          ([a, b, bias, options]): Case => ({
            name: `[${a.shape}]·[${b.shape}]`,
            f: (x, y, z) =>
              tf.fused.matMul({ a: x as tf.Tensor2D, b: y as tf.Tensor2D, bias: z, activation, ...options }),
            inputs: [a, b, bias],
            absolute: true,
          }),
        ),
    ),
  );

  it('leaky and parametric relu, and no bias', () => {
    const [a, b] = [filled([2, 3], 'float32', {}, 1), filled([3, 4], 'float32', {}, 2)];
    return agree([
      {
        name: 'leaky',
        f: (x, y) =>
          tf.fused.matMul({
            a: x as tf.Tensor2D,
            b: y as tf.Tensor2D,
            activation: 'leakyrelu',
            leakyreluAlpha: 0.3,
          }),
        inputs: [a, b],
      },
      {
        name: 'parametric',
        f: (x, y, weights) =>
          tf.fused.matMul({
            a: x as tf.Tensor2D,
            b: y as tf.Tensor2D,
            activation: 'prelu',
            preluActivationWeights: weights as tf.Tensor,
          }),
        inputs: [a, b, host([0.5, -0.25, 0, 2])],
      },
    ]);
  });

  it('convolutions', () => {
    const x = filled([1, 5, 5, 2], 'float32', {}, 1);
    const options = { strides: 1, pad: 'same', activation: 'relu' } as const;
    return agree([
      {
        name: 'conv2d',
        f: (image, filter, bias) =>
          tf.fused.conv2d({
            x: image as tf.Tensor4D,
            filter: filter as tf.Tensor4D,
            bias: bias as tf.Tensor1D,
            ...options,
          }),
        inputs: [x, filled([3, 3, 2, 3], 'float32', {}, 2), host([0.5, -1, 2])],
      },
      {
        name: 'depthwiseConv2d',
        f: (image, filter, bias) =>
          tf.fused.depthwiseConv2d({
            x: image as tf.Tensor4D,
            filter: filter as tf.Tensor4D,
            bias: bias as tf.Tensor1D,
            ...options,
          }),
        inputs: [x, filled([3, 3, 2, 1], 'float32', {}, 4), host([0.5, -1])],
      },
    ]);
  });

  it('batch normalisation, with and without scale and offset', () => {
    const statistics = [host([0.5, -1, 2]), host([1, 0.25, 4])];
    return agree(
      [[3], [2, 3], [2, 2, 3], [2, 2, 2, 3]].flatMap((shape): Case[] => {
        const x = filled(shape, 'float32', {}, 5);
        return [
          {
            name: `of [${shape}]`,
            f: (y, mean, variance) =>
              tf.batchNorm(y as tf.Tensor2D, mean as tf.Tensor1D, variance as tf.Tensor1D),
            inputs: [x, ...statistics],
            gradient: false,
          },
          {
            name: `of [${shape}] with scale and offset`,
            f: (y, mean, variance, offset, scale) =>
              tf.batchNorm(
                y as tf.Tensor2D,
                mean as tf.Tensor1D,
                variance as tf.Tensor1D,
                offset as tf.Tensor1D,
                scale as tf.Tensor1D,
                1e-5,
              ),
            inputs: [x, ...statistics, host([1, 2, 3]), host([0.5, 2, -1])],
            tolerance: 3e-5,
          },
        ];
      }),
    );
  });
});

describe('sequences', () => {
  const compiled = async (f: () => tf.Tensor) => {
    const program = await compileFunction(
      onnxRuntimeNode,
      ([x]) => [tf.add(tf.cast(x as tf.Tensor, 'float32'), tf.cast(f(), 'float32'))],
      [{ dtype: 'float32', shape: [] }],
    );
    const [result] = await program.run([host([0], [])]);
    await program.release();
    return [[...(result?.data ?? [])], program.graph.nodes.map(({ op }) => op)];
  };

  it.each([
    ['up', () => tf.range(0, 5, 2)],
    ['down by itself', () => tf.range(3, 0)],
    ['down', () => tf.range(5, 0, -2)],
    ['of integers', () => tf.range(2, 9, 3, 'int32')],
    ['of one', () => tf.linspace(3, 7, 1)],
    ['between two numbers', () => tf.linspace(-1, 1, 5)],
  ])('%s are known while tracing', async (_, f) => {
    expect(await compiled(f)).toEqual([[...f().dataSync()], ['Add']]);
  });

  it('that are empty', () =>
    agree([
      { name: 'no range', f: (x) => tf.concat([x, tf.range(2, 2)]), inputs: [host([1])] },
      { name: 'the wrong way', f: (x) => tf.concat([x, tf.range(0, 3, -1)]), inputs: [host([1])] },
    ]));

  it('round each number once, where tfjs adds up steps', async () => {
    const [numbers] = await compiled(() => tf.range(0, 1, 0.1));
    expect(numbers).toEqual([...Float32Array.from({ length: 10 }, (_, i) => i * 0.1)]);
  });
});
