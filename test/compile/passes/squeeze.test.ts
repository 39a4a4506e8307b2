import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { removeDeadCode } from '../../../lib/compile/passes/dead-code';
import { simplify } from '../../../lib/compile/passes/simplify';
import { squeeze } from '../../../lib/compile/passes/squeeze';
import { drawn, expectSameNumbers, float, forms, graphOf, type InputSpec } from './graphs';

const int = (...shape: number[]): InputSpec => ({ dtype: 'int32', shape });

describe('axes of length one are left out', () => {
  it.each<[string, (...x: tf.Tensor[]) => tf.Tensor | tf.Tensor[], InputSpec[], string[]]>([
    [
      'of elementwise kernels',
      (a, b) => tf.mul(a, b),
      [float(3, 1, 2, 1), float(2, 1)],
      ['Reshape[3,2]', 'Reshape[1,2]', 'Multiply[3,2]', 'Reshape[3,1,2,1]'],
    ],
    [
      'from operands that broadcast along others',
      (a, b) => tf.add(a, b),
      [float(1, 3, 1), float(1, 1, 2)],
      ['Reshape[3,1]', 'Reshape[1,2]', 'Add[3,2]', 'Reshape[1,3,2]'],
    ],
    [
      'to matrices, not further',
      (a) => tf.relu(a),
      [float(1, 1, 3)],
      ['Reshape[1,3]', 'Relu[1,3]', 'Reshape[1,1,3]'],
    ],
    [
      'of choices',
      (a, b) => tf.where(tf.greater(a, 0), a, b),
      [float(2, 1, 3), float(2, 1, 3)],
      ['Reshape[2,3]', 'Greater[2,3]', 'Reshape[2,3]', 'Reshape[2,3]', 'Select[2,3]', 'Reshape[2,1,3]'],
    ],
    [
      'from transposes that then move nothing',
      (x) => tf.transpose(x, [1, 0, 2]),
      [float(3, 1, 2)],
      ['Reshape[1,3,2]'],
    ],
    [
      'not from those that move something',
      (x) => tf.transpose(x, [2, 1, 0]),
      [float(3, 1, 2)],
      ['Transpose[2,1,3]'],
    ],
    ['of sums', (x) => tf.sum(x, [-1, 1]), [float(3, 1, 2)], ['Reshape[3,2]', 'Sum[3]']],
    [
      'of sums that keep them',
      (x) => tf.sum(x, 2, true),
      [float(3, 1, 2)],
      ['Reshape[3,2]', 'Sum[3]', 'Reshape[3,1,1]'],
    ],
    ['of sums over nothing else', (x) => tf.sum(x, 1), [float(3, 1, 2)], ['Reshape[3,2]']],
    ['of sums over all', (x) => tf.sum(x), [float(3, 1, 2)], ['Reshape[3,2]', 'Sum[]']],
    ['of maxima', (x) => tf.max(x, -3), [float(3, 1, 2)], ['Reshape[3,2]', 'Max[2]', 'Reshape[1,2]']],
    [
      'of minima',
      (x) => tf.min(x, [0, 1], true),
      [float(3, 1, 2)],
      ['Reshape[3,2]', 'Min[2]', 'Reshape[1,1,2]'],
    ],
    [
      'of indices',
      (x, i) => tf.gather(x, tf.zerosLike(i)),
      [float(4, 2), int(3, 1)],
      ['Reshape[3]', 'GatherV2[3,2]', 'Reshape[3,1,2]'],
    ],
    [
      'of segments',
      (x) => tf.unsortedSegmentSum(x, tf.tensor2d([0, 2, 1], [3, 1], 'int32') as never, 3),
      [float(3, 1, 2, 2)],
      ['Reshape[3,4]', 'Reshape[3]', 'UnsortedSegmentSum[3,4]', 'Reshape[3,2,2]'],
    ],
    [
      'of one product',
      (a, b) => tf.matMul(a, b, true),
      [float(1, 3, 2), float(1, 3, 4)],
      ['Reshape[3,2]', 'Reshape[3,4]', 'BatchMatMul[2,4]', 'Reshape[1,2,4]'],
    ],
    [
      'of a batch times one matrix',
      (a, b) => tf.matMul(a, b, false, true),
      [float(2, 3, 4), float(1, 5, 4)],
      ['Reshape[6,4]', 'Reshape[5,4]', 'BatchMatMul[6,5]', 'Reshape[2,3,5]'],
    ],
    [
      'not where the batch is transposed',
      (a, b) => tf.matMul(a, b, true),
      [float(2, 4, 3), float(1, 4, 5)],
      ['BatchMatMul[2,3,5]'],
    ],
    [
      'of columns times rows',
      (a, b) => tf.matMul(a, b),
      [float(2, 3, 1), float(2, 1, 4)],
      ['Multiply[2,3,4]'],
    ],
    [
      'of columns times rows that lie down',
      (a, b) => tf.matMul(a, b, true, true),
      [float(2, 1, 3), float(2, 4, 1)],
      ['Reshape[2,3,1]', 'Reshape[2,1,4]', 'Multiply[2,3,4]'],
    ],
    [
      'of rows times columns',
      (a, b) => tf.matMul(a, b),
      [float(2, 3, 1, 4), float(1, 3, 4, 1)],
      ['Reshape[1,3,1,4]', 'Multiply[2,3,1,4]', 'Sum[2,3,1,1]'],
    ],
    [
      'of rows times columns turned over',
      (a, b) => tf.matMul(a, b, true, true),
      [float(2, 4, 1), float(2, 1, 4)],
      ['Reshape[2,1,4]', 'Multiply[2,1,4]', 'Sum[2,1,1]'],
    ],
    [
      'not of two batches',
      (a, b) => tf.matMul(a, b),
      [float(2, 3, 4), float(2, 4, 5)],
      ['BatchMatMul[2,3,5]'],
    ],
    [
      'not of matrices',
      (a, b) => tf.add(tf.matMul(a, b), 1),
      [float(3, 1), float(1, 2)],
      ['BatchMatMul[3,2]', 'Add[3,2]'],
    ],
    [
      'of integers',
      (a, b) => tf.mul(tf.matMul(a, b), tf.scalar(2, 'int32')),
      [int(1, 2, 3), int(1, 3, 2)],
      ['Reshape[2,3]', 'Reshape[3,2]', 'BatchMatMul[2,2]', 'Multiply[2,2]', 'Reshape[1,2,2]'],
    ],
    [
      'of nothing, which stays as it is',
      (a) => tf.sum(tf.relu(a), 1),
      [float(0, 1, 2)],
      ['Relu[0,1,2]', 'Sum[0,2]'],
    ],
  ])('%s', async (_, f, specs, expected) => {
    const graph = simplify(graphOf((...x) => f(...x), ...specs));
    const after = squeeze(graph);
    expect(forms(removeDeadCode(simplify(after)))).toEqual(expected);
    await expectSameNumbers(graph, after, drawn(specs), 0);
  });
});

describe('broadcasting', () => {
  const shapes = [[2, 1, 3], [1, 3], [3], [1], [], [2, 1, 1], [1, 2, 1, 3]];
  it.each(shapes.map((shape) => [shape]))('with [%s] keeps values', async (shape) => {
    const specs = [float(2, 1, 3), float(...shape)];
    const graph = graphOf(
      (a, b) => {
        const x = [
          tf.sub(b as tf.Tensor, a as tf.Tensor),
          tf.squaredDifference(a as tf.Tensor, b as tf.Tensor),
        ];
        return [...x, tf.where(tf.less(a as tf.Tensor, b as tf.Tensor), a as tf.Tensor, b as tf.Tensor)];
      },
      ...specs,
    );
    await expectSameNumbers(graph, squeeze(graph), drawn(specs), 0);
  });
});
