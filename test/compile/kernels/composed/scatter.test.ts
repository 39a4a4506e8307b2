import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompileError, compileFunction, type DType } from '../../../../lib/compile';
import { scatters } from '../../../../lib/compile/kernels/composed/scatter';
import { onnxRuntimeNode } from '../../../../lib/compile/runtime.node';
import { agree, agreeOn, type Case } from '../agreement';
import { filled, host, shapes, tensors } from '../arbitraries';
import { differencesMatchOn } from '../drawn-differences';

const types = fc.constantFrom<DType>('float32', 'int32', 'bool');
const size = (shape: readonly number[]) => shape.reduce((all, d) => all * d, 1);

/** Coordinates within the first axes of a shape, `[count, sizes.length]`; few places, so that many repeat. */
const coordinates = (count: number, sizes: readonly number[]) =>
  fc.nat().map((seed) => {
    const columns = sizes.map((d, i) => filled([count], 'int32', { low: 0, high: d - 1 }, seed + i).data);
    const data = Array.from({ length: count }, (_, row) => columns.map((column) => column[row] as number));
    return host(data.flat(), [count, sizes.length], 'int32');
  });

/** A tensor, how many of its axes the coordinates address, how many of them there are, and whether they are known. */
const addressed = fc
  .tuple(shapes({ min: 1, max: 3 }), fc.nat(6), fc.boolean(), types)
  .chain(([shape, count, known, dtype]) =>
    fc.integer({ min: 1, max: shape.length }).chain((depth) =>
      fc.record({
        shape: fc.constant(shape),
        known: fc.constant(known),
        indices: coordinates(count, shape.slice(0, depth)),
        x: tensors(shape, dtype),
        rows: tensors([count, ...shape.slice(depth)], dtype === 'bool' ? 'int32' : dtype),
        name: fc.constant(`${count} of ${dtype}[${shape}] by ${depth}, ${known ? 'known' : 'given'}`),
      }),
    ),
  );

/** The indices as an input or, where they are known while tracing, as a constant. */
const chosen = (known: boolean, { data, shape }: Case['inputs'][number], given: tf.Tensor) =>
  known ? tf.tensor<tf.Rank>(data.slice(), [...shape], 'int32') : given;

const gatherCase: fc.Arbitrary<Case> = addressed
  // tfjs's CPU backend makes no tensor of type bool of no elements.
  .filter(({ indices }) => size(indices.shape) > 0)
  .map(({ x, indices, known, name }) => ({
    name,
    f: (given, at) => tf.gatherND(given, chosen(known, indices, at)),
    inputs: [x, indices],
  }));

const scatterCase: fc.Arbitrary<Case> = addressed.map(({ shape, indices, rows, known, name }) => ({
  name,
  f: (updates, at) => tf.scatterND(chosen(known, indices, at), updates, shape as [number]),
  inputs: [rows, indices],
}));

/** On copies, because tfjs's CPU backend updates its argument in place. */
const updateCase: fc.Arbitrary<Case> = addressed
  .filter(({ x }) => x.dtype !== 'bool')
  .map(({ x, indices, rows, known, name }) => ({
    name,
    f: (tensor, at, updates) =>
      tf.tensorScatterUpdate(tf.reverse(tf.reverse(tensor, 0), 0), chosen(known, indices, at), updates),
    inputs: [x, indices, rows],
  }));

const CASES: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  GatherNd: gatherCase,
  ScatterNd: scatterCase,
  TensorScatterUpdate: updateCase,
};

describe('kernels that address by coordinates', () => {
  it.each(Object.entries(CASES))('%s agrees with eager tfjs', (_, drawn) =>
    agreeOn(undefined, drawn, { batches: 1 }),
  );

  it.each(Object.entries(CASES))(
    '%s has a gradient, which tfjs lacks, that agrees with finite differences',
    (_, drawn) => differencesMatchOn(drawn),
  );

  it.each(Object.entries(CASES))('%s agrees in float64', (_, drawn) =>
    agreeOn(undefined, drawn, { precision: 'float64', batches: 1 }),
  );

  it('are all tested, gathers in batches in indexing.test.ts', () =>
    expect([...Object.keys(CASES), 'GatherV2'].sort()).toEqual(Object.keys(scatters).sort()));

  it('ScatterNd adds up updates of one place, on any number of threads', async () => {
    const updates = filled([5000], 'float32', {}, 1);
    const inputs = [updates, host(Array(5000).fill(3), [5000, 1], 'int32')];
    const total = Array.from(updates.data).reduce((sum, x) => sum + x, 0);
    for (const threads of [1, 2]) {
      const compiled = await compileFunction(
        onnxRuntimeNode,
        ([rows, at]) => [tf.scatterND(at as tf.Tensor, rows as tf.Tensor, [9])],
        inputs,
        { threads },
      );
      const [sums] = await compiled.run(inputs);
      await compiled.release();
      expect(Array.from(sums?.data ?? [])).toEqual([0, 0, 0, total, 0, 0, 0, 0, 0]);
    }
  });

  it('take a list of numbers for coordinates of one axis', () =>
    agree([
      {
        name: 'scatter',
        f: (updates, at) => tf.scatterND(at, updates, [4]),
        inputs: [host([1, 2, 3]), host([[2], [0], [2]].flat(), [3, 1], 'int32')],
      },
      {
        name: 'update',
        f: (updates, at) => tf.tensorScatterUpdate(tf.zeros([4, 1]), at, updates),
        inputs: [host([1, 2, 3], [3, 1]), host([2, 0, 2], [3, 1], 'int32')],
      },
    ]));

  const x = filled([3, 4], 'float32', {}, 1);
  const taken = (given: tf.Tensor, at: tf.Tensor) => [tf.gatherND(given, at)];

  it.each([[[0, 4]], [[-1, 0]], [[1, -1]]])(
    'GatherNd of the known place %j outside of the tensor is refused',
    async (place) => {
      const late = compileFunction(
        onnxRuntimeNode,
        ([given]) => taken(given as tf.Tensor, tf.tensor2d([place], [1, 2], 'int32')),
        [x],
      );
      await expect(late).rejects.toThrow(CompileError);
    },
  );

  it('GatherNd of a place that turns out to be outside of the tensor fails when it runs', async () => {
    const inputs = [x, host([1, 1, 0, 4], [2, 2], 'int32')];
    const late = await compileFunction(
      onnxRuntimeNode,
      (given) => taken(...(given as [tf.Tensor, tf.Tensor])),
      inputs,
    );
    await expect(late.run(inputs)).rejects.toThrow(CompileError);
    await late.release();
  });
});
