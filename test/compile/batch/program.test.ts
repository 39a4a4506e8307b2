import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CompileError,
  type HostTensor,
  type HostTree,
  isHostTensor,
  leavesOf,
  Program,
  type ProgramOptions,
  type StateTree,
  type Step,
  stack,
  unstack,
} from '../../../lib/compile';
import { batchingOf } from '../../../lib/compile/batch';
import { allNodes } from '../../../lib/compile/graph';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { traceStep } from '../../../lib/compile/trace/step';
import { gatherRows } from '../../../lib/data/split';
import { asGptParams, gptForward } from '../../../lib/models/gpt';
import { initializeGpt } from '../../../lib/models/initialize';
import { mapParams } from '../../../lib/models/params';
import { tokenBatch } from '../../../lib/models/rows';
import { chain, scaleByAdam, type Transform } from '../../../lib/optim';
import { datasetOf, modelConfigOf, runConfig, splitOf } from '../../../lib/train/config';
import { toHostTree } from '../../../lib/train/state';
import { METRICS, makeStep, scheduleOf } from '../../../lib/train/step';
import { messageOf } from '../../support/one-line';
import { host } from '../kernels/arbitraries';
import { regression } from '../regression';

const opened: { release(): Promise<void> }[] = [];
afterAll(() => Promise.all(opened.map((program) => program.release())));

async function compile(step: Step, example: StateTree, options: ProgramOptions<'float32'> = {}) {
  const program = await Program.compile(onnxRuntimeNode, step, example, { threads: 1, ...options });
  opened.push(program);
  return program;
}

/** Runs a program from a state and reads everything back. */
async function runFrom(program: Program, start: HostTree, steps: number) {
  const { state, metrics } = await program.run(program.put(start), { steps });
  return { state: await program.get<HostTree>(state), metrics };
}

/** The metric of one instance from that of all, `[steps, n, …]`. */
function ofInstance({ shape, data }: HostTensor, instance: number): number[] {
  const [steps, n, ...rest] = shape as [number, number];
  const size = rest.reduce((product: number, d) => product * d, 1);
  return Array.from({ length: steps }, (_, step) => [
    ...data.subarray((step * n + instance) * size, (step * n + instance + 1) * size),
  ]).flat();
}

function expectSameState(actual: HostTree, expected: HostTree, tolerance: number, path = 'state'): void {
  for (const [key, child] of Object.entries(expected)) {
    const other = (actual as Record<string, HostTree>)[key] as HostTree;
    if (!ArrayBuffer.isView((child as HostTensor).data)) {
      expectSameState(other, child as HostTree, tolerance, `${path}.${key}`);
      continue;
    }
    const [a, b] = [other as HostTensor, child as HostTensor];
    expect([a.dtype, ...a.shape], `${path}.${key}`).toEqual([b.dtype, ...b.shape]);
    expect(a.data, `${path}.${key}`).toMatchReference(b.data, tolerance);
  }
}

/** Adds a multiple of its own, from the state, to the chain: −rate. */
const ownRate: Transform = {
  init: () => ({ rate: tf.scalar(0.001) }),
  update: (updates, state) => ({
    updates: mapParams(updates, [], (u) => tf.mul(u, tf.neg((state as { rate: tf.Tensor }).rate))),
    state,
  }),
};

/** The training step of a small GPT with the learning rate in the state, and the state for a seed and a rate. */
function gpt() {
  const config = runConfig({ modulus: 7, dModel: 8, dFF: 16, heads: 2, trainFraction: 0.5 });
  const dataset = datasetOf(config);
  const split = splitOf(config, dataset);
  const model = modelConfigOf(config, dataset);
  const optimizer = chain(scaleByAdam(), ownRate);
  const rows = (list: Int32Array) => {
    const { tokens, targets } = gatherRows(dataset, list);
    return { tokens: tokenBatch(tokens, dataset.sequenceLength, dataset.vocabulary), targets };
  };
  const step = makeStep({
    forward: (params, tokens) => gptForward(model, asGptParams(params), tokens),
    classes: model.classes,
    train: rows(split.train),
    validation: rows(split.validation),
    optimizer,
  });
  const start = (seed: number, rate: number) => {
    const params = initializeGpt(model, 'paper', seed);
    const state = toHostTree((tensors) => optimizer.init(tensors), params) as Record<string, HostTree>;
    return {
      params,
      optimizer: { ...state, 1: { rate: host([rate], []) } },
      step: host([0], [], 'int32'),
      schedule: scheduleOf(5, 19),
    };
  };
  return { step: step as unknown as Step, starts: [start(0, 0.001), start(1, 0.003), start(2, 0.01)] };
}

describe('the training step of the GPT for three seeds and learning rates at once', () => {
  const { step, starts } = gpt();
  const shared = ['step', 'schedule'];
  /** The runs to compare with, one after the other. */
  let expected: Awaited<ReturnType<typeof runFrom>>[] = [];
  beforeAll(async () => {
    const program = await compile(step, starts[0] as HostTree);
    for (const start of starts) expected = [...expected, await runFrom(program, start, 20)];
  });

  it.each([
    ['with the step counter and the schedule shared', shared],
    ['with everything apart', []],
  ])('equals three single runs over 20 steps, %s', async (_, common) => {
    const program = await compile(step, stack<HostTree>(starts, { shared: common }), {
      batch: 3,
      shared: common,
    });
    const { state, metrics } = await runFrom(program, stack<HostTree>(starts, { shared: common }), 20);
    for (const [i, own] of unstack(state, { shared: common }).entries()) {
      expectSameState(own, expected[i]?.state as HostTree, 1e-5, `instance ${i}`);
    }
    expect(Object.keys(metrics)).toEqual(Object.values(METRICS));
    for (const [name, metric] of Object.entries(metrics)) {
      expect(metric.shape, name).toEqual([20, 3]);
      for (const [i, run] of expected.entries()) {
        const reference = [...(run.metrics[name] as HostTensor).data];
        const own = ofInstance(metric, i);
        // Evaluations are NaN where none was due.
        expect(own.map(Number.isNaN), name).toEqual(reference.map(Number.isNaN));
        const number = (x: number) => (Number.isNaN(x) ? 0 : x);
        expect(own.map(number), `${name} of instance ${i}`).toMatchReference(reference.map(number), 1e-5);
      }
    }
    // They are not three times the same run.
    expect(new Set(expected.map(({ metrics: m }) => m.trainLoss?.data[19])).size).toBe(3);
  });

  /** The graph of all instances, before the passes. */
  const graphOf = (states: readonly HostTree[], common: readonly string[]) => {
    const stacked = stack(states, { shared: common });
    const leaves = leavesOf(stacked, isHostTensor);
    const batching = batchingOf(leaves, { batch: states.length, shared: common });
    return batching.apply(traceStep(step, stacked, batching.forms).graph);
  };

  it('evaluates only when it is due where the step counter is shared', () => {
    const operations = (common: string[]) => graphOf(starts, common).nodes.map(({ op }) => op);
    expect(operations(shared).filter((op) => op === 'Cond').length).toBe(1);
    expect(operations([])).not.toContain('Cond');
  });

  it('unrolls nothing', () => {
    const size = (states: readonly HostTree[]) => allNodes(graphOf(states, shared)).length;
    expect(size(starts)).toBe(size(starts.slice(1)));
  });
});

describe('a program of many instances', () => {
  const { step, state } = regression(12, 3, 2);

  it('of one instance equals the program without instances', async () => {
    const single = await runFrom(await compile(step, state), state, 7);
    const one = await runFrom(await compile(step, stack([state]), { batch: 1 }), stack([state]), 7);
    expectSameState(one.state, stack([single.state]), 1e-6);
    expect(one.metrics.loss?.shape).toEqual([7, 1]);
    expect(one.metrics.bias?.shape).toEqual([7, 1, 2]);
    expect(one.metrics.loss?.data).toMatchReference((single.metrics.loss as HostTensor).data, 1e-6);
  });

  it('gives the same bits however its steps are cut into calls', async () => {
    const start = stack([state, state]);
    const program = await compile(step, start, { batch: 2 });
    const whole = await runFrom(program, start, 9);
    const first = await runFrom(program, start, 4);
    const second = await runFrom(program, first.state, 5);
    expect(second.state).toEqual(whole.state);
  });

  it('reports what all instances share for each of them', async () => {
    const shared = ['step'];
    const program = await compile(step, stack([state, state], { shared }), { batch: 2, shared });
    const { metrics, state: next } = await runFrom(program, stack([state, state], { shared }), 3);
    expect(metrics.count?.shape).toEqual([3, 2]);
    expect([...(metrics.count as HostTensor).data]).toEqual([0, 0, 1, 1, 2, 2]);
    expect((next as { step: HostTensor }).step).toEqual(host([3], [], 'int32'));
  });

  const refusal = async (example: HostTree, options: ProgramOptions<'float32'>) => {
    const error = await compile(step, example, options).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    return messageOf(CompileError, () => {
      throw error;
    });
  };

  it('refuses wrong numbers and forms in one line', async () => {
    expect(await refusal(stack([state, state]), { batch: 0 })).toBe(
      'batch is 0, expected a positive integer: the number of instances',
    );
    expect(await refusal(state, { batch: 2 })).toBe(
      "'params.w' of the state is float32[3, 2], expected a leading axis of 2 instances; stack(states) makes it, or list the path in shared",
    );
    expect(await refusal(stack([state, state]), { batch: 2, shared: ['counter'] })).toContain(
      "shared names 'counter', which the state does not have; it has 'params.w'",
    );
    expect(await refusal(state, { shared: ['step'] })).toBe(
      "shared names 'step' without batch; give batch, the number of instances",
    );
  });

  it('refuses to share what the step makes of parts that differ', async () => {
    const shared = ['params.b'];
    expect(await refusal(stack([state, state], { shared }), { batch: 2, shared })).toBe(
      "'params.b' is to be shared by all instances, but the function computes it from inputs that differ between them; take it off the list of what is shared",
    );
  });

  it('refuses a state without instances when it is put', async () => {
    const program = await compile(step, stack([state, state]), { batch: 2 });
    expect(messageOf(CompileError, () => program.put(state))).toBe(
      "'params.w' of the state is float32[3, 2], expected float32[2, 3, 2]",
    );
  });
});
