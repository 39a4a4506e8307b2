/** @file Runs a function of tensors once, without computing, and returns what it did as a graph. */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError } from '../errors';
import { registerGradients } from '../gradients';
import { type Graph, makeValue, type Value } from '../graph';
import type { DType } from '../host';
import { TRACE_BACKEND } from './backend';
import { isPromise } from './promise';
import { Recorder } from './recorder';
import { traceBackend } from './register';
import { withVariablesKept } from './variables';
import { withBackend } from './with-backend';

/** Shape and type of an argument of the traced function. */
export interface InputSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/**
 * Traces `f` called with tensors of the given shapes. Tensors that `f` closes over, variables too, become constants of
 * the graph.
 * @throws CompileError where `f` uses an operation that has no rule, reads a tensor's values, or assigns to a variable.
 */
export function trace(f: (inputs: tf.Tensor[]) => readonly tf.Tensor[], inputs: readonly InputSpec[]): Graph {
  const backend = traceBackend();
  registerGradients();
  const recorder = new Recorder();
  const inputValues = inputs.map(({ dtype, shape }) => makeValue(dtype, [...shape]));
  return withBackend(TRACE_BACKEND, () =>
    backend.during(recorder, () => {
      const record = () => {
        let outputs: Value[] = [];
        tf.tidy(() => {
          const results: unknown = f(inputValues.map((value) => backend.tensor(value)));
          if (!Array.isArray(results) || !results.every((result) => result instanceof tf.Tensor)) {
            const reason =
              [results].flat().filter(isPromise).length > 0 ? '; it must not be asynchronous' : '';
            throw new CompileError(`the traced function does not return a list of tensors${reason}`);
          }
          outputs = results.map((tensor: tf.Tensor) => backend.value(tensor));
        });
        return outputs;
      };
      return { ...recorder.block(() => withVariablesKept(record)), inputs: inputValues };
    }),
  );
}
