import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompileError, compileFunction, type DType } from '../../../lib/compile';
import { indexing, paddedSegments } from '../../../lib/compile/kernels/indexing';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { agree, agreeOn, type Case, refusalOf } from './agreement';
import { axisOf, filled, host, shapes, tensors } from './arbitraries';

const ANY: readonly DType[] = ['float32', 'int32', 'bool'];
const integers = (shape: readonly number[], below: number, from = 0) =>
  tensors(shape, 'int32', { low: from, high: below - 1 });

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
  .tuple(shapes({ min: 1, max: 3 }), fc.integer({ min: 1, max: 6 }), fc.boolean())
  .chain(([shape, segments, known]) =>
    // Some ids belong to no segment: their rows count nowhere. tfjs's gradient allows for negative ones alone.
    fc.tuple(tensors(shape), integers(shape.slice(0, 1), segments, -1)).map(([x, ids]) => ({
      name: `[${shape}] into ${segments}, ids ${known ? 'known' : 'given'}: ${ids.data}`,
      f: (given, segment) =>
        tf.unsortedSegmentSum(
          given,
          (known ? tf.tensor1d(ids.data, 'int32') : segment) as tf.Tensor1D,
          segments,
        ),
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
  UnsortedSegmentSum: segmentCase,
  OneHot: oneHotCase,
};

describe('indexing kernels', () => {
  it.each(Object.entries(CASES))('%s agrees with eager tfjs', agreeOn);

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

  it('with batchDims is refused', () => {
    const message = refusalOf(
      (given) => tf.gather(given, tf.zeros([4, 2], 'int32') as unknown as tf.Tensor1D, 1, 1),
      x,
    );
    expect(message).toBe(
      "the operation 'GatherV2' on (float32[4, 3], int32[4, 2]) cannot be compiled: batchDims other than 0 have no lowering to ONNX",
    );
  });

  it.each([4, -1])('of the known row %i outside of the tensor is refused', async (row) => {
    await expect(compiled([0, row])).rejects.toThrow(CompileError);
    await expect(compiled([0, row])).rejects.toThrow(`the index ${row} is not in [0, 4) of axis 0`);
  });

  it('of a row that turns out to be outside of the tensor fails when it runs', async () => {
    const inputs = [x, host([0, 4], [2], 'int32')];
    const f = (given: tf.Tensor, at: tf.Tensor) => [tf.gather(given, at as tf.Tensor1D)];
    const late = await compileFunction(
      onnxRuntimeNode,
      (given) => f(...(given as [tf.Tensor, tf.Tensor])),
      inputs,
    );
    await expect(late.run(inputs)).rejects.toThrow(/^ONNX Runtime cannot run .* idx=4 .*$/);
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

  it('of integers is refused', () => {
    const message = refusalOf((x) => tf.unsortedSegmentSum(x, tf.tensor1d([0, 1], 'int32'), 2), {
      dtype: 'int32',
      shape: [2],
    });
    expect(message).toContain(
      "'UnsortedSegmentSum' on (int32[2], int32[2]) cannot be compiled: it sums float32",
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
