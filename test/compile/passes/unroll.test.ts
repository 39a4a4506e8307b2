import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { cond } from '../../../lib/compile';
import type { Graph } from '../../../lib/compile/graph';
import { removeDeadCode } from '../../../lib/compile/passes/dead-code';
import { foldConstants } from '../../../lib/compile/passes/fold-constants';
import { simplify } from '../../../lib/compile/passes/simplify';
import { unrollShortAxes } from '../../../lib/compile/passes/unroll';
import { LONGEST_CUT } from '../../../lib/compile/passes/unroll/rules';
import { filled } from '../kernels/arbitraries';
import { count, drawn, expectSameBits, expectSameNumbers, float, forms, graphOf } from './graphs';

const ROWS = 6;
const LENGTH = 3;
const WIDTH = 2;
const TABLE = float(5, WIDTH);
const table = filled([5, WIDTH], 'float32', {}, 1);
/** Tokens of rows that all end alike. */
const TOKENS = Int32Array.from({ length: ROWS * LENGTH }, (_, i) => (i % LENGTH === 2 ? 4 : (i * 7) % 4));

const tokens = () => tf.tensor2d(TOKENS, [ROWS, LENGTH], 'int32');
const embed = (T: tf.Tensor) => tf.gather(T, tokens());
const lastOf = (x: tf.Tensor) => tf.slice(x, [0, LENGTH - 1, 0], [-1, 1, -1]);

const cleaned = (graph: Graph) => removeDeadCode(simplify(foldConstants(graph)));
const unrolled = (graph: Graph) => cleaned(unrollShortAxes(cleaned(graph)));

describe('an embedding of short rows', () => {
  it('leaves the work of the last position, where a slice takes it', async () => {
    const graph = graphOf(
      (T, W) => {
        const x = tf.matMul(tf.reshape(embed(T), [ROWS * LENGTH, WIDTH]), W as tf.Tensor2D);
        return lastOf(tf.relu(tf.reshape(x, [ROWS, LENGTH, 3])));
      },
      TABLE,
      float(WIDTH, 3),
    );
    expect(forms(cleaned(graph))).toEqual([
      'GatherV2[6,3,2]',
      'Reshape[18,2]',
      'BatchMatMul[18,3]',
      'Reshape[6,3,3]',
      'Relu[6,3,3]',
      'Slice[6,1,3]',
    ]);
    const after = unrolled(graph);
    expect(forms(after)).toEqual([
      'GatherV2[6,1,2]',
      'Reshape[6,2]',
      'BatchMatMul[6,3]',
      'Reshape[6,1,3]',
      'Relu[6,1,3]',
    ]);
    await expectSameBits(graph, after, [table, filled([WIDTH, 3], 'float32', {}, 2)]);
  });

  it('does not multiply the zeros that a slice’s gradient pads with', async () => {
    const gradient = tf.grads((T, W) =>
      tf.sum(
        tf.square(lastOf(tf.reshape(tf.matMul(tf.reshape(embed(T), [-1, WIDTH]), W), [ROWS, LENGTH, 3]))),
      ),
    );
    const graph = graphOf((...inputs) => gradient(inputs), TABLE, float(WIDTH, 3));
    expect(count(graph, 'PadV2')).toBe(1);
    const after = unrolled(graph);
    expect(forms(after).filter((form) => /^(PadV2|Concat|BatchMatMul|Unsorted)/.test(form))).toEqual([
      'BatchMatMul[6,3]',
      'BatchMatMul[6,2]',
      'BatchMatMul[2,3]',
      'UnsortedSegmentSum[5,2]',
    ]);
    await expectSameNumbers(graph, after, [table, filled([WIDTH, 3], 'float32', {}, 2)], 1e-6);
  });

  it('attends without moving elements about', async () => {
    const heads = 2;
    const graph = graphOf((T) => {
      const split = (x: tf.Tensor) =>
        tf.transpose(tf.reshape(x, [ROWS, LENGTH, heads, WIDTH / heads]), [0, 2, 1, 3]);
      const x = split(embed(T));
      const shares = tf.softmax(tf.matMul(x, x, false, true));
      return tf.reshape(tf.transpose(tf.matMul(shares, x), [0, 2, 1, 3]), [ROWS, LENGTH, WIDTH]);
    }, TABLE);
    expect(count(graph, 'Transpose')).toBeGreaterThan(1);
    const after = unrolled(graph);
    expect(count(after, 'Softmax')).toBe(0);
    // Those of the pieces have an axis of length one, which `squeeze` leaves out.
    const longest = after.nodes
      .filter(({ op }) => op === 'Transpose')
      .map(({ outputs: [y] }) => y?.shape.filter((d) => d > 1).length);
    expect(Math.max(...(longest as number[]))).toBeLessThanOrEqual(2);
    await expectSameNumbers(graph, after, [table], 1e-6);
  });

  it.each([
    ['the sum over it', (x: tf.Tensor) => tf.sum(x, 1), 'Add[6,1,2]'],
    ['its largest', (x: tf.Tensor) => tf.max(x, -2, true), 'Maximum[6,1,2]'],
    ['its smallest', (x: tf.Tensor) => tf.min(x, [1]), 'Minimum[6,2]'],
  ])('takes %s position by position', async (_, f, form) => {
    const graph = graphOf((T) => f(embed(T)), TABLE);
    const after = unrolled(graph);
    expect(forms(after).map((text) => text.replace('[6,1,2]', '[6,2]'))).toContain(
      form.replace('[6,1,2]', '[6,2]'),
    );
    await expectSameBits(graph, after, [table]);
  });
});

describe('values are kept', () => {
  const flat = (x: tf.Tensor) => tf.reshape(x, [ROWS, LENGTH * WIDTH]);
  it.each<[string, (x: tf.Tensor, u: tf.Tensor) => tf.Tensor | tf.Tensor[]]>([
    ['positions merged into rows', (x) => flat(x)],
    ['products over merged positions', (x, u) => tf.matMul(flat(x), tf.tile(u, [WIDTH, 1]))],
    ['merged positions sliced and summed', (x) => tf.sum(tf.slice(flat(x), [1, 1], [3, 4]), 1)],
    ['merged positions split otherwise', (x) => tf.max(tf.reshape(flat(x), [ROWS, WIDTH, LENGTH]), 1)],
    ['a slice from a single number', (x) => tf.slice(x, 2)],
    ['a slice of some rows', (x) => tf.slice(x, 1, 3)],
    ['a slice of positions', (x) => tf.slice(x, [0, 1], [2, 2])],
    ['axes in another order', (x) => tf.transpose(tf.add(x, 1), [1, 2, 0])],
    ['zeros and a row', (x, u) => tf.sum(tf.add(tf.pad(lastOf(x), PADDED), tf.slice(u, 0, 1)), 0)],
    [
      'zeros and a column',
      (x) => tf.sum(tf.maximum(tf.pad(lastOf(x), PADDED), tf.slice(x, [0, 0, 0], [6, 1, 1])), 2),
    ],
    ['a function that makes something of zero', (x) => tf.sum(tf.step(tf.pad(lastOf(x), PADDED), 2), 2)],
    ['zeros less something', (x) => tf.sub(tf.pad(lastOf(x), PADDED), x)],
    ['something less zeros', (x) => tf.sub(x, tf.pad(lastOf(x), PADDED))],
    ['zeros compared', (x) => tf.greater(tf.pad(lastOf(x), PADDED), tf.slice(x, 0, 1))],
    ['all zeros', (x) => tf.slice(tf.pad(lastOf(x), PADDED), [0, 0, 0], [-1, 1, -1])],
    ['the largest of zeros and others', (x) => tf.max(tf.pad(tf.neg(tf.square(lastOf(x))), PADDED), 1)],
    ['the largest of truths', (x) => tf.max(tf.cast(tf.greater(x, 0), 'int32'), 1)],
    ['integers', (x) => tf.sum(tf.mul(tf.cast(x, 'int32'), tf.scalar(3, 'int32')), 1)],
    ['columns times rows', (x) => tf.matMul(x, x, true, false)],
    ['rows times columns', (x) => tf.matMul(x, x, false, true)],
    ['one matrix for all', (x, u) => tf.matMul(x, u, false, true)],
    [
      'a larger operand of one part',
      (x, u) => tf.add(tf.slice(x, 0, 1), tf.tile(tf.expandDims(u), [4, 1, 1])),
    ],
    ['a choice by rows', (x) => tf.where(tf.greater(tf.slice(x, 0, 1), 0), x, tf.mul(x, 2))],
    ['one result twice and a part', (x) => [tf.relu(x), tf.relu(x), lastOf(x)]],
    ['positions joined to others', (x) => tf.concat([x, tf.neg(x)], 1)],
    [
      'sums by segments, some of them outside',
      (x) => tf.unsortedSegmentSum(x, tf.tensor2d(TOKENS, [ROWS, LENGTH], 'int32') as never, 3),
    ],
  ])('%s', async (_, f) => {
    const graph = graphOf((T, U) => f(embed(T), U as tf.Tensor), TABLE, float(LENGTH, WIDTH));
    const inputs = drawn([TABLE, float(LENGTH, WIDTH)]);
    // Exactly, but for the signs of zeros.
    await expectSameNumbers(graph, unrollShortAxes(graph), inputs, 0);
    await expectSameNumbers(graph, unrolled(graph), inputs, 0);
  });

  it('padded positions joined again are padded', () => {
    const graph = graphOf(
      (x) =>
        tf.pad(x, [
          [0, 0],
          [2, 1],
          [0, 0],
        ]),
      float(ROWS, 1, WIDTH),
    );
    expect(forms(unrolled(graph))).toEqual(['PadV2[6,4,2]']);
  });

  it('of a nested block that uses pieces from around it', async () => {
    const graph = graphOf(
      (T, u) => {
        const x = tf.relu(embed(T));
        const chosen = cond(
          tf.greater(tf.sum(u as tf.Tensor), 0),
          () => ({ y: tf.neg(lastOf(x)), z: x }),
          () => ({ y: tf.slice(embed(T), [0, 0, 0], [-1, 1, -1]), z: tf.add(x, x) }),
        );
        return [chosen.y, chosen.z, tf.square(x)];
      },
      TABLE,
      float(1),
    );
    for (const u of [-1, 1]) {
      const inputs = [...drawn([TABLE]), { dtype: 'float32', shape: [1], data: Float32Array.of(u) } as const];
      await expectSameBits(graph, unrollShortAxes(graph), inputs);
    }
  });
});

describe('nothing is cut', () => {
  it.each<[string, Graph]>([
    ['along a long axis', graphOf((T) => tf.relu(rows(T, LONGEST_CUT + 1)), TABLE)],
    ['along an axis of one', graphOf((T) => tf.relu(rows(T, 1)), TABLE)],
    [
      'where rows are looked up by a list',
      graphOf((T) => tf.relu(tf.gather(T, tf.tensor1d([0, 1], 'int32'))), TABLE),
    ],
    [
      'where the indices are not known',
      graphOf((T, i) => tf.relu(tf.gather(T, i as tf.Tensor2D)), TABLE, { dtype: 'int32', shape: [6, 3] }),
    ],
    [
      'along another axis',
      graphOf((T) => tf.relu(tf.gather(T, tf.tensor2d([0, 1, 1, 0], [2, 2], 'int32'), 1)), TABLE),
    ],
    [
      'where padding is not zero',
      graphOf(
        (T) =>
          tf.relu(
            tf.pad(
              T,
              [
                [1, 0],
                [0, 0],
              ],
              2,
            ),
          ),
        float(1, WIDTH),
      ),
    ],
    [
      'where more than one is padded',
      graphOf(
        (T) =>
          tf.relu(
            tf.pad(T, [
              [1, 0],
              [0, 0],
            ]),
          ),
        TABLE,
      ),
    ],
  ])('%s', (_, graph) => {
    const before = cleaned(graph);
    expect(forms(cleaned(unrollShortAxes(graph)))).toEqual(forms(before));
  });
});

const PADDED: [number, number][] = [
  [0, 0],
  [LENGTH - 1, 0],
  [0, 0],
];

const rows = (T: tf.Tensor, length: number) =>
  tf.gather(
    T,
    tf.tensor2d(
      new Int32Array(2 * length).map((_, i) => i % 5),
      [2, length],
      'int32',
    ),
  );
