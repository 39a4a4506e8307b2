import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CompileError } from '../../lib/compile';
import { type InputSpec, trace } from '../../lib/compile/trace/trace';
import { messageOf } from '../support/one-line';

const VECTOR: InputSpec = { dtype: 'float32', shape: [3] };

const traced = (f: (x: tf.Tensor) => tf.Tensor) => trace((inputs) => inputs.map(f), [VECTOR]);
const registered = () => Object.keys(tf.engine().registeredVariables).sort();

let weight: tf.Variable;
let before: { readonly names: readonly string[]; readonly tensors: number };
let optimizers: tf.Optimizer[];
beforeEach(async () => {
  await tf.setBackend('cpu');
  weight = tf.variable(tf.tensor1d([1, 2, 3]), true, 'weight');
  optimizers = [];
  before = { names: registered(), tensors: tf.memory().numTensors };
});
afterEach(() => {
  for (const optimizer of optimizers) optimizer.dispose();
  weight.dispose();
});

/** As they were: readable, on their backend, assignable. */
function expectIntact(): void {
  expect([...weight.dataSync()]).toEqual([1, 2, 3]);
  expect(registered()).toEqual(before.names);
  tf.tidy(() => weight.assign(tf.tensor1d([4, 5, 6])));
  expect([...weight.dataSync()]).toEqual([4, 5, 6]);
}

describe('a variable in a step', () => {
  it('is a constant', () => {
    const { nodes } = traced((x) => tf.mul(x, weight));
    expect(nodes[0]?.inputs[1]?.constant).toEqual({ data: Float32Array.of(1, 2, 3) });
    expectIntact();
  });

  it('is not assigned to: the error names it, the line and what to do, and it stays as it was', () => {
    const message = messageOf(CompileError, () =>
      traced((x) => {
        weight.assign(tf.mul(weight, 2));
        return tf.add(x, weight);
      }),
    );
    expect(message).toContain(
      "the step assigns to the tf.Variable 'weight', float32[3]: put it into the state and return its new value; called at ",
    );
    expect(message).toContain('variables.test.ts');
    expectIntact();
  });

  it('stays as it was where the step fails for another reason', () => {
    messageOf(CompileError, () => traced((x) => tf.mul(weight, tf.unique(x).values)));
    expectIntact();
  });

  it('may be made for tf.variableGrads, and is gone after the trace', () => {
    const { outputs } = traced((x) => {
      const own = x.variable(true, 'own') as tf.Variable;
      const { grads } = tf.variableGrads(() => tf.sum(tf.mul(tf.square(own), weight)) as tf.Scalar, [own]);
      return grads.own as tf.Tensor;
    });
    expect(outputs).toEqual([VECTOR]);
    expect(tf.memory().numTensors).toBe(before.tensors);
    expectIntact();
  });
});

describe('an optimiser of tfjs’s in a step', () => {
  const loss = () => tf.sum(tf.square(weight)) as tf.Scalar;
  const KINDS: Readonly<Record<string, () => tf.Optimizer>> = {
    sgd: () => tf.train.sgd(0.5),
    momentum: () => tf.train.momentum(0.5, 0.9),
    adagrad: () => tf.train.adagrad(0.5),
    adadelta: () => tf.train.adadelta(),
    adam: () => tf.train.adam(0.5),
    adamax: () => tf.train.adamax(0.5),
    rmsprop: () => tf.train.rmsprop(0.5),
  };
  const refused = (optimizer: () => tf.Optimizer) => {
    const message = messageOf(CompileError, () =>
      traced((x) => {
        optimizer().minimize(loss, false, [weight]);
        return x;
      }),
    );
    expect(message).toContain(
      "the step has an optimiser of tfjs's assign to the tf.Variable 'weight': put it into the state and return its new value",
    );
    expect(message).toContain('variables.test.ts');
  };

  it.each(Object.entries(KINDS))('is refused, leaving nothing: %s', (_, make) => {
    refused(make);
    expectIntact();
  });

  it.each(Object.entries(KINDS))('made outside of the step works eagerly afterwards: %s', (_, make) => {
    const update = (optimizer: tf.Optimizer) => {
      optimizers.push(optimizer);
      tf.tidy(() => weight.assign(tf.tensor1d([1, 2, 3])));
      optimizer.minimize(loss, false, [weight]);
      return [...weight.dataSync()];
    };
    const optimizer = make();
    refused(() => optimizer);
    expect(update(optimizer)).toEqual(update(make()));
    expect([...weight.dataSync()]).not.toEqual([1, 2, 3]);
  });
});
