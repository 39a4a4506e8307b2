import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type HostTree, isHostTensor, leavesOf, Program, type TensorTree } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { ArgumentError } from '../../lib/errors';
import { asGptParams, gptForward } from '../../lib/models/gpt';
import { treeOfNames } from '../../lib/models/initialize';
import { crossEntropy } from '../../lib/models/loss';
import { namedTensors, type Params, valueAndGrads } from '../../lib/models/params';
import { tokenBatch } from '../../lib/models/rows';
import {
  adam,
  adamw,
  applyUpdates,
  chain,
  checkOptimizerOptions,
  scale,
  type Transform,
} from '../../lib/optim';
import { toHostTree } from '../../lib/train/state';
import { messageOf } from '../support/one-line';
import { ORACLE_GPT, openOracle, oracleWeights, parameterName } from '../support/oracle';

const STEPS = 10;
const BETAS = [0.9, 0.98] as const;

const CASES: readonly { name: string; optimizer: Transform }[] = [
  { name: 'adamw', optimizer: adamw({ learningRate: 1e-3, weightDecay: 1, betas: BETAS }) },
  { name: 'adam_l2', optimizer: adam({ learningRate: 1e-3, weightDecay: 1e-2, betas: BETAS }) },
];

const RUNNERS: readonly {
  runner: string;
  run: (optimizer: Transform) => Promise<{ losses: number[]; params: HostTree }>;
}[] = [
  { runner: 'eagerly', run: runEagerly },
  { runner: 'compiled', run: runCompiled },
];

function stepOf(optimizer: Transform) {
  const oracle = openOracle('c_gpt');
  const batch = tokenBatch(oracle.integers('x'), 3, ORACLE_GPT.vocabulary);
  const targets = oracle.integers('y');
  return (state: { params: TensorTree; optimizer: TensorTree; step: tf.Tensor }) => {
    const labels = tf.cast(tf.oneHot(tf.tensor1d(targets, 'int32'), 13), 'float32') as tf.Tensor2D;
    const { value, grads } = valueAndGrads(
      (p) => crossEntropy(gptForward(ORACLE_GPT, asGptParams(p), batch), labels),
      state.params,
    );
    const result = optimizer.update(grads, state.optimizer, {
      params: state.params,
      step: state.step as tf.Scalar,
    });
    const next = {
      params: applyUpdates(state.params, result.updates),
      optimizer: result.state,
      step: tf.add(state.step, tf.scalar(1, 'int32')),
    };
    return { state: next, metrics: { loss: value } };
  };
}

function initialState(optimizer: Transform) {
  const params = treeOfNames(oracleWeights());
  return {
    params,
    optimizer: toHostTree((tensors) => optimizer.init(tensors), params),
    step: { dtype: 'int32' as const, shape: [], data: Int32Array.of(0) },
  };
}

async function runCompiled(optimizer: Transform) {
  const state = initialState(optimizer);
  const program = await Program.compile(onnxRuntimeNode, stepOf(optimizer) as never, state, { threads: 1 });
  // One step more, for the loss after the last update; its own update is not looked at.
  const { state: next, metrics } = await program.run(program.put(state), { steps: STEPS });
  const { metrics: after } = await program.run(next, { steps: 1 });
  const { params } = (await program.get(next)) as unknown as { params: HostTree };
  await program.release();
  return { losses: [...(metrics.loss?.data ?? []), ...(after.loss?.data ?? [])], params };
}

async function runEagerly(optimizer: Transform) {
  const initial = initialState(optimizer);
  const step = stepOf(optimizer);
  const losses: number[] = [];
  let params: HostTree = {};
  tf.tidy(() => {
    const tensors = (tree: HostTree): TensorTree =>
      treeOfNames(
        leavesOf(tree, isHostTensor).map(
          ([path, { data, shape, dtype }]) =>
            [path, tf.tensor(data, [...shape], dtype) as tf.Tensor] as const,
        ),
      );
    let state = {
      params: tensors(initial.params),
      optimizer: tensors(initial.optimizer),
      step: tf.scalar(0, 'int32') as tf.Tensor,
    };
    for (let i = 0; i <= STEPS; i++) {
      if (i === STEPS) {
        params = treeOfNames(
          namedTensors(state.params).map(([name, tensor]) => [
            name,
            { dtype: 'float32' as const, shape: tensor.shape, data: tensor.dataSync() as Float32Array },
          ]),
        );
      }
      const result = step(state);
      losses.push(result.metrics.loss.dataSync()[0] as number);
      state = result.state as typeof state;
    }
  });
  return { losses, params };
}

describe.each(CASES)('$name, ten steps against PyTorch in float64', ({ name, optimizer }) => {
  it.each(RUNNERS)('$runner', async ({ run }) => {
    const oracle = openOracle('d_gpt_traj');
    const { losses, params } = await run(optimizer);
    expect(losses).toMatchReference(oracle.numbers(`f64.${name}.loss`), 1e-5);
    const tensors = new Map(leavesOf(params, isHostTensor));
    const names = oracle.names(`f64.${name}.final.`);
    expect(names).toHaveLength(tensors.size);
    for (const parameter of names) {
      const data = tensors.get(parameterName(parameter))?.data ?? [];
      expect(data, parameter).toMatchReference(oracle.numbers(`f64.${name}.final.${parameter}`), 1e-5);
    }
  });
});

describe('chain', () => {
  const params: Params = { w: tf.tensor1d([1, 2]) };
  const context = { params, step: tf.scalar(0, 'int32') };

  it('applies its links in order, each with a state of its own', () => {
    const count: Transform = {
      init: () => ({ seen: tf.scalar(0) }),
      update: (updates, state) => ({
        updates,
        state: { seen: tf.add((state as { seen: tf.Tensor }).seen, 1) },
      }),
    };
    const both = chain(scale(3), count, scale(-1), count);
    const first = both.update(params, both.init(params), context);
    const second = both.update(params, first.state, context);
    expect([...(second.updates as { w: tf.Tensor }).w.dataSync()]).toEqual([-3, -6]);
    const seen = (second.state as Record<string, { seen: tf.Tensor }>)[3]?.seen;
    expect(seen?.dataSync()[0]).toBe(2);
  });

  it('of nothing changes nothing', () => {
    expect(chain().update(params, chain().init(params), context).updates).toBe(params);
  });
});

describe('options out of range are refused in one line', () => {
  const good = { learningRate: 1e-3, weightDecay: 1, betas: BETAS };
  it.each([
    [{ ...good, learningRate: 0 }, 'learningRate is 0'],
    [{ ...good, learningRate: Number.NaN }, 'learningRate is NaN'],
    [{ ...good, weightDecay: -1 }, 'weightDecay is -1'],
    [{ ...good, weightDecay: '1' as never }, "weightDecay is '1'"],
    [undefined as never, 'the options of the optimiser are undefined, expected a record'],
    [{ ...good, betas: [0.9, 1] as const }, '[0.9, 1]'],
    [{ ...good, betas: [-0.1, 0.9] as const }, '[-0.1, 0.9]'],
  ])('%#', (options, part) => {
    expect(messageOf(ArgumentError, () => checkOptimizerOptions(options))).toContain(part);
  });
});
