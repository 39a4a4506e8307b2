/** Shapes that do not fit are refused while tracing, where tfjs's kernels, which would check them, do not run. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { CompileError } from '../../../lib/compile';
import { functionModel } from '../../../lib/compile/onnx/programs';
import { messageOf } from '../../support/one-line';
import { float, graphOf } from '../passes/graphs';

const ones = (...shape: number[]) => tf.ones(shape);

describe('an operation on shapes that do not fit is refused with its line', () => {
  it.each<[string, (x: tf.Tensor) => tf.Tensor, string]>([
    [
      'Add',
      (x) => tf.add(x, ones(4)),
      '(float32[2, 3], float32[4]) cannot be compiled: the shapes [2, 3] and [4] do not broadcast',
    ],
    ['Multiply', (x) => tf.mean(tf.mul(x, ones(4))), 'the shapes [2, 3] and [4] do not broadcast'],
    ['Sub', (x) => tf.sub(ones(2, 2, 3), tf.reshape(x, [3, 2, 1])), 'do not broadcast'],
    ['Prelu', (x) => tf.prelu(x, ones(2)), 'do not broadcast'],
    ['BatchMatMul', (x) => tf.matMul(x, ones(4, 1)), 'the inner dimensions 3 and 4 differ'],
    ['BatchMatMul', (x) => tf.matMul(x, ones(3, 4), true), 'the inner dimensions 2 and 3 differ, transposed'],
    [
      'BatchMatMul',
      (x) => tf.matMul(tf.reshape(x, [2, 1, 3]), ones(3, 3, 1)),
      '[2] and [3] do not broadcast',
    ],
    ['Concat', (x) => tf.concat([x, ones(2, 4)], 0), 'joined along axis 0'],
    ['Pack', (x) => tf.stack([x, ones(2, 4)]), 'one shape'],
    ['Reshape', (x) => tf.reshape(x, [4]), 'its 6 elements do not have the shape [4]'],
    ['Reshape', (x) => tf.reshape(x, [4, -1]), 'its 6 elements do not have the shape [4, -1]'],
    ['Slice', (x) => tf.slice(x, [1, 0], [2, 3]), 'it has no slice of size [2, 3] at [1, 0]'],
    [
      'SplitV',
      (x) => tf.split(x, 2, 1)[0] as tf.Tensor,
      'its axis 1 of length 3 does not split into 2 equal parts',
    ],
    ['SplitV', (x) => tf.split(x, [1, 1], 1)[0] as tf.Tensor, 'does not split into [1, 1]'],
    ['UnsortedSegmentSum', (x) => tf.unsortedSegmentSum(x, tf.tensor1d([0, 1, 0], 'int32'), 2), 'segment'],
  ])('%s', (kernel, f, reason) => {
    const message = messageOf(CompileError, () => functionModel(graphOf(f, float(2, 3))));
    expect(message).toContain(`the operation '${kernel}' on (`);
    expect(message).toContain(reason);
    expect(message).toMatch(/; called at [^;\n]*shapes\.test\.ts:\d+:\d+$/);
  });

  it('a choice, by the kernel itself', () => {
    const choose = (x: tf.Tensor) =>
      tf.engine().runKernel('Select', {
        condition: tf.greater(x, 0),
        t: x,
        e: ones(4),
      }) as tf.Tensor;
    expect(messageOf(CompileError, () => functionModel(graphOf(choose, float(2, 3))))).toContain(
      'do not broadcast',
    );
  });
});
