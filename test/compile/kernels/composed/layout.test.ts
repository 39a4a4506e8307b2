import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DType } from '../../../../lib/compile';
import { layouts } from '../../../../lib/compile/kernels/composed/layout';
import { agree, agreeOn, type Case } from '../agreement';
import { axesOf, filled, host, shapes, tensors } from '../arbitraries';
import { differencesMatchOn } from '../drawn-differences';

const types = fc.constantFrom<DType>('float32', 'int32', 'bool');
const margins = (most: number) => fc.tuple(fc.nat(most), fc.nat(most));

const mirrorCase: fc.Arbitrary<Case> = fc
  .tuple(shapes({ min: 1, max: 3 }), types, fc.constantFrom('reflect' as const, 'symmetric' as const))
  .chain(([shape, dtype, mode]) =>
    fc
      .tuple(tensors(shape, dtype), fc.tuple(...shape.map((d) => margins(mode === 'reflect' ? d - 1 : d))))
      .map(([x, paddings]) => ({
        name: `${dtype}[${shape}] by ${JSON.stringify(paddings)}, ${mode}`,
        f: (given) => tf.mirrorPad(given, paddings, mode),
        inputs: [x],
      })),
  );

const reverseCase: fc.Arbitrary<Case> = fc.tuple(shapes(), types).chain(([shape, dtype]) =>
  fc.tuple(tensors(shape, dtype), axesOf(shape.length)).map(([x, axes]) => ({
    name: `${dtype}[${shape}] along ${axes}`,
    f: (given) => tf.reverse(given, axes),
    inputs: [x],
  })),
);

/** Spatial axes whose padded sizes the blocks divide. */
const blocks = fc
  .array(
    fc
      .record({
        block: fc.integer({ min: 1, max: 3 }),
        count: fc.integer({ min: 1, max: 2 }),
        before: fc.nat(1),
      })
      .map(({ block, count, before }) => ({
        block,
        before: block * count > before ? before : 0,
        whole: block * count,
      })),
    { minLength: 1, maxLength: 2 },
  )
  .map((axes) => ({
    shape: axes.map(({ block }) => block),
    margins: axes.map(({ before }) => [before, 0] as [number, number]),
    inner: axes.map(({ whole, before }) => whole - before),
    outer: axes.map(({ whole, block }) => whole / block),
  }));

const product = (numbers: readonly number[]) => numbers.reduce((all, n) => all * n, 1);

const spaceToBatchCase: fc.Arbitrary<Case> = fc
  .tuple(blocks, types, shapes({ max: 1 }))
  .chain(([{ shape, margins, inner }, dtype, rest]) =>
    tensors([2, ...inner, ...rest], dtype).map((x) => ({
      name: `${dtype}[${x.shape}] in blocks [${shape}]`,
      f: (given) => tf.spaceToBatchND(given, shape, margins),
      inputs: [x],
    })),
  );

const batchToSpaceCase: fc.Arbitrary<Case> = fc
  .tuple(blocks, types, shapes({ max: 1 }))
  .chain(([{ shape, margins, outer }, dtype, rest]) =>
    tensors([2 * product(shape), ...outer, ...rest], dtype).map((x) => ({
      name: `${dtype}[${x.shape}] in blocks [${shape}]`,
      f: (given) => tf.batchToSpaceND(given, shape, margins),
      inputs: [x],
    })),
  );

const depthToSpaceCase: fc.Arbitrary<Case> = fc
  .tuple(fc.integer({ min: 2, max: 3 }), fc.integer({ min: 1, max: 2 }), shapes({ min: 3, max: 3 }))
  .chain(([block, channels, image]) =>
    tensors([...image, channels * block ** 2]).map((x) => ({
      name: `[${x.shape}] by ${block}`,
      f: (given) => tf.depthToSpace(given as tf.Tensor4D, block),
      inputs: [x],
    })),
  );

const diagCase: fc.Arbitrary<Case> = fc.tuple(shapes({ min: 1, max: 2 }), types).chain(([shape, dtype]) =>
  tensors(shape, dtype).map((x) => ({
    name: `${dtype}[${shape}]`,
    f: (given) => tf.diag(given),
    inputs: [x],
  })),
);

/** Constants of a rule, scaled so that there is something to compute. */
const constantCase = (constant: () => tf.Tensor1D, name: string): Case => ({
  name,
  f: (scale) => tf.mul(scale, constant()),
  inputs: [host([2], [])],
});

const CASES: Readonly<Record<string, fc.Arbitrary<Case>>> = {
  BatchToSpaceND: batchToSpaceCase,
  DepthToSpace: depthToSpaceCase,
  Diag: diagCase,
  MirrorPad: mirrorCase,
  Reverse: reverseCase,
  SpaceToBatchND: spaceToBatchCase,
};

describe('layout kernels', () => {
  it.each(Object.entries(CASES))('%s agrees with eager tfjs', (_, drawn) =>
    agreeOn(undefined, drawn, { batches: 1 }),
  );

  it('are all tested', () => expect(Object.keys(CASES).sort()).toEqual(Object.keys(layouts).sort()));

  it.each(['DepthToSpace', 'Diag', 'MirrorPad'])(
    'the gradient of %s, which tfjs lacks or has wrong, agrees with finite differences',
    (kernel) => differencesMatchOn(CASES[kernel] as fc.Arbitrary<Case>),
  );

  it('Range and LinSpace, known while tracing, agree with eager tfjs', () =>
    agree([
      constantCase(() => tf.range(0, 0, 1), 'none'),
      constantCase(() => tf.range(5, 0, 1), 'downwards'),
      constantCase(() => tf.range(-1, 2, 0.1), 'in tenths'),
      constantCase(() => tf.range(2, -1, -0.3), 'downwards in parts'),
      constantCase(() => tf.cast(tf.range(0, 1000, 3, 'int32'), 'float32'), 'integers'),
      constantCase(() => tf.linspace(-1, 2, 7), 'sevenths'),
      constantCase(() => tf.linspace(3, 2, 1), 'one'),
    ]));

  it('Diag holds zeros beside numbers that are not finite', () =>
    agree([
      { name: 'diag', f: (x) => tf.diag(x), inputs: [host([Number.POSITIVE_INFINITY, Number.NaN, 1])] },
    ]));

  it('eye, bandPart and meshgrid, made of other operations, agree with eager tfjs', () => {
    const x = filled([2, 4, 3], 'float32', {}, 1);
    const band = (below: number, above: number): Case => ({
      name: `band ${below}, ${above}`,
      f: (given) => tf.linalg.bandPart(given, below, above),
      inputs: [x],
    });
    return agree([
      band(0, 0),
      band(1, -1),
      band(-1, 1),
      { name: 'eye', f: (given) => tf.matMul(given, tf.eye(3, 2, [2])), inputs: [x] },
      {
        name: 'meshgrid',
        f: (given) => tf.meshgrid(given, tf.range(0, 3)),
        inputs: [filled([4], 'float32', {}, 2)],
      },
    ]);
  });
});
