/** @file What TypeScript knows of a program by the form of its state; `npm run typecheck` is what can fail here. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expectTypeOf, it } from 'vitest';
import {
  type HostTensor,
  type HostTree,
  Program,
  type Step,
  type TensorsOf,
  type WideTensor,
} from '../../lib/compile';
import { onnxRuntimeNode } from '../../lib/compile/runtime.node';
import type { TrainState } from '../../lib/train/state';
import { host } from './kernels/arbitraries';

const start = { params: { w: host([1, 2]), b: tf.scalar(0) }, step: host([0], [], 'int32') };

describe('a program knows the form of its state', () => {
  it('from the example: a step needs no annotation, what get returns has the same names', async () => {
    const program = await Program.compile(
      onnxRuntimeNode,
      ({ params, step }) => {
        expectTypeOf(params.w).toEqualTypeOf<tf.Tensor>();
        return {
          state: {
            params: { w: tf.mul(params.w, params.b), b: params.b },
            step: tf.add(step, tf.scalar(1, 'int32')),
          },
          metrics: { norm: tf.sum(params.w) },
        };
      },
      start,
    );
    const { state, metrics } = await program.run(program.put(start), { steps: 1 });
    const after = await program.get(state);
    expectTypeOf(after.params.b).toEqualTypeOf<HostTensor>();
    expectTypeOf(after.step.data).toEqualTypeOf<HostTensor['data']>();
    expectTypeOf(metrics.norm).toEqualTypeOf<HostTensor | undefined>();
    // @ts-expect-error the state has no such tensor
    after.params.c;
    await program.release();
  });

  it('and its precision', async () => {
    const step = (state: TensorsOf<typeof start>) => ({ state, metrics: {} });
    const program = await Program.compile(onnxRuntimeNode, step, start, { precision: 'float64' });
    const after = await program.get(program.put(start));
    expectTypeOf(after.params.w).toEqualTypeOf<WideTensor>();
    await program.release();
  });

  it('where a step says more of its tensors than the example', () => {
    type Matrices = { readonly w: tf.Tensor2D; readonly b: tf.Tensor1D };
    const step = ({ w, b }: Matrices) => ({ state: { w: tf.add(w, b), b }, metrics: {} });
    expectTypeOf(step).toExtend<Step<{ w: HostTensor; b: HostTensor }>>();
  });

  it('and is a program of any state to those who do not ask', () => {
    expectTypeOf<Program<TrainState>>().toExtend<Program>();
    expectTypeOf<TensorsOf<HostTree>>().toExtend<TensorsOf<HostTree>>();
  });

  it('refuses steps that return something else', () => {
    const compile = (step: Step<typeof start>) => step;
    // @ts-expect-error no metrics
    compile((state) => ({ state }));
    // @ts-expect-error a state without `step`
    compile(({ params }) => ({ state: { params }, metrics: {} }));
    // @ts-expect-error a number for a tensor
    compile(({ params }) => ({ state: { params, step: 1 }, metrics: {} }));
  });
});
