import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompileError, compileFunction, type DType } from '../../../lib/compile';
import { indexing, paddedSegments } from '../../../lib/compile/kernels/indexing';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { agree, agreeOn, type Case, refusalOf } from './agreement';
import { axisOf, filled, host, shapes, tensors } from './arbitraries';
import { differencesMatchOn } from './drawn-differences';

const ANY: readonly DType[] = ['float32', 'int32', 'bool'];
const integers = (shape: readonly number[], below: number, from = 0) =>
  tensors(shape, 'int32', { low: from, high: below - 1 });

/** Every row of the batches' own: indices `[…batch, …rows]` along an axis from the batch on. */
const batchedGatherCase: fc.Arbitrary<Case> = fc
  .tuple(
    shapes({ min: 1, max: 2 }),
    shapes({ min: 1, max: 3 }),
    shapes({ max: 2 }),
    fc.constantFrom(...ANY),
    fc.boolean(),
  )
  .chain(([batch, own, rows, dtype, known]) =>
    fc.nat(own.length - 1).chain((place) =>
      fc
        .tuple(tensors([...batch, ...own], dtype), integers([...batch, ...rows], own[place] as number))
        .map(([x, indices]) => ({
          name: `rows [${rows}] of ${dtype}[${own}] along ${place} in batches [${batch}], ${known ? 'known' : 'given'}`,
          f: (given, at) =>
            tf.gather(
              given,
              (known ? tf.tensor<tf.Rank>(indices.data, [...indices.shape], 'int32') : at) as tf.Tensor1D,
              batch.length + place,
              batch.length,
            ),
          inputs: [x, indices],
        })),
    ),
  );

/** Rows of a matrix replaced, the same row several times too. */
const replaceCase: fc.Arbitrary<Case> = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.nat(5), fc.integer({ min: 1, max: 3 }), fc.constantFrom(...ANY))
  .chain(([rows, count, width, dtype]) =>
    fc
      .tuple(tensors([rows, width], dtype), integers([count, 1], rows), tensors([count, width], dtype))
      .map((inputs) => ({
        name: `rows ${inputs[1].data} of ${dtype}[${rows}, ${width}]`,
        // A copy, because tfjs's CPU backend updates its argument in place.
        f: (tensor, at, updates) => tf.tensorScatterUpdate(tf.reverse(tf.reverse(tensor)), at, updates),
        inputs,
      })),
  );

const gatherCase: fc.Arbitrary<Case> = fc
  .tuple(shapes({ min: 1, max: 3 }), shapes({ max: 2 }), fc.constantFrom(...ANY), fc.boolean())
  .chain(([shape, rows, dtype, known]) =>
    axisOf(shape.length).chain((axis) =>
      fc.tuple(tensors(shape, dtype), integers(rows, shape.at(axis) as number)).map(([x, indices]) => ({
        name: `rows [${rows}] of ${dtype}[${shape}] along ${axis}, ${known ? 'known' : 'given'}`,
        f: (given, at) =>
          tf.gather(
            given,
            (known ? tf.tensor<tf.Rank>(indices.data, [...rows], 'int32') : at) as tf.Tensor1D,
            axis,
          ),
        inputs: [x, indices],
      })),
    ),
  );

const segmentCase: fc.Arbitrary<Case> = fc
  .tuple(
    shapes({ min: 1, max: 3 }),
    // On the CPU more than 256 take another way.
    fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(300)),
    fc.constantFrom<DType>('float32', 'int32'),
    fc.boolean(),
  )
  .chain(([shape, segments, dtype, known]) =>
    // Some ids belong to no segment: their rows count nowhere.
    fc.tuple(tensors(shape, dtype), integers(shape.slice(0, 1), segments + 2, -1)).map(([x, ids]) => ({
      name: `${dtype}[${shape}] into ${segments}, ids ${known ? 'known' : 'given'}: ${ids.data}`,
      f: (given, segment) =>
        tf.unsortedSegmentSum(
          given,
          (known ? tf.tensor1d(ids.data, 'int32') : segment) as tf.Tensor1D,
          segments,
        ),
      // Of integers tfjs's CPU backend makes float32.
      eager: (given, segment) =>
        tf.cast(tf.unsortedSegmentSum(given, segment as tf.Tensor1D, segments), dtype),
      inputs: [x, ids],
    })),
  );

const oneHotCase: fc.Arbitrary<Case> = fc
  .tuple(shapes({ max: 3 }), fc.integer({ min: 2, max: 5 }), fc.constantFrom(...ANY), fc.nat(3), fc.nat(1))
  .chain(([shape, depth, dtype, on, off]) =>
    // Indices outside of the depth give rows without a one.
    integers(shape, depth + 1, -1).map((indices) => ({
      name: `[${shape}] in ${depth} ${dtype}, ${on} and ${off}`,
      f: (given) =>
        tf.oneHot(given as tf.Tensor1D, depth, dtype === 'bool' ? 1 : on, dtype === 'bool' ? 0 : off, dtype),
      inputs: [indices],
    })),
  );

const CASES: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  GatherV2: gatherCase,
  TensorScatterUpdate: replaceCase,
  UnsortedSegmentSum: segmentCase,
  OneHot: oneHotCase,
};

describe('indexing kernels', () => {
  it.each(Object.entries(CASES))('%s agrees with eager tfjs', agreeOn);

  it.each([
    ['gather in batches', batchedGatherCase],
    ['tensorScatterUpdate', replaceCase],
    ['unsortedSegmentSum', segmentCase],
  ])('the gradient of %s, which tfjs lacks or has wrong, agrees with finite differences', (_, drawn) =>
    differencesMatchOn(drawn),
  );

  it.each(Object.entries(CASES))('%s agrees in float64', (kernel, drawn) =>
    agreeOn(kernel, drawn, { precision: 'float64', batches: 1 }),
  );

  it('are all tested', () => expect(Object.keys(CASES).sort()).toEqual(Object.keys(indexing).sort()));
});

describe('gather', () => {
  const x = filled([4, 3], 'float32', {}, 5);
  const compiled = (indices: number[]) =>
    compileFunction(
      onnxRuntimeNode,
      (inputs) => inputs.map((given) => tf.gather(given, tf.tensor1d(indices, 'int32'))),
      [x],
    );

  it('of no rows is empty', () =>
    agree([
      {
        name: 'none',
        f: (given, at) => tf.gather(given, at as tf.Tensor1D),
        inputs: [x, host([], [0], 'int32')],
        gradient: false,
      },
    ]));

  it('in batches agrees with eager tfjs', () => agreeOn('GatherV2', batchedGatherCase));

  it.each([4, -1])('of the known row %i outside of the tensor is refused', async (row) => {
    await expect(compiled([0, row])).rejects.toThrow(CompileError);
    await expect(compiled([0, row])).rejects.toThrow(`the index ${row} is not in [0, 4) of axis 0`);
  });

  it.each([4, -1])(
    'of the row %i, which turns out to be outside of the tensor, fails when it runs',
    async (row) => {
      const inputs = [x, host([0, row], [2], 'int32')];
      const f = (given: tf.Tensor, at: tf.Tensor) => [tf.gather(given, at as tf.Tensor1D)];
      const late = await compileFunction(
        onnxRuntimeNode,
        (given) => f(...(given as [tf.Tensor, tf.Tensor])),
        inputs,
      );
      await expect(late.run(inputs)).rejects.toThrow(/^ONNX Runtime cannot run .* idx=4 .*$/);
      await late.release();
    },
  );

  it.each([4, -1])('of the row %i fails in batches too, and takes no row of another', async (row) => {
    const tables = filled([2, 4, 3], 'float32', {}, 6);
    const indices = host([0, 1, row, 3], [2, 2], 'int32');
    const f = (given: tf.Tensor, at: tf.Tensor) => tf.gather(given, at as tf.Tensor1D, 1, 1);
    const gradient = (given: tf.Tensor, at: tf.Tensor) =>
      tf.grad((y: tf.Tensor) => tf.sum(tf.square(f(y, at))))(given);
    for (const g of [f, gradient]) {
      const late = await compileFunction(
        onnxRuntimeNode,
        ([given, at]) => [g(given as tf.Tensor, at as tf.Tensor)],
        [tables, indices],
      );
      await expect(late.run([tables, indices])).rejects.toThrow(/idx=8/);
      await late.release();
      const known = tf.tensor2d(indices.data, [2, 2], 'int32');
      const early = compileFunction(onnxRuntimeNode, ([given]) => [g(given as tf.Tensor, known)], [tables]);
      await expect(early).rejects.toThrow("'GatherV2' on");
    }
  });
});

describe('tensorScatterUpdate', () => {
  it.each([4, -1])('of the row %i, which is not there, fails when it runs', async (row) => {
    const inputs = [
      filled([4, 3], 'float32', {}, 5),
      host([row], [1], 'int32'),
      filled([1, 3], 'float32', {}, 6),
    ];
    const late = await compileFunction(
      onnxRuntimeNode,
      ([x, at, updates]) => [
        tf.engine().runKernel('TensorScatterUpdate', {
          tensor: x as tf.Tensor,
          indices: at as tf.Tensor,
          updates: updates as tf.Tensor,
        }) as tf.Tensor,
      ],
      inputs,
    );
    await expect(late.run(inputs)).rejects.toThrow(/idx=4/);
    await late.release();
  });
});

describe('unsortedSegmentSum', () => {
  const sum = (name: string, rows: Case['inputs'][number], ids: number[], segments: number): Case[] =>
    [true, false].map((known) => ({
      name: `${name}, ids ${known ? 'known' : 'given'}`,
      f: (x, given) =>
        tf.unsortedSegmentSum(x, (known ? tf.tensor1d(ids, 'int32') : given) as tf.Tensor1D, segments),
      inputs: [rows, host(ids, [ids.length], 'int32')],
      gradient: false,
    }));

  it('gives 0 for empty segments, and for no rows or columns at all', () =>
    agree([
      ...sum('gaps', filled([4, 2], 'float32', {}, 1), [5, 0, 5, 2], 6),
      ...sum('no rows', host([], [0, 3]), [], 3),
      ...sum('no columns', host([], [2, 0]), [0, 1], 3),
    ]));

  it('leaves out rows of segments that do not exist', () =>
    agree([
      ...sum('some', filled([4, 2], 'float32', {}, 2), [-1, 0, 1, 2], 2),
      ...sum('all', filled([2, 2], 'float32', {}, 3), [-1, 9], 2),
    ]));

  it('sums all rows into one segment', () =>
    agree(sum('one', filled([9, 2], 'float32', {}, 4), Array(9).fill(1), 2)));

  it.each([5, 16, 100, 1000])(
    'into %i segments gives the same bits with one thread and two',
    async (segments) => {
      const inputs = [
        filled([4000, 32], 'float32', {}, 1),
        filled([4000], 'int32', { low: 0, high: segments - 1 }, 2),
      ];
      // Thirds, whose sums depend on their order.
      const f = ([x, ids]: tf.Tensor[]) => [
        tf.unsortedSegmentSum(tf.div(x as tf.Tensor, 3), ids as tf.Tensor1D, segments),
      ];
      const [one, two] = await Promise.all(
        [1, 2].map(async (threads) => {
          const compiled = await compileFunction(onnxRuntimeNode, f, inputs, { threads });
          const [result] = await compiled.run(inputs);
          await compiled.release();
          return result?.data as Float32Array;
        }),
      );
      expect(two).toEqual(one);
      const sums = new Float64Array(segments * 32);
      inputs[0]?.data.forEach((value, place) => {
        const segment = inputs[1]?.data[Math.floor(place / 32)] as number;
        const at = segment * 32 + (place % 32);
        sums[at] = (sums[at] as number) + value / 3;
      });
      expect(one).toMatchReference(sums, 1e-5);
    },
  );

  it('of bools is refused', () => {
    const message = refusalOf((x) => tf.unsortedSegmentSum(x, tf.tensor1d([0, 1], 'int32'), 2), {
      dtype: 'bool',
      shape: [2],
    });
    expect(message).toContain(
      "'UnsortedSegmentSum' on (bool[2], int32[2]) cannot be compiled: it sums float32 or int32",
    );
  });
});

describe('paddedSegments', () => {
  it('lists the rows of each segment in order, padded with the row after the last', () => {
    expect(paddedSegments([1, 0, 1, 2], 3)).toEqual({ width: 2, rows: Int32Array.of(1, 4, 0, 2, 3, 4) });
  });

  it('pads empty segments', () => {
    expect(paddedSegments([2, 0, 2, 0], 3)).toEqual({ width: 2, rows: Int32Array.of(1, 3, 4, 4, 0, 2) });
  });

  it('leaves out ids beyond the segments', () => {
    expect(paddedSegments([-1, 0, 7, 1], 2)).toEqual({ width: 1, rows: Int32Array.of(1, 3) });
  });

  it('declines where padding would more than double the rows', () => {
    expect(paddedSegments([0, 0, 0, 1], 2)).toBeDefined();
    expect(paddedSegments([0, 0, 0, 1], 3)).toBeUndefined();
  });

  it('declines where no row belongs to a segment', () => {
    expect(paddedSegments([], 3)).toBeUndefined();
    expect(paddedSegments([5, -1], 3)).toBeUndefined();
  });

  it('holds each row exactly once, in its own segment', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1, max: 4 }), { maxLength: 30 }), (ids) => {
        const padded = paddedSegments(ids, 4);
        if (padded === undefined) return;
        const { width, rows } = padded;
        const held = [...rows].flatMap((row, place) =>
          row === ids.length ? [] : [[row, Math.floor(place / width)]],
        );
        const expected = ids.flatMap((id, row) => (id >= 0 && id < 4 ? [[row, id]] : []));
        expect(held.sort((a, b) => (a[0] as number) - (b[0] as number))).toEqual(expected);
      }),
    );
  });
});

describe('results whose shape depends on values', () => {
  const form = { dtype: 'float32', shape: [4] } as const;

  it('of unique are refused, with the reason', () => {
    expect(refusalOf((x) => tf.unique(x).values, form)).toContain(
      "'Unique' on (float32[4]) cannot be compiled: the shape of its result depends on values",
    );
  });

  it.each([
    ['where of one argument', (x: tf.Tensor) => tf.whereAsync(tf.greater(x, 0))],
    ['booleanMask', (x: tf.Tensor) => tf.booleanMaskAsync(x, tf.greater(x, 0))],
  ])('of %s are refused, since tfjs reads the values', async (_, f) => {
    const started: Promise<tf.Tensor>[] = [];
    const asynchronous = (x: tf.Tensor) => {
      started.push(f(x));
      return started[0] as unknown as tf.Tensor;
    };
    // The promise fails on its own; the trace does not wait for it.
    const message = refusalOf(asynchronous, form);
    expect(message).toContain('it must not be asynchronous');
    await expect(started[0]).rejects.toThrow('the step reads the value of a traced tensor (bool[4]');
  });
});
