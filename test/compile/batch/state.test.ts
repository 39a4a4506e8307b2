import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { CompileError, type HostTree } from '../../../lib/compile';
import { batchingOf, stack, unstack } from '../../../lib/compile/batch';
import { messageOf } from '../../support/one-line';
import { host } from '../kernels/arbitraries';

const state = (seed: number) => ({
  params: { w: host([seed, seed + 1], [1, 2]), n: host([seed], [], 'int32') },
  schedule: { every: host([10], [], 'int32') },
  step: host([3], [], 'int32'),
});
const shared = ['step', 'schedule'];
const refusal = (action: () => unknown) => messageOf(CompileError, action);

describe('stack', () => {
  it('puts states together along a leading axis, in order', () => {
    const { params, step } = stack([state(1), state(5), state(7)]);
    expect(params.w).toEqual(host([1, 2, 5, 6, 7, 8], [3, 1, 2]));
    expect(params.n).toEqual(host([1, 5, 7], [3], 'int32'));
    expect(step).toEqual(host([3, 3, 3], [3], 'int32'));
  });

  it('leaves shared parts as they are', () => {
    const stacked = stack([state(1), state(5)], { shared });
    expect([stacked.step, stacked.schedule]).toEqual([state(1).step, state(1).schedule]);
  });

  it('keeps doubles', () => {
    const wide = { x: { dtype: 'float32', shape: [1], data: Float64Array.of(1e-300) } } as const;
    expect(stack([wide, wide]).x.data).toEqual(Float64Array.of(1e-300, 1e-300));
  });

  it('takes tfjs tensors too, as does unstack', () => {
    const stacked = stack([{ w: tf.ones([2]) }, { w: tf.zeros([2]) }]);
    expect(stacked.w).toEqual({ dtype: 'float32', shape: [2, 2], data: Float32Array.of(1, 1, 0, 0) });
    expect(unstack({ w: tf.tensor2d([[1], [2]]) }).map(({ w }) => w.data[0])).toEqual([1, 2]);
  });

  it('is undone by unstack', () => {
    const states = [state(1), state(5), state(7)];
    expect(unstack(stack(states))).toEqual(states);
    expect(unstack(stack(states, { shared }), { shared })).toEqual(states);
  });

  it('refuses states that differ in form, in one line', () => {
    const other = { ...state(2), params: { ...state(2).params, n: host([1, 2], [2], 'int32') } };
    expect(refusal(() => stack([state(1), other]))).toBe(
      "'params.n' of state 1 is int32[2], expected int32[] as in state 0",
    );
    const { step: _, ...short } = state(2);
    expect(refusal(() => stack<HostTree>([state(1), short]))).toBe(
      "'step' of state 1 is missing, expected int32[] as in state 0",
    );
    expect(refusal(() => stack<HostTree>([short, state(1)]))).toBe(
      "state 1 has 'step', which state 0 does not; all must have the same names",
    );
    expect(refusal(() => stack([]))).toBe('stack is given no states, expected at least one');
  });

  it('refuses shared parts that differ in value', () => {
    expect(
      refusal(() => stack([state(1), state(1), { ...state(1), step: host([4], [], 'int32') }], { shared })),
    ).toBe(
      "'step' of state 2 differs from that of state 0 but is listed in shared; give all states the same or take it off the list",
    );
  });

  it('refuses shared paths that there are not', () => {
    expect(refusal(() => stack([state(1)], { shared: ['step', 'sched'] }))).toBe(
      "shared names 'sched', which the state does not have; it has 'params.w', 'params.n', 'schedule.every', 'step'",
    );
  });
});

describe('unstack', () => {
  it('refuses leaves without the common leading axis, in one line', () => {
    expect(refusal(() => unstack(state(1)))).toBe(
      "'params.n' of the state is int32[], expected a leading axis of 1 instances; list the path in shared if all have it in common",
    );
    expect(refusal(() => unstack({ x: host([1], []) }))).toBe(
      "'x' of the state is float32[], expected a leading axis of instances; list the path in shared if all have it in common",
    );
    expect(refusal(() => unstack({ x: host([1]) }, { shared: ['x'] }))).toBe(
      'all leaves of the state are listed in shared, expected at least one that is not',
    );
  });
});

describe('batchingOf', () => {
  const leaves = [
    ['w', host([1, 2, 3, 4], [2, 2])],
    ['step', host([0], [], 'int32')],
  ] as const;

  it('gives the forms of one instance', () => {
    expect(batchingOf(leaves, { batch: 2, shared: ['step'] }).forms).toEqual([
      { dtype: 'float32', shape: [2] },
      { dtype: 'int32', shape: [] },
    ]);
  });

  it('without batch leaves everything as it is', () => {
    expect(batchingOf(leaves, {}).forms).toEqual(leaves.map(([, form]) => form));
    expect(refusal(() => batchingOf(leaves, { shared: ['step'] }))).toBe(
      "shared names 'step' without batch; give batch, the number of instances",
    );
  });

  it.each([0, -3, 2.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d instances', (n) => {
    expect(refusal(() => batchingOf(leaves, { batch: n }))).toBe(
      `batch is ${n}, expected a positive integer: the number of instances`,
    );
  });

  it('refuses leaves without a leading axis of n', () => {
    expect(refusal(() => batchingOf(leaves, { batch: 2 }))).toBe(
      "'step' of the state is int32[], expected a leading axis of 2 instances; stack(states) makes it, or list the path in shared",
    );
    expect(refusal(() => batchingOf(leaves, { batch: 3, shared: ['step'] }))).toContain(
      "'w' of the state is float32[2, 2], expected a leading axis of 3 instances",
    );
  });
});
