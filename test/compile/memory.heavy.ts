/** @file The memory of a process stays where it is while a program is called ten thousand times. */
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { Program } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { filled, host } from './kernels/arbitraries';

/** Elements of a side of the state's matrix: 16 kB, so that 10,000 states kept would be 160 MB. */
const SIDE = 64;
const CALLS = 10_000;
/** Bytes by which the resident memory may grow: a fifth of that. */
const GROWTH = 32 * 2 ** 20;

it('ten thousand calls of a small program take no more memory than two thousand', async () => {
  const start = { w: filled([SIDE, SIDE], 'float32', { low: -1, high: 1 }, 1), n: host([0], [], 'int32') };
  const program = await Program.compile(
    onnxRuntimeNode,
    ({ w, n }) => ({
      state: { w: tf.mul(tf.add(w, tf.transpose(w)), 0.5), n: tf.add(n, tf.scalar(1, 'int32')) },
      metrics: { sum: tf.sum(w), rows: tf.sum(w, 0) },
    }),
    start,
    { threads: 1 },
  );
  let state = program.put(start);
  const call = async (times: number) => {
    for (let i = 0; i < times; i++) ({ state } = await program.run(state, { steps: 1 }));
    return process.memoryUsage().rss;
  };
  const before = await call(CALLS / 5);
  expect((await call(CALLS)) - before).toBeLessThan(GROWTH);
  expect((await program.get(state)).n.data[0]).toBe(1.2 * CALLS);
  await program.release();
});
