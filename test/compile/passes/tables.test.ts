import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { cond } from '../../../lib/compile';
import type { Graph } from '../../../lib/compile/graph';
import { removeDeadCode } from '../../../lib/compile/passes/dead-code';
import { foldConstants } from '../../../lib/compile/passes/fold-constants';
import { simplify } from '../../../lib/compile/passes/simplify';
import { computeOnTables } from '../../../lib/compile/passes/tables';
import { host } from '../kernels/arbitraries';
import { drawn, expectSameNumbers, float, forms, graphOf, type InputSpec, run } from './graphs';

const ROWS = 12;
const ids = (size: number, rows = ROWS) =>
  tf.tensor1d(
    Int32Array.from({ length: rows }, (_, i) => (i * 5 + 1) % size),
    'int32',
  );
const look = (T: tf.Tensor, size = T.shape[0] as number) => tf.gather(T, ids(size));
/** The same row for all. */
const same = (T: tf.Tensor, row = 1) => tf.gather(T, tf.fill([ROWS], row, 'int32') as tf.Tensor1D);
const sums = (x: tf.Tensor, segments: tf.Tensor, count: number) =>
  tf.unsortedSegmentSum(x, segments as tf.Tensor1D, count);

const cleaned = (graph: Graph) => removeDeadCode(simplify(foldConstants(graph)));
const onTables = (graph: Graph) => removeDeadCode(simplify(computeOnTables(cleaned(graph))));

type Result = tf.Tensor | tf.Tensor[];

describe('what is computed for rows looked up is computed for the table', () => {
  it.each<[string, (...x: tf.Tensor[]) => Result, InputSpec[], string[]]>([
    [
      'of functions: f(gather(T, i)) = gather(f(T), i)',
      (T) => tf.relu(tf.neg(look(T))),
      [float(4, 2)],
      ['Neg[4,2]', 'Relu[4,2]', 'GatherV2[12,2]'],
    ],
    [
      'with what all rows share',
      (T, b) => tf.add(look(T), b),
      [float(4, 2), float(2)],
      ['Add[4,2]', 'GatherV2[12,2]'],
    ],
    [
      'of two tables by one index',
      (T, U) => tf.mul(look(T), look(U)),
      [float(4, 2), float(4, 1)],
      ['Multiply[4,2]', 'GatherV2[12,2]'],
    ],
    [
      'of a table and one row',
      (T, U) => tf.sub(look(T), same(U)),
      [float(4, 2), float(3, 2)],
      ['GatherV2[1,2]', 'Sub[4,2]', 'GatherV2[12,2]'],
    ],
    [
      'of one row',
      (U) => tf.relu(same(U)),
      [float(3, 2)],
      ['GatherV2[1,2]', 'Relu[1,2]', 'BroadcastTo[12,2]'],
    ],
    ['of sums along other axes', (T) => tf.sum(look(T), -1), [float(4, 2)], ['Sum[4]', 'GatherV2[12]']],
    [
      'of maxima along other axes',
      (T) => tf.max(look(T), 1, true),
      [float(4, 2)],
      ['Max[4,1]', 'GatherV2[12,1]'],
    ],
    [
      'of other shapes of the same rows',
      (T) => tf.relu(tf.reshape(look(T), [ROWS, 2, 1, 2])),
      [float(4, 4)],
      ['Reshape[4,2,1,2]', 'Relu[4,2,1,2]', 'GatherV2[12,2,1,2]'],
    ],
  ])('%s', async (_, f, specs, expected) => {
    const graph = graphOf((...x) => f(...x), ...specs);
    const after = onTables(graph);
    expect(forms(after)).toEqual(expected);
    await expectSameNumbers(graph, after, drawn(specs), 0);
  });
});

describe('sums of products with rows looked up', () => {
  it('are sums of what is not, by index, times the table', async () => {
    const specs = [float(4, 3, 5), float(ROWS, 3, 1)];
    const graph = graphOf((T, u) => tf.sum(tf.mul(u as tf.Tensor, look(T as tf.Tensor)), 0), ...specs);
    const after = onTables(graph);
    expect(forms(after)).toEqual(['UnsortedSegmentSum[4,3,1]', 'Multiply[4,3,5]', 'Sum[3,5]']);
    await expectSameNumbers(graph, after, drawn(specs), 0);
  });

  it('by segments, with the one row that all have, sum the other factor alone', async () => {
    const specs = [float(1, 3, 5), float(ROWS, 3, 1)];
    const graph = graphOf(
      (row, u) => sums(tf.reshape(tf.mul(u as tf.Tensor, row as tf.Tensor), [ROWS, 15]), ids(4), 4),
      ...specs,
    );
    const after = onTables(graph);
    expect(forms(after)).toEqual(['UnsortedSegmentSum[4,3,1]', 'Multiply[4,3,5]', 'Reshape[4,15]']);
    await expectSameNumbers(graph, after, drawn(specs), 0);
  });
});

describe('what is not finite and not used', () => {
  /** What the passed graph computes of these numbers, having looked that the untouched one says the same. */
  async function checked(graph: Graph, ...data: number[][]): Promise<number[]> {
    const after = onTables(graph);
    expect(forms(after)).not.toEqual(forms(cleaned(graph)));
    const inputs = graph.inputs.map(({ shape }, i) => host(data[i] as number[], [...shape]));
    const numbers = async (each: Graph) => [...((await run(each, inputs))[0]?.data ?? [])];
    const result = await numbers(after);
    expect(result).toEqual(await numbers(graph));
    return result;
  }
  const u = Array.from({ length: ROWS }, (_, row) => row + 1);

  it.each([[Number.POSITIVE_INFINITY], [Number.NaN]])(
    '%d in rows of a table that are never looked up is in no sum',
    async (spoilt) => {
      const graph = graphOf(
        (T, x) => tf.sum(tf.mul(x as tf.Tensor, look(T as tf.Tensor, 4)), 0),
        float(6, 3),
        float(ROWS, 1),
      );
      const table = Array.from({ length: 18 }, (_, i) => (i < 12 ? i : spoilt));
      expect(await checked(graph, table, u)).toSatisfy((sum: number[]) => sum.every(Number.isFinite));
    },
  );

  it.each([
    ['all indices inside', 0],
    ['some outside', 2],
  ])('empty segments are 0 where the row that all have is not finite: %s', async (_, less) => {
    const indices = tf.tensor1d(
      u.map((row) => 2 * (row % 4) - less),
      'int32',
    );
    const graph = graphOf(
      (row, x) => sums(tf.mul(x as tf.Tensor, row as tf.Tensor), indices, 8),
      float(1, 2),
      float(ROWS, 1),
    );
    const result = await checked(graph, [Number.POSITIVE_INFINITY, 1], u);
    expect(result.slice(0, 4)).toEqual([Number.POSITIVE_INFINITY, expect.any(Number), 0, 0]);
  });
});

describe('nothing is moved', () => {
  it.each<[string, (...x: tf.Tensor[]) => Result, InputSpec[]]>([
    ['to a table with more than half of the rows', (T) => tf.relu(look(T)), [float(7, 2)]],
    ['with operands of all rows', (T, x) => tf.add(look(T), x), [float(4, 2), float(ROWS, 2)]],
    ['from rows of different indices', (T) => tf.add(look(T), look(T, 3)), [float(4, 2)]],
    [
      'from tables of different lengths',
      (T, U) => tf.add(look(T, 4), look(U, 4)),
      [float(4, 2), float(5, 2)],
    ],
    ['from columns looked up', (T) => tf.relu(tf.gather(T, ids(3), 1)), [float(3, 3)]],
    ['of sums over the rows', (T) => tf.max(look(T), 0), [float(4, 2)]],
  ])('%s', async (_, f, specs) => {
    const graph = graphOf((...x) => f(...x), ...specs);
    expect(forms(onTables(graph))).toEqual(forms(cleaned(graph)));
    await expectSameNumbers(graph, onTables(graph), drawn(specs), 0);
  });

  it('by indices known only when the program runs', () => {
    const graph = graphOf((T, i) => tf.relu(tf.gather(T as tf.Tensor, i as tf.Tensor1D)), float(4, 2), {
      dtype: 'int32',
      shape: [ROWS],
    });
    expect(forms(onTables(graph))).toEqual(['GatherV2[12,2]', 'Relu[12,2]']);
  });
});

describe('values are kept', () => {
  const T: InputSpec = float(4, 3);
  const specs = [T, float(ROWS, 4, 3), float(3), float(ROWS, 1, 1)];
  it.each<[string, (T: tf.Tensor, x: tf.Tensor, v: tf.Tensor, u: tf.Tensor) => Result]>([
    [
      'of vectors looked up that lie along another axis',
      (_, x, v) =>
        tf.add(tf.reshape(x, [4 * ROWS, 3]), tf.reshape(tf.slice(tf.gather(v, ids(3)), 0, 3), [1, 3])),
    ],
    [
      'of a vector of looked-up numbers along the columns',
      (_, x, v) => tf.add(tf.gather(v, ids(3)), tf.reshape(tf.slice(x, 0, 4), [4, 12])),
    ],
    [
      'of a vector of looked-up numbers and one row',
      (_, x, v) =>
        tf.mul(
          tf.gather(v, ids(3)),
          tf.gather(tf.reshape(x, [12, 12]), tf.fill([20], 2, 'int32') as tf.Tensor1D),
        ),
    ],
    [
      'of one number along the columns of a column',
      (_, x, v) =>
        tf.mul(
          tf.gather(v, tf.fill([ROWS], 2, 'int32') as tf.Tensor1D),
          tf.slice(tf.reshape(x, [12, 12]), [0, 3], [-1, 1]),
        ),
    ],
    [
      'of rows of a matrix in a stack of matrices',
      (t, x, _, u) =>
        tf.mul(tf.slice(look(t), 0, 8), tf.reshape(tf.slice(u, 0, 5), [5, 1, 1])).add(tf.sum(x)),
    ],
    ['of one row of a matrix in a stack of matrices', (t, _, __, u) => tf.mul(u, same(t))],
    [
      'of what is wider than the table is long',
      (t, _, v) => tf.sum(tf.add(tf.reshape(tf.mul(look(t), 2), [ROWS, 3, 1]), tf.tile(v, [3])), 2),
    ],
    ['of sums of products with a matrix of repeated rows', (t, _, __, u) => tf.sum(tf.mul(u, same(t)), 0)],
    ['of sums of products with a matrix of rows looked up', (t, _, __, u) => tf.sum(tf.mul(u, look(t)), 0)],
    [
      'of sums by one index, some outside of it',
      (t, _, __, u) =>
        sums(tf.mul(tf.reshape(u, [ROWS, 1]), look(t)), tf.cast(tf.greater(ids(5), 2), 'int32'), 1),
    ],
    [
      'of sums by one index, all of it',
      (t, _, __, u) => sums(tf.mul(tf.reshape(u, [ROWS, 1]), look(t)), tf.zeros([ROWS], 'int32'), 1),
    ],
    [
      'of sums by segments, some outside',
      (_, __, v, u) => sums(tf.mul(tf.reshape(u, [ROWS, 1]), v), tf.sub(ids(5), tf.scalar(1, 'int32')), 3),
    ],
    ['of sums of two products', (_, __, v, u) => tf.sum(tf.add(tf.mul(u, v), tf.mul(v, tf.neg(u))), 0)],
    [
      'of sums of products that stay',
      (_, x, v, u) => [tf.sum(tf.mul(u, v), 0, true), tf.mul(u, v), tf.sum(tf.mul(x, u), 0)],
    ],
    ['of choices by row', (t) => tf.where(tf.greater(look(t), 0), same(t), look(t))],
    ['of choices between rows', (t, _, v) => tf.where(tf.greater(same(t), 0), look(t), tf.mul(look(t), v))],
    ['of integers', (t) => tf.mul(tf.cast(look(t), 'int32'), tf.scalar(2, 'int32'))],
    ['of truths', (t) => tf.logicalAnd(tf.greater(look(t), 0), tf.logicalNot(tf.greater(same(t), 0)))],
    ['of rows looked up among rows looked up', (t) => tf.relu(tf.gather(tf.neg(look(t)), ids(ROWS, 30)))],
    [
      'in nested blocks',
      (t, _, v, u) => {
        const y = tf.mul(look(t), v);
        const choice = cond(
          tf.greater(tf.sum(t), 0),
          () => ({ z: tf.relu(y), s: tf.sum(tf.mul(u, v), 0) }),
          () => ({ z: tf.add(y, look(t)), s: tf.sum(tf.mul(tf.neg(u), v), 0) }),
        );
        return [choice.z, choice.s, tf.abs(y)];
      },
    ],
  ])('%s', async (_, f) => {
    const graph = graphOf((...x) => f(...(x as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor])), ...specs);
    await expectSameNumbers(graph, onTables(graph), drawn(specs), 0);
    await expectSameNumbers(graph, computeOnTables(graph), drawn(specs), 0);
  });
});
