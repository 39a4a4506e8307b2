import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { cond } from '../../../lib/compile';
import type { Graph } from '../../../lib/compile/graph';
import { optimize } from '../../../lib/compile/passes';
import { removeDeadCode } from '../../../lib/compile/passes/dead-code';
import { foldConstants } from '../../../lib/compile/passes/fold-constants';
import { reassociate } from '../../../lib/compile/passes/reassociate';
import { simplify } from '../../../lib/compile/passes/simplify';
import {
  count,
  drawn,
  expectSameNumbers,
  float,
  forms,
  graphOf,
  type InputSpec,
  multiplyAdds,
} from './graphs';

/** Many rows, which is what re-ordering is about. */
const ROWS = 512;
const indices = (rows: number, size: number) =>
  tf.tensor1d(
    Int32Array.from({ length: rows }, (_, i) => (i * 7) % size),
    'int32',
  );

const cleaned = (graph: Graph) => removeDeadCode(simplify(foldConstants(graph)));
const reordered = (graph: Graph) => cleaned(reassociate(cleaned(graph)));
const matrix = (x: tf.Tensor | undefined) => x as tf.Tensor2D;

/** The function's graph re-ordered, after a look that it computes the same. */
async function checked(
  f: (...inputs: tf.Tensor2D[]) => tf.Tensor | readonly tf.Tensor[],
  ...specs: InputSpec[]
): Promise<{ before: Graph; after: Graph }> {
  const before = graphOf((...inputs) => f(...(inputs as tf.Tensor2D[])), ...specs);
  const after = reordered(before);
  await expectSameNumbers(before, after, drawn(specs), 1e-6);
  await expectSameNumbers(before, reassociate(before), drawn(specs), 1e-6);
  return { before: cleaned(before), after };
}

describe('matrix chains are multiplied in the order of the fewest operations', () => {
  it('of three matrices', async () => {
    const { after } = await checked(
      (x, a, b) => tf.matMul(tf.matMul(x, a), b),
      float(ROWS, 2),
      float(2, 64),
      float(64, 3),
    );
    expect(forms(after)).toEqual(['BatchMatMul[2,3]', 'BatchMatMul[512,3]']);
  });

  it('transposed ones too', async () => {
    const { after } = await checked(
      (x, a, b) => tf.transpose(tf.matMul(b, tf.matMul(x, a, false, true), true, true)),
      float(ROWS, 2),
      float(64, 2),
      float(64, 3),
    );
    expect(forms(after)).toEqual(['BatchMatMul[2,3]', 'BatchMatMul[512,3]']);
  });

  it('across a sum, of which a part is multiplied out: (X + M·A)·B = X·B + M·(A·B)', async () => {
    const { before, after } = await checked(
      (x, m, a, b) => tf.matMul(tf.add(x, tf.matMul(m, a)), b),
      float(ROWS, 32),
      float(ROWS, 4),
      float(4, 32),
      float(32, 4),
    );
    expect(multiplyAdds(before)).toBe(2 * ROWS * 4 * 32);
    expect(forms(after).sort()).toEqual([
      'Add[512,4]',
      'BatchMatMul[4,4]',
      'BatchMatMul[512,4]',
      'BatchMatMul[512,4]',
    ]);
  });

  it('with A·B made once for the forward and the backward product', async () => {
    const specs = [float(ROWS, 16), float(16, 4), float(4, 64), float(64, 2)];
    const f = (...inputs: tf.Tensor[]) =>
      tf.sum(
        tf.square(
          tf.relu(
            tf.matMul(
              tf.matMul(matrix(inputs[0]), matrix(inputs[1])),
              tf.matMul(matrix(inputs[2]), matrix(inputs[3])),
            ),
          ),
        ),
      );
    const { before, after } = await checked((...inputs) => tf.grads(f)(inputs), ...specs);
    expect(
      forms(after).filter((form) => form === 'BatchMatMul[4,2]' || form === 'BatchMatMul[2,4]'),
    ).toHaveLength(2);
    expect(multiplyAdds(after)).toBeLessThanOrEqual(multiplyAdds(before));
  });

  it('through rows looked up: the table is multiplied, matMul(gather(T, i), W) = gather(matMul(T, W), i)', async () => {
    const { after } = await checked(
      (t, w) => tf.matMul(tf.gather(t, indices(ROWS, 5)), w),
      float(5, 64),
      float(64, 32),
    );
    expect(forms(after)).toEqual(['BatchMatMul[5,32]', 'GatherV2[512,32]']);
  });

  it('through sums of rows by index, of the products’ other side', async () => {
    const { after } = await checked(
      (dy, w) => tf.unsortedSegmentSum(tf.matMul(dy, w, false, true), indices(ROWS, 5), 5),
      float(ROWS, 32),
      float(64, 32),
    );
    expect(forms(after)).toEqual(['UnsortedSegmentSum[5,32]', 'BatchMatMul[5,64]']);
  });

  it('with one row for all of them looked up once', async () => {
    const { after } = await checked(
      (t, x, w) => tf.matMul(tf.add(x, tf.gather(t, tf.fill([ROWS], 3, 'int32'))), w),
      float(5, 32),
      float(ROWS, 32),
      float(32, 32),
    );
    expect(forms(after).sort()).toEqual(['Add[512,32]', 'BatchMatMul[512,32]', 'GatherV2[1,32]']);
  });

  it('and a sum over rows is taken before the product', async () => {
    const { after } = await checked((x, w) => tf.sum(tf.matMul(x, w), 0), float(ROWS, 32), float(32, 64));
    expect(multiplyAdds(after)).toBe(32 * 64);
  });
});

describe('nothing changes', () => {
  it.each<[string, (...x: tf.Tensor2D[]) => tf.Tensor, InputSpec[]]>([
    [
      'where the order is the best',
      (x, a, b) => tf.matMul(tf.matMul(x, a), b),
      [float(64, 32), float(32, 4), float(4, 32)],
    ],
    [
      'where the product is needed anyway',
      (x, a) => tf.square(tf.relu(tf.matMul(x, a))),
      [float(64, 32), float(32, 4)],
    ],
    [
      'where the table has more rows than are looked up',
      (t, w) => tf.matMul(tf.gather(t, indices(8, 40)), w),
      [float(40, 16), float(16, 16)],
    ],
    [
      'between something that is not linear',
      (x, a, b) => tf.matMul(tf.relu(tf.matMul(x, a)), b),
      [float(64, 2), float(2, 32), float(32, 2)],
    ],
  ])('%s', (_, f, specs) => {
    const graph = cleaned(graphOf((...x) => f(...(x as tf.Tensor2D[])), ...specs));
    expect(forms(reordered(graph))).toEqual(forms(graph));
  });

  it.each<[string, (...x: tf.Tensor2D[]) => tf.Tensor]>([
    ['of integers', (x, a) => tf.matMul(tf.matMul(x, a), a)],
    [
      'of batches',
      (x, a) =>
        tf.matMul(tf.matMul(tf.reshape(x, [4, 128, 2]), tf.reshape(a, [1, 2, 2])), tf.reshape(a, [1, 2, 2])),
    ],
  ])('in products %s', async (name, f) => {
    const dtype = name === 'of integers' ? 'int32' : 'float32';
    const specs: InputSpec[] = [
      { dtype, shape: [ROWS, 2] },
      { dtype, shape: [2, 2] },
    ];
    const { before, after } = await checked(f, ...specs);
    expect(forms(after)).toEqual(forms(before));
  });
});

describe('values are kept', () => {
  /** Beside something that pays, so that the whole block is written anew. */
  const paying = (x: tf.Tensor2D, a: tf.Tensor2D) =>
    tf.matMul(tf.matMul(x, tf.tile(a, [1, 16])), tf.tile(a, [16, 1]));
  it.each<[string, (x: tf.Tensor2D, a: tf.Tensor2D) => tf.Tensor | tf.Tensor[]]>([
    ['of a sum of the same matrix twice', (x, a) => tf.matMul(tf.add(x, x), a)],
    ['of a matrix times its transpose', (x) => tf.matMul(x, x, true, false)],
    ['of a row for all rows', (x, a) => tf.matMul(tf.add(x, tf.slice(a, [1, 0], [1, 2])), a)],
    ['of a row for all rows first', (x, a) => tf.matMul(tf.add(tf.slice(a, [1, 0], [1, 2]), x), a)],
    ['of a column for all columns', (x, a) => tf.matMul(tf.add(x, tf.slice(x, [0, 1], [-1, 1])), a)],
    ['of a vector', (x, a) => tf.matMul(tf.add(x, tf.reshape(tf.slice(a, 0, 1), [2])), a)],
    ['of ones that the graph has itself', (x) => tf.matMul(x, tf.ones([2, 1]))],
    ['of ones times ones', (x) => tf.matMul(tf.matMul(x, tf.ones([2, 1])), tf.ones([1, 3]))],
    ['of sums that keep the axis', (x, a) => tf.matMul(tf.sum(tf.matMul(x, a), 0, true), a)],
    ['of sums of columns', (x, a) => tf.sum(tf.matMul(x, a), 1)],
    ['of sums counted from the end', (x, a) => tf.sum(tf.matMul(x, a), -2)],
    [
      'of rows looked up twice',
      (x, a) => tf.matMul(tf.gather(tf.gather(a, indices(9, 2)), indices(ROWS, 9)), tf.slice(x, 0, 2)),
    ],
    ['of columns looked up', (_, a) => tf.matMul(a, tf.gather(a, indices(6, 2), 1))],
    ['of a gather by rows and its sum', (_, a) => tf.sum(tf.gather(a, indices(ROWS, 2)), 0)],
    [
      'of sums by index into rows that none has',
      (x, a) => tf.matMul(tf.unsortedSegmentSum(x, indices(ROWS, 3), 5) as tf.Tensor2D, a),
    ],
    [
      'of sums by index with some outside',
      (x, a) =>
        tf.matMul(
          tf.unsortedSegmentSum(
            x,
            tf.sub(indices(ROWS, 5), tf.scalar(1, 'int32')) as tf.Tensor1D,
            3,
          ) as tf.Tensor2D,
          a,
        ),
    ],
    [
      'of sums into one',
      (x, a) =>
        tf.matMul(tf.unsortedSegmentSum(x, tf.fill([ROWS], 1, 'int32') as tf.Tensor1D, 3) as tf.Tensor2D, a),
    ],
    ['of results that are results', (x, a) => [x, tf.matMul(x, a), tf.transpose(tf.matMul(x, a)), a]],
    [
      'of nested blocks',
      (x, a) => {
        const y = tf.matMul(tf.add(x, 1), a);
        const inner = () => ({ z: tf.matMul(tf.matMul(y, tf.tile(a, [1, 16])), tf.tile(a, [16, 1])) });
        return cond(tf.greater(tf.sum(a), 1e6), () => ({ z: tf.neg(y) }), inner).z;
      },
    ],
  ])('%s', async (_, f) => {
    const { before } = await checked(
      (x, a) => {
        const results = f(x, a);
        return [...(Array.isArray(results) ? results : [results as tf.Tensor]), paying(x, a)];
      },
      float(ROWS, 2),
      float(2, 2),
    );
    expect(multiplyAdds(reordered(before))).toBeLessThan(multiplyAdds(before));
  });

  it('where ones meet ones that nothing has folded', () => {
    const graph = graphOf(
      (x) => {
        const column = tf.ones([4, 1]) as tf.Tensor2D;
        return tf.matMul(tf.sum(tf.add(column, column), 0, true), x as tf.Tensor2D);
      },
      float(1, 3),
    );
    expect(count(reassociate(graph), 'BatchMatMul')).toBe(1);
  });
});

describe('a deep network', () => {
  /** x + relu(x·A)·B in a row, as a transformer's residual stream. */
  function residual(depth: number): Graph {
    const specs = [float(64, 8), ...Array.from({ length: depth }, () => [float(8, 16), float(16, 8)]).flat()];
    const f = (...[x, ...weights]: tf.Tensor[]) => {
      let stream = matrix(x);
      for (let layer = 0; layer < depth; layer++) {
        const [a, b] = [matrix(weights[2 * layer]), matrix(weights[2 * layer + 1])];
        stream = tf.add(stream, tf.matMul(tf.relu(tf.matMul(stream, a)), b));
      }
      return tf.sum(tf.square(stream));
    };
    return graphOf((...inputs) => tf.grads(f)(inputs), ...specs);
  }

  it('is re-ordered layer by layer, with work that grows as its depth', () => {
    const [six, twelve] = [6, 12].map((depth) => optimize(residual(depth)).nodes.length) as [number, number];
    expect(twelve).toBeLessThan(3 * six);
  });

  it('keeps its gradients', async () => {
    const graph = residual(12);
    const inputs = drawn(graph.inputs).map((tensor) => ({
      ...tensor,
      data: Float32Array.from(tensor.data, (x) => x / 32),
    }));
    await expectSameNumbers(graph, optimize(graph), inputs, 1e-5);
  });
});
