import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { CompileError, cond } from '../../../lib/compile';
import { batched } from '../../../lib/compile/batch';
import { allNodes, type Graph, makeValue } from '../../../lib/compile/graph';
import { removeDeadCode } from '../../../lib/compile/passes/dead-code';
import { fuseAddition } from '../../../lib/compile/passes/fuse-addition';
import { trace } from '../../../lib/compile/trace/trace';
import { messageOf } from '../../support/one-line';
import { filled, host } from '../kernels/arbitraries';
import { agreeBatched, type BatchCase, runGraph, stackedTensor } from './agreement';

const float = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
const operations = (graph: Graph) => allNodes(graph).map(({ op }) => op);

describe('batched', () => {
  it('computes once what depends on shared inputs and constants alone', () => {
    const graph = trace(
      ([x, y]) => [tf.add(tf.exp(x as tf.Tensor), tf.neg(y as tf.Tensor))],
      [float(3), float(3)],
    );
    const { nodes, inputs } = batched(graph, 5, { isBatched: (input) => input === 0 });
    expect(nodes.map(({ op, outputs }) => [op, outputs[0]?.shape])).toEqual([
      ['Exp', [5, 3]],
      ['Neg', [3]],
      ['Add', [5, 3]],
    ]);
    expect(inputs.map(({ shape }) => shape)).toEqual([[5, 3], [3]]);
  });

  it('gives every output an axis of instances, repeating what they share', async () => {
    const graph = trace(([x]) => [tf.scalar(7), x as tf.Tensor, tf.tensor1d([1, 2])], [float(2)]);
    const [results] = await runGraph(batched(graph, 2, { isBatched: () => false }), [[host([3, 4])]]);
    expect(results?.map(({ shape, data }) => [shape, [...data]])).toEqual([
      [[2], [7, 7]],
      [
        [2, 2],
        [3, 4, 3, 4],
      ],
      [
        [2, 2],
        [1, 2, 1, 2],
      ],
    ]);
  });

  it('leaves shared outputs as they are, and refuses those that depend on a batched input', () => {
    const graph = trace(
      ([x, y]) => [tf.add(x as tf.Tensor, 1), tf.add(x as tf.Tensor, y as tf.Tensor)],
      [float(), float()],
    );
    const isBatched = (input: number) => input === 1;
    const { outputs } = batched(graph, 4, { isBatched, sharedOutputs: new Map([[0, 'first']]) });
    expect(outputs.map(({ shape }) => shape)).toEqual([[], [4]]);
    const refused = () => batched(graph, 4, { isBatched, sharedOutputs: new Map([[1, 'the second']]) });
    expect(messageOf(CompileError, refused)).toBe(
      'the second is to be shared by all instances, but the function computes it from inputs that differ between them; take it off the list of what is shared',
    );
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %d instances', (n) => {
    const graph = trace(([x]) => [x as tf.Tensor], [float(2)]);
    expect(messageOf(CompileError, () => batched(graph, n))).toBe(
      `batch is ${n}, expected a positive integer: the number of instances`,
    );
  });

  it('keeps the line that each node comes from', () => {
    const graph = trace(
      ([x]) => [tf.gather(tf.exp(x as tf.Tensor), [0, 1]), tf.sum(x as tf.Tensor)],
      [float(2)],
    );
    const traced = new Set(graph.nodes.map(({ source }) => source));
    expect([...traced].every((source) => source?.includes('batched.test.ts'))).toBe(true);
    expect(new Set(batched(graph, 2).nodes.map(({ source }) => source))).toEqual(traced);
  });
});

describe('a kernel without a rule', () => {
  const fused = fuseAddition(
    trace(
      ([x, y, z]) => [
        tf.add(tf.matMul(x as tf.Tensor, y as tf.Tensor), z as tf.Tensor),
        tf.add(tf.matMul(y as tf.Tensor, x as tf.Tensor), z as tf.Tensor),
      ],
      [float(2, 2), float(2, 2), float(2)],
    ),
  );
  const graph = removeDeadCode(fused);

  it('is called once an instance, on parts that its calls share', async () => {
    const all = batched(graph, 3, { isBatched: (input) => input !== 1 });
    expect(operations(all).sort()).toEqual([
      ...Array(6).fill('MatMulAdd'),
      ...['Pack', 'Pack'],
      ...['Unpack', 'Unpack'],
    ]);
    const instances = [1, 2, 3].map((seed) => [
      filled([2, 2], 'float32', {}, seed),
      filled([2, 2], 'float32', {}, 9),
      filled([2], 'float32', {}, 10 + seed),
    ]);
    const singles = await runGraph(graph, instances);
    const stack = (i: number) => stackedTensor(instances.map((inputs) => inputs[i] as (typeof inputs)[0]));
    const [results] = await runGraph(all, [[stack(0), filled([2, 2], 'float32', {}, 9), stack(2)]]);
    for (const output of [0, 1]) {
      expect(results?.[output]).toEqual(
        stackedTensor(singles.map((single) => single[output] as (typeof single)[0])),
      );
    }
  });
});

describe('rows by index known beforehand', () => {
  const known = (data: number[]) => tf.tensor1d(data, 'int32');

  it.each([0, 1, -1])('are gathered from each table along %i', (axis) =>
    agreeBatched([
      {
        name: 'known',
        f: (x) => tf.gather(x as tf.Tensor, known([2, 0, 2]), axis),
        inputs: [{ shape: [3, 3, 4] }],
      },
    ]),
  );

  it('are added to the segments of each instance, or to none', () =>
    agreeBatched(
      [
        [0, 2, 1, 2],
        [-1, 0, 3, 7],
        [1, 1, 1, 1],
        [-1, -1, 9, -1],
      ].map(
        (ids): BatchCase => ({
          name: `${ids}`,
          f: (x) => tf.unsortedSegmentSum(x as tf.Tensor, known(ids), 3),
          inputs: [{ shape: [4, 2] }],
        }),
      ),
      { tolerance: 1e-6 },
    ));
});

describe('rows by each instance’s own index', () => {
  const graph = trace(
    ([x, indices]) => [tf.gather(x as tf.Tensor, indices as tf.Tensor1D)],
    [float(4, 2), { dtype: 'int32', shape: [2] }],
  );
  const all = batched(graph, 2);
  const tables = filled([2, 4, 2], 'float32', {}, 1);

  it.each([
    [0, 4, 1, 1],
    [0, 1, 1, -5],
    [0, 1, 1, -1],
  ])('are an error beyond the ends, not another instance’s rows: %i %i %i %i', async (...indices) => {
    await expect(runGraph(all, [[tables, host(indices, [2, 2], 'int32')]])).rejects.toThrow(/idx=8/);
  });
});

describe('cond', () => {
  /** Results of both kinds: from batched and shared values, handed through, constants. */
  const choose = (condition: tf.Tensor, x: tf.Tensor, y: tf.Tensor) => {
    const { a, b, c } = cond<Record<'a' | 'b' | 'c', tf.Tensor>>(
      condition,
      () => ({ a: tf.matMul(x, y), b: tf.sum(y), c: y }),
      () => ({ a: tf.scalar(Number.NaN).broadcastTo([2, 2]), b: tf.scalar(1), c: tf.neg(y) }),
    );
    return [a, b, c];
  };
  const forms = [{ shape: [], dtype: 'bool' }, { shape: [2, 3] }, { shape: [3, 2] }] as const;

  it('gives each instance its own choice, whatever differs between them', async () => {
    // Enough instances for both answers.
    await agreeBatched(
      [
        {
          name: 'cond',
          f: (condition, x, y) => choose(condition as tf.Tensor, x as tf.Tensor, y as tf.Tensor),
          inputs: forms,
        },
      ],
      { n: 6, tolerance: 1e-6 },
    );
  });

  it('nested in one another, with shared and with own conditions', () =>
    agreeBatched(
      [
        {
          name: 'nested',
          f: (...[outer, inner, x]) =>
            cond(
              outer as tf.Tensor,
              () =>
                cond(
                  inner as tf.Tensor,
                  () => ({ y: tf.exp(x as tf.Tensor) }),
                  () => ({ y: tf.mul(x as tf.Tensor, 2) }),
                ),
              () => ({ y: x as tf.Tensor }),
            ).y,
          inputs: [{ shape: [], dtype: 'bool' }, { shape: [], dtype: 'bool' }, { shape: [2] }],
        },
      ],
      { n: 6, tolerance: 1e-6 },
    ));

  const traced = trace(
    ([condition, x, y]) => choose(condition as tf.Tensor, x as tf.Tensor, y as tf.Tensor),
    forms.map((form) => ({ dtype: 'float32', ...form })),
  );

  it('stays a choice between branches where the condition is shared', () => {
    const { nodes } = batched(traced, 3, { isBatched: (input) => input !== 0 });
    expect(nodes.map(({ op }) => op)).toEqual(['Cond']);
  });

  it('leaves results shared that differ in neither branch', () => {
    const { nodes } = batched(traced, 3, { isBatched: (input) => input === 1 });
    expect(nodes[0]?.outputs.map(({ shape }) => shape)).toEqual([[3, 2, 2], [], [3, 2]]);
  });

  it('becomes both branches and selections where the condition differs', () => {
    const ops = operations(batched(traced, 3));
    expect(ops).not.toContain('Cond');
    expect(ops.filter((op) => op === 'Select').length).toBe(3);
  });
});

describe('a kernel made of others, and gradients', () => {
  const gradients =
    (f: (...inputs: tf.Tensor[]) => tf.Tensor) =>
    (...inputs: tf.Tensor[]) => [
      f(...inputs),
      ...tf.grads((...given: tf.Tensor[]) => tf.sum(tf.square(f(...given))))(inputs),
    ];
  const CASES: readonly BatchCase[] = [
    {
      name: 'einsum',
      f: (x, y) => tf.einsum('bij,bkj->bik', x as tf.Tensor, y as tf.Tensor),
      inputs: [{ shape: [2, 3, 4] }, { shape: [2, 5, 4] }],
    },
    {
      name: 'conv2d',
      f: gradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same')),
      inputs: [{ shape: [2, 4, 4, 2] }, { shape: [3, 3, 2, 3] }],
    },
    {
      name: 'maxPool',
      f: (x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'),
      inputs: [{ shape: [2, 4, 4, 2] }],
    },
    {
      name: 'gatherND',
      f: (x, indices) => tf.gatherND(x as tf.Tensor, indices as tf.Tensor),
      inputs: [{ shape: [3, 4, 2] }, { shape: [5, 2], dtype: 'int32', low: 0, high: 2 }],
    },
    {
      name: 'scatterND',
      f: (indices, updates) => tf.scatterND(indices as tf.Tensor, updates as tf.Tensor, [4, 2]),
      inputs: [{ shape: [3, 1], dtype: 'int32', low: 0, high: 3 }, { shape: [3, 2] }],
    },
    {
      name: 'gather with batchDims',
      f: (x, indices) => tf.gather(x as tf.Tensor, indices as tf.Tensor1D, 1, 1),
      inputs: [{ shape: [2, 3, 4] }, { shape: [2, 2], dtype: 'int32', low: 0, high: 2 }],
    },
    { name: 'reverse', f: (x) => tf.reverse(x as tf.Tensor, [0, 2]), inputs: [{ shape: [2, 3, 4] }] },
    {
      name: 'mirrorPad',
      f: (x) => tf.mirrorPad(x as tf.Tensor, [[1, 1]], 'reflect'),
      inputs: [{ shape: [4] }],
    },
    {
      name: 'softmax cross-entropy of a layer',
      f: gradients((x, w, b) =>
        tf.logSoftmax(tf.add(tf.matMul(tf.relu(x as tf.Tensor), w as tf.Tensor), b as tf.Tensor)),
      ),
      inputs: [{ shape: [5, 3] }, { shape: [3, 4] }, { shape: [4] }],
    },
    {
      name: 'embedding',
      f: (table, indices) =>
        tf.grad((x: tf.Tensor) => tf.sum(tf.square(tf.gather(x, indices as tf.Tensor1D))))(
          table as tf.Tensor,
        ),
      inputs: [{ shape: [4, 3] }, { shape: [6], dtype: 'int32', low: 0, high: 3 }],
    },
  ];

  it.each(CASES.map((tested) => [tested.name, tested] as const))('%s', (_, tested) =>
    agreeBatched([tested], { tolerance: 1e-5 }),
  );
});

describe('matrix products', () => {
  const product = (a: number[], b: number[], isBatched: (input: number) => boolean) => {
    const graph = trace(([x, y]) => [tf.matMul(x as tf.Tensor, y as tf.Tensor)], [float(...a), float(...b)]);
    return batched(graph, 3, { isBatched })
      .nodes.filter(({ op }) => op === 'BatchMatMul')
      .map(({ inputs }) => inputs.map(({ shape }) => shape));
  };

  it('by one shared matrix are one product of all rows', () => {
    expect(product([5, 4], [4, 2], (input) => input === 0)).toEqual([
      [
        [15, 4],
        [4, 2],
      ],
    ]);
    expect(product([2, 5, 4], [1, 4, 2], (input) => input === 0)).toEqual([
      [
        [30, 4],
        [4, 2],
      ],
    ]);
  });

  it('of a shared matrix by many read it without repeating it', () => {
    expect(product([5, 4], [4, 2], (input) => input === 1)).toEqual([
      [
        [5, 4],
        [3, 4, 2],
      ],
    ]);
  });
});

describe('a graph made by hand', () => {
  it('may return its inputs', () => {
    const x = makeValue('float32', [2]);
    const { inputs, outputs } = batched({ nodes: [], inputs: [x], outputs: [x] }, 2);
    expect(outputs).toEqual(inputs);
  });
});
