/** @file Runs programs on WebGPU in a process of its own and writes what came out as JSON to the file it is given. */
import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import {
  type HostTensor,
  type HostTree,
  isHostTensor,
  leavesOf,
  Program,
  type Step,
} from '../../../lib/compile';
import { webgpuRuntimeNode } from '../../../lib/compile/runtime.node';
import { runConfig } from '../../../lib/train/config';
import { prepareRun } from '../../../lib/train/prepare';
import { TINY_GPT } from '../../support/tiny-gpt';
import { RANDOM_STATE, randomStep } from './random-step';

const host = (
  data: HostTensor['data'],
  dtype: HostTensor['dtype'],
  shape: readonly number[],
): HostTensor => ({
  dtype,
  shape,
  data,
});

const numbers = (state: HostTree) =>
  Object.fromEntries(
    leavesOf(state, isHostTensor).map(([path, { dtype, shape, data }]) => [
      path,
      { dtype, shape, data: [...data] },
    ]),
  );

/** Six steps of training in calls of these lengths. */
async function training(calls: readonly number[]) {
  const { step, initial } = prepareRun(runConfig(TINY_GPT));
  const program = await Program.compile(webgpuRuntimeNode(), step, initial, { threads: 1 });
  const start = program.put(initial);
  let state = start;
  const metrics: Record<string, (number | null)[]> = {};
  for (const steps of calls) {
    const result = await program.run(state, { steps });
    state = result.state;
    for (const [name, { data }] of Object.entries(result.metrics)) {
      // JSON has no NaN.
      metrics[name] = [...(metrics[name] ?? []), ...Array.from(data, (x) => (Number.isNaN(x) ? null : x))];
    }
  }
  const again = await program.run(start, { steps: 1 });
  const after = numbers(await program.get<HostTree>(state));
  await program.release();
  return { metrics, after, firstLossAgain: again.metrics.trainLoss?.data[0] };
}

/** States of every type, returned unchanged, swapped and as constants. */
async function passing() {
  const start = {
    a: host(Float32Array.of(1, 2), 'float32', [2]),
    b: host(Float32Array.of(3, 4), 'float32', [2]),
    flag: host(Uint8Array.of(1, 0, 1), 'bool', [3]),
    n: host(Int32Array.of(2 ** 24), 'int32', []),
  };
  const step = (({ a, b, flag, n }: Record<'a' | 'b' | 'flag' | 'n', tf.Tensor>) => ({
    state: { a: b, b: a, flag, n: tf.add(n, tf.scalar(1, 'int32')) },
    metrics: { seven: tf.scalar(7), flag, n },
  })) as Step;
  const program = await Program.compile(webgpuRuntimeNode(), step, start, { threads: 1 });
  const first = await program.run(program.put(start), { steps: 3 });
  const second = await program.run(first.state, { steps: 2 });
  const result = {
    first: numbers(await program.get<HostTree>(first.state)),
    second: numbers(await program.get<HostTree>(second.state)),
    metrics: numbers(first.metrics),
  };
  // States outlive their program.
  await program.release();
  return { ...result, later: numbers(await program.get<HostTree>(second.state)) };
}

/** Random tensors of three steps. */
async function random() {
  const program = await Program.compile(webgpuRuntimeNode(), randomStep, RANDOM_STATE, { threads: 1 });
  const { metrics } = await program.run(program.put(RANDOM_STATE), { steps: 3 });
  await program.release();
  return numbers(metrics);
}

/** By how many bytes the process grows over 150 calls that each leave a state of 4 MB behind. */
async function growth() {
  const size = 2 ** 20;
  const start = { a: host(new Float32Array(size), 'float32', [size]) };
  const step = (({ a }: { a: tf.Tensor }) => ({
    state: { a: tf.add(a, 1) },
    metrics: { first: tf.slice(a, 0, 1) },
  })) as Step;
  const program = await Program.compile(webgpuRuntimeNode(), step, start, { threads: 1 });
  let state = program.put(start);
  let before = 0;
  for (let call = 0; call < 200; call++) {
    state = (await program.run(state, { steps: 1 })).state;
    // Finalizers run between tasks.
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (call === 50) before = process.memoryUsage().rss;
  }
  const after = process.memoryUsage().rss;
  const last = (await program.get<typeof start>(state)).a.data[0];
  await program.release();
  return { bytes: after - before, last };
}

async function main() {
  const result = {
    whole: await training([6]),
    cut: await training([1, 3, 2]),
    passing: await passing(),
    random: await random(),
    growth: await growth(),
  };
  writeFileSync(process.argv[2] as string, JSON.stringify(result));
}

void main();
