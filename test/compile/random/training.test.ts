import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  cond,
  dropout,
  type HostTree,
  logSpaced,
  minibatch,
  Program,
  randomNormal,
  type Step,
  withBackend,
} from '../../../lib/compile';
import { onnxRuntimeNode } from '../../../lib/compile/runtime.node';
import { host } from '../kernels/arbitraries';
import { keyTensor } from './drawn';
import '../../support/matchers';

const ROWS = 30;
const INPUTS = tf.tensor2d(
  Array.from({ length: 3 * ROWS }, (_, i) => ((i * 7) % 11) / 11 - 0.5),
  [ROWS, 3],
);
const TARGETS = tf.sum(INPUTS, 1, true);

/** Least squares by minibatches with dropout of the inputs and noise on the gradient, evaluated on a log-spaced schedule. */
const step = (({ w, seed, n }: Record<'w' | 'seed' | 'n', tf.Tensor>) => {
  const key = (purpose: string) => ({ seed, purpose, step: n });
  const rows = minibatch(ROWS, 8, key('batch'));
  const [x, y] = [tf.gather(INPUTS, rows), tf.gather(TARGETS, rows)];
  const loss = (weights: tf.Tensor) =>
    tf.mean(
      tf.squaredDifference(tf.matMul(dropout(x, 0.25, key('dropout')), weights as tf.Tensor2D), y),
    ) as tf.Scalar;
  const { value, grad } = tf.valueAndGrad(loss)(w);
  const noise = tf.mul(randomNormal([3, 1], key('noise')), 0.01);
  const all = () => tf.mean(tf.squaredDifference(tf.matMul(INPUTS, w as tf.Tensor2D), TARGETS));
  const { full } = cond(
    logSpaced(n, 4),
    () => ({ full: all() }),
    () => ({ full: tf.scalar(-1) }),
  );
  return {
    state: { w: tf.sub(w, tf.mul(tf.add(grad, noise), 0.3)), seed, n: tf.add(n, tf.scalar(1, 'int32')) },
    metrics: { loss: value, full },
  };
}) as Step;

const start = { w: host([0, 0, 0], [3, 1]), seed: keyTensor(3), n: keyTensor(0) };

describe('a training step with minibatches, dropout and noise', () => {
  it('resumed from host memory at any step is bit-identical to one never stopped, and depends on the seed', async () => {
    const program = await Program.compile(onnxRuntimeNode, step, start, { threads: 1 });
    const whole = await program.run(program.put(start), { steps: 60 });
    const first = await program.run(program.put(start), { steps: 23 });
    const saved = await program.get<HostTree>(first.state);
    const second = await program.run(program.put(saved), { steps: 37 });
    const [expected, resumed] = [
      await program.get<HostTree>(whole.state),
      await program.get<HostTree>(second.state),
    ];
    expect(resumed).toEqual(expected);
    const metric = (run: typeof whole, name: string) => [...(run.metrics[name]?.data ?? [])];
    expect([...metric(first, 'loss'), ...metric(second, 'loss')]).toEqual(metric(whole, 'loss'));

    const evaluated = metric(whole, 'full');
    expect(evaluated.flatMap((value, n) => (value < 0 ? [] : [n]))).toEqual([0, 1, 2, 3, 6, 10, 18, 32, 56]);
    expect(evaluated[56]).toBeLessThan(0.3 * (evaluated[0] as number));

    const other = await program.run(program.put({ ...start, seed: keyTensor(4) }), { steps: 60 });
    expect(metric(other, 'loss')).not.toEqual(metric(whole, 'loss'));
    await program.release();
  });

  it('is the same eagerly', async () => {
    const program = await Program.compile(onnxRuntimeNode, step, start, { threads: 1 });
    const { metrics } = await program.run(program.put(start), { steps: 12 });
    await program.release();
    const losses = withBackend('cpu', () =>
      tf.tidy(() => {
        let state: Record<string, tf.Tensor> = {
          w: tf.zeros([3, 1]),
          seed: tf.scalar(3, 'int32'),
          n: tf.scalar(0, 'int32'),
        };
        return Array.from({ length: 12 }, () => {
          const result = step(state as never);
          state = result.state as typeof state;
          return result.metrics.loss?.dataSync()[0] as number;
        });
      }),
    );
    expect([...(metrics.loss?.data ?? [])]).toMatchReference(losses, 1e-5);
  });
});
