/** @file A training step of the smallest useful kind: loss, gradient, an update with state of its own, a counter. */
import * as tf from '@tensorflow/tfjs-core';
import type { HostTree, Step } from '../../lib/compile';
import { filled, host } from './kernels/arbitraries';

type Regression = {
  readonly params: { readonly w: tf.Tensor2D; readonly b: tf.Tensor1D };
  readonly moments: { readonly w: tf.Tensor2D };
  readonly step: tf.Scalar;
};

/** A network layer fitted with gradient and an Adam-like update; rows × inputs · inputs × outputs. */
export function regression(rows: number, inputs: number, outputs: number): { step: Step; state: HostTree } {
  const x = filled([rows, inputs], 'float32', { low: -1, high: 1 }, 11);
  const y = filled([rows, outputs], 'float32', { low: -1, high: 1 }, 12);
  const step = ({ params, moments, step: count }: Regression) => {
    const [given, wanted] = [x, y].map(({ data, shape }) => tf.tensor(data, [...shape]));
    const loss = (w: tf.Tensor, b: tf.Tensor) =>
      tf.mean(tf.square(tf.sub(tf.tanh(tf.add(tf.matMul(given as tf.Tensor, w), b)), wanted as tf.Tensor)));
    const { value, grads } = tf.valueAndGrads((w, b) => loss(w as tf.Tensor, b as tf.Tensor) as tf.Scalar)([
      params.w,
      params.b,
    ]);
    const [dw, db] = grads as [tf.Tensor, tf.Tensor];
    const moment = tf.add(tf.mul(moments.w, 0.9), tf.mul(tf.square(dw), 0.1));
    const rate = tf.div(0.01, tf.add(1, tf.cast(count, 'float32')));
    return {
      state: {
        params: {
          w: tf.sub(params.w, tf.mul(rate, tf.div(dw, tf.add(tf.sqrt(moment), 1e-6)))),
          b: tf.sub(params.b, tf.mul(0.1, db)),
        },
        moments: { w: moment },
        step: tf.add(count, tf.scalar(1, 'int32')),
      },
      metrics: { loss: value, bias: params.b, count },
    };
  };
  const state = {
    params: {
      w: filled([inputs, outputs], 'float32', { low: -1, high: 1 }, 13),
      b: host(Array(outputs).fill(0)),
    },
    moments: { w: host(Array(inputs * outputs).fill(0), [inputs, outputs]) },
    step: host([0], [], 'int32'),
  };
  return { step: step as Step, state };
}
