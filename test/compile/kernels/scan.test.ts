import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DType } from '../../../lib/compile';
import { compileFunction } from '../../../lib/compile';
import { scans } from '../../../lib/compile/kernels/scan';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { agree, agreeOn, type Case } from './agreement';
import { host, shapes, tensors } from './arbitraries';

type Scan = (x: tf.Tensor, axis: number, exclusive: boolean, reverse: boolean) => tf.Tensor;

const SCANS: Readonly<Record<string, { readonly f: Scan; readonly low: number; readonly high: number }>> = {
  Cumsum: { f: (x, ...rest) => tf.cumsum(x, ...rest), low: -4, high: 4 },
  // Zeros among the factors.
  Cumprod: { f: (x, ...rest) => tf.cumprod(x, ...rest), low: -2, high: 2 },
};

const scanCase = (name: string): fc.Arbitrary<Case> => {
  const { f, ...range } = SCANS[name] as (typeof SCANS)[string];
  return fc
    .tuple(shapes({ min: 1 }), fc.constantFrom<DType>('float32', 'int32', 'bool'), fc.boolean(), fc.boolean())
    .chain(([shape, dtype, exclusive, reverse]) =>
      fc.tuple(
        tensors(shape, dtype, range),
        // tfjs's CPU backend takes no axis counted from the end.
        fc.nat(shape.length - 1),
        fc.constant({ exclusive, reverse }),
      ),
    )
    .map(([x, axis, { exclusive, reverse }]) => ({
      name: `${name} of ${x.dtype}[${x.shape}] along ${axis}, exclusive ${exclusive}, reverse ${reverse}`,
      f: (given) => f(given, axis, exclusive, reverse),
      inputs: [x],
    }));
};

describe('scans', () => {
  it.each(Object.keys(SCANS))('%s agrees with eager tfjs, forwards and backwards', (name) =>
    agreeOn(name, scanCase(name)),
  );

  it('are all tested', () => {
    expect(Object.keys(SCANS).sort()).toEqual(Object.keys(scans).sort());
  });

  it.each(Object.entries(SCANS))('%s of nothing, of one, of many', (_, { f }) =>
    agree(
      [0, 1, 2, 3, 7, 8, 9, 17].map((length) => ({
        name: `${length} elements`,
        f: (x) => [f(x, 0, false, false), f(x, 0, true, true)],
        inputs: [host(Array.from({ length }, (_unused, i) => 1 + ((i * 5) % 7) / 16))],
        gradient: length > 0,
      })),
    ),
  );

  it('with NaN and infinities: all that come after are touched', () =>
    agree(
      Object.values(SCANS).map(({ f }) => ({
        name: f.name,
        f: (x) => f(x, 0, false, false),
        inputs: [host([1, Number.POSITIVE_INFINITY, 2, Number.NaN, 1])],
        gradient: false,
      })),
    ));

  it.each(Object.entries(SCANS))('%s counts a negative axis from the end', async (_, { f }) => {
    const x = host([1, 2, 3, 4, 5, 6], [2, 3]);
    const both = (axis: number) => (given: tf.Tensor[]) => [
      f(given[0] as tf.Tensor, axis, false, false),
      tf.grad((y) => tf.square(f(y, axis, false, false)))(given[0] as tf.Tensor),
    ];
    const [negative, positive] = await Promise.all(
      [-1, 1].map(async (axis) => {
        const compiled = await compileFunction(onnxRuntimeNode, both(axis), [x]);
        const results = await compiled.run([x]);
        await compiled.release();
        return results.map(({ data }) => [...data]);
      }),
    );
    expect(negative).toEqual(positive);
  });
});
