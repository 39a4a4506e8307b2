/** @file A function of tensors compiled as it is, without state: called as a whole, such as a model's predictions. */
import type * as tf from '@tensorflow/tfjs-core';
import { checkNotReleased, checkOptions } from './arguments';
import { checkForm, inPrecision } from './form';
import type { Graph } from './graph';
import type { HostTensor, WideTensor } from './host';
import { functionModel, inputName, outputName } from './onnx/programs';
import { COMPILE_OPTIONS, type CompileOptions, targetOf } from './options';
import { optimize, PASSES } from './passes';
import type { DeviceTensor, Runtime, RuntimeOptions } from './runtime';
import type { HostTensorOf } from './state';
import type { Precision, Target } from './target';
import { trace } from './trace/trace';

/** A compiled function without state. */
export interface CompiledFunction<P extends Precision = 'float32'> {
  readonly graph: Graph;
  run(inputs: readonly WideTensor[]): Promise<HostTensorOf<P>[]>;
  /** Frees the native memory; the function cannot run afterwards. Releasing it again does nothing. */
  release(): Promise<void>;
}

/**
 * Compiles a function of tensors that is called as a whole, such as a model's predictions.
 * @param examples Inputs whose shapes and types are taken.
 * @throws CompileError as `Program.compile`.
 */
export async function compileFunction<P extends Precision = 'float32'>(
  runtime: Runtime,
  f: (inputs: tf.Tensor[]) => readonly tf.Tensor[],
  examples: readonly Pick<HostTensor, 'dtype' | 'shape'>[],
  options: CompileOptions<P> = {},
): Promise<CompiledFunction<P>> {
  checkOptions('compileFunction', options, COMPILE_OPTIONS);
  const target = targetOf(runtime, options);
  const graph = optimize(trace(f, examples), options.passes ?? PASSES, target);
  const opened = await openGraph(runtime, graph, target, options);
  let released = false;
  return {
    graph,
    async run(inputs) {
      checkNotReleased(released, 'function');
      const given = graph.inputs.map((form, index) => {
        const name = `input ${index}`;
        const tensor = inputs[index];
        checkForm(name, tensor, form);
        return runtime.put(inPrecision(name, tensor, target.precision));
      });
      const outputs = await opened.run(given);
      return (await Promise.all(outputs.map((output) => runtime.get(output)))) as HostTensorOf<P>[];
    },
    async release() {
      if (released) return;
      released = true;
      await opened.release();
    },
  };
}

/** A graph on a runtime, called once at a time. */
export interface OpenedGraph {
  /** The graph's outputs from its inputs, both in order. */
  run(inputs: readonly DeviceTensor[]): Promise<DeviceTensor[]>;
  release(): Promise<void>;
}

export async function openGraph(
  runtime: Runtime,
  graph: Graph,
  target: Target,
  options: RuntimeOptions,
): Promise<OpenedGraph> {
  const session = await runtime.open(functionModel(graph, target), options);
  return {
    async run(inputs) {
      const outputs = await session.run(
        Object.fromEntries(inputs.map((tensor, index) => [inputName(index), tensor])),
      );
      return graph.outputs.map((_, index) => outputs[outputName(index)]);
    },
    release: () => session.release(),
  };
}
