/** @file The ways to run a function of tensors that one test body is run on. */
import '@tensorflow/tfjs-backend-cpu';
import type * as tf from '@tensorflow/tfjs-core';
import { compileFunction, toHost } from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import { eagerly } from './eager';

type Numbers = Float32Array | Int32Array | Uint8Array;

export interface TestDevice {
  readonly name: string;
  /** Runs `f` on the given tensors and returns the elements of its results. */
  run(f: (inputs: tf.Tensor[]) => readonly tf.Tensor[], inputs: readonly tf.Tensor[]): Promise<Numbers[]>;
}

const eager: TestDevice = {
  name: 'eager tfjs:cpu',
  run: async (f, inputs) => eagerly(() => f([...inputs])).map(({ data }) => data),
};

const compiled: TestDevice = {
  name: 'compiled cpu',
  run: async (f, inputs) => {
    const examples = inputs.map(toHost);
    const program = await compileFunction(onnxRuntimeNode, f, examples, { threads: 1 });
    const outputs = await program.run(examples);
    await program.release();
    return outputs.map(({ data }) => data);
  },
};

export const DEVICES: readonly TestDevice[] = [eager, compiled];
