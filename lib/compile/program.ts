/**
 * @file From a step written in tfjs to a native program: trace, passes, ONNX, runtime.
 *
 * A step is a pure function of its state (parameters, optimiser state, step counter) that returns the next state and
 * metrics. The program repeats it natively; JavaScript is out of the inner loop.
 */
import * as tf from '@tensorflow/tfjs-core';
import { CompileError } from './errors';
import { allNodes, describe, type Graph } from './graph';
import { type HostTensor, sizeOf } from './host';
import { sameShape } from './kernels/rule';
import { functionModel, inputName, outputName } from './onnx/programs';
import { optimize, PASSES, type Pass } from './passes';
import { type Repetition, repetitionMethod } from './repeat';
import type { DeviceTensor, Runtime, RuntimeOptions } from './runtime';
import type { Target } from './target';
import { checkedDType } from './trace/backend';
import { trace } from './trace/trace';
import { leavesOf, mapTree, type Tree } from './tree';

/** Nested records of tensors: the form of parameters and optimiser state. */
export type TensorTree = Tree<tf.Tensor>;

/** The same records with tensors in host memory. */
export type HostTree = Tree<HostTensor>;

/** A state as it may be given to a program: eager tensors, host tensors, or both. */
export type StateTree = Tree<tf.Tensor | HostTensor>;

/** What one step returns. */
export interface StepResult {
  /** The next state; the same names, shapes and types as the state given. */
  readonly state: TensorTree;
  /** What to report of this step, by name. */
  readonly metrics: Readonly<Record<string, tf.Tensor>>;
}

/** A training step: pure, made of tfjs operations. Tensors it closes over are compiled in as constants. */
export type Step = (state: never) => StepResult;

export interface CompileOptions extends RuntimeOptions {
  /** The graph passes to run; all of them by default. */
  readonly passes?: readonly Pass[];
}

/** State on the program's device. Opaque: `Program.put` makes it, `Program.get` reads it. */
export interface DeviceState {
  readonly tensors: readonly DeviceTensor[];
}

/** What a run of several steps returns. */
export interface RunResult {
  readonly state: DeviceState;
  /** Each metric of every step: shape `[steps, …]`. */
  readonly metrics: Readonly<Record<string, HostTensor>>;
}

/** Whether a node of a tree is a leaf. */
export function isTensor(node: TensorTree): node is tf.Tensor {
  return node instanceof tf.Tensor;
}

/** Whether a node of a tree in host memory is a leaf. */
export function isHostTensor(node: HostTree): node is HostTensor {
  return ArrayBuffer.isView((node as HostTensor).data) && Array.isArray((node as HostTensor).shape);
}

/** Copies eager tensors of a state into host memory; host tensors are taken as they are. */
function hostTreeOf(state: StateTree): HostTree {
  const isLeaf = (node: StateTree): node is tf.Tensor | HostTensor =>
    node instanceof tf.Tensor || isHostTensor(node as HostTree);
  return mapTree(state, isLeaf, (leaf) => (leaf instanceof tf.Tensor ? toHost(leaf) : leaf));
}

/** A compiled step. */
export class Program {
  private constructor(
    /** The optimised graph, for inspection. */
    readonly graph: Graph,
    /** The ONNX file that runs. */
    readonly model: Uint8Array,
    private readonly repetition: Repetition,
    private readonly runtime: Runtime,
    private readonly example: HostTree,
    private readonly metricNames: readonly string[],
  ) {}

  /**
   * Traces `step` once on the shapes of `example` and compiles it with everything it computes, gradient and optimiser
   * included.
   * @param example A state: names, shapes and types are taken from it, values are not.
   * @throws CompileError where the step uses an operation that cannot be compiled, reads a traced value, or returns
   * another form of state.
   */
  static async compile(
    runtime: Runtime,
    step: Step,
    example: StateTree,
    options: CompileOptions = {},
  ): Promise<Program> {
    const host = hostTreeOf(example);
    const leaves = leavesOf(host, isHostTensor);
    let metricNames: string[] = [];
    const traced = trace(
      (inputs) => {
        let index = 0;
        const state = mapTree(host, isHostTensor, () => inputs[index++] as tf.Tensor);
        const result = checkedResult((step as (state: TensorTree) => StepResult)(state));
        const metrics = leavesOf(result.metrics, isTensor);
        metricNames = metrics.map(([name]) => name);
        return [...nextLeaves(leaves, result.state), ...metrics.map(([, tensor]) => tensor)];
      },
      leaves.map(([, leaf]) => leaf),
    );
    const graph = optimize(traced, options.passes ?? PASSES);
    const target: Target = { precision: 'float32', device: runtime.device };
    const method = repetitionMethod(runtime);
    const model = method.model(graph, target);
    const outputs = { carried: leaves.length, metrics: metricNames.length };
    const repetition = await method.open(runtime, model, outputs, options);
    return new Program(graph, model, repetition, runtime, host, metricNames);
  }

  /** Copies a state to the device. It must have the names, shapes and types of the example. */
  put(state: StateTree): DeviceState {
    const expected = leavesOf(this.example, isHostTensor);
    const given = new Map(leavesOf(hostTreeOf(state), isHostTensor));
    const tensors = expected.map(([path, form]) => {
      const tensor = given.get(path);
      checkForm(`'${path}' of the state`, tensor, form);
      given.delete(path);
      return this.runtime.put(tensor);
    });
    if (given.size > 0) {
      throw new CompileError(
        `the state has '${[...given.keys()].join("', '")}', which the compiled step does not`,
      );
    }
    return { tensors };
  }

  /** Reads a state back into host memory, in the form of the example. */
  async get<S extends HostTree = HostTree>(state: DeviceState): Promise<S> {
    const tensors = await Promise.all(state.tensors.map((tensor) => this.runtime.get(tensor)));
    let index = 0;
    return mapTree(this.example, isHostTensor, () => tensors[index++] as HostTensor) as S;
  }

  /**
   * Runs `steps` steps. On the CPU the event loop stands still meanwhile, so cut long runs into calls of a fraction of a
   * second; the cut does not change the results.
   * @param steps A positive integer.
   */
  async run(state: DeviceState, { steps }: { readonly steps: number }): Promise<RunResult> {
    if (!Number.isInteger(steps) || steps < 1)
      throw new CompileError(`steps is ${steps}, expected a positive integer`);
    if (!Array.isArray((state as Partial<DeviceState> | undefined)?.tensors)) {
      throw new CompileError('the state given to run is not on the device; give it program.put(state)');
    }
    const result = await this.repetition.run(state.tensors, steps);
    const metrics = Object.fromEntries(
      this.metricNames.map((name, index) => [name, result.metrics[index] as HostTensor]),
    );
    return { state: { tensors: result.state }, metrics };
  }

  /** Kernels in the compiled graph, nested ones included. */
  get nodeCount(): number {
    return allNodes(this.graph).length;
  }

  /** Frees the native memory; the program cannot run afterwards. */
  release(): Promise<void> {
    return this.repetition.release();
  }
}

/** What a step returned, which the compiler cannot check where the step is plain JavaScript or asynchronous. */
function checkedResult(result: Partial<StepResult> | undefined): StepResult {
  const { state, metrics } = result ?? {};
  if (state === undefined || metrics === undefined) {
    throw new CompileError('the step does not return { state, metrics }; it must not be asynchronous');
  }
  return { state, metrics };
}

/** Checks an input of a program against the form it was compiled for. */
function checkForm(
  name: string,
  tensor: HostTensor | undefined,
  { dtype, shape }: Pick<HostTensor, 'dtype' | 'shape'>,
): asserts tensor is HostTensor {
  if (tensor === undefined || tensor.dtype !== dtype || !sameShape(tensor.shape, shape)) {
    throw new CompileError(
      `${name} is ${tensor === undefined ? 'missing' : describe(tensor)}, expected ${describe({ dtype, shape })}`,
    );
  }
  if (tensor.data.length !== sizeOf(shape)) {
    throw new CompileError(
      `${name} has ${tensor.data.length} elements, expected ${sizeOf(shape)} for ${describe(tensor)}`,
    );
  }
}

/** The tensors of the next state in the order of the first, checked to have the same form. */
function nextLeaves(leaves: readonly (readonly [string, HostTensor])[], next: TensorTree): tf.Tensor[] {
  const returned = new Map(leavesOf(next, isTensor));
  const ordered = leaves.map(([path, { dtype, shape }]) => {
    const tensor = returned.get(path);
    if (tensor === undefined || tensor.dtype !== dtype || !sameShape(tensor.shape, shape)) {
      throw new CompileError(
        `the step returns '${path}' as ${tensor === undefined ? 'nothing' : describe(tensor)}, expected ${describe({ dtype, shape })} as in the state it was given`,
      );
    }
    return tensor;
  });
  if (returned.size > leaves.length) {
    const known = new Set(leaves.map(([path]) => path));
    const extra = [...returned.keys()].filter((path) => !known.has(path));
    throw new CompileError(
      `the step returns '${extra.join("', '")}', which the state it was given does not have`,
    );
  }
  return ordered;
}

/** A compiled function without state. */
export interface CompiledFunction {
  readonly graph: Graph;
  run(inputs: readonly HostTensor[]): Promise<HostTensor[]>;
  release(): Promise<void>;
}

/**
 * Compiles a function of tensors that is called as a whole, such as a model's predictions.
 * @param examples Inputs whose shapes and types are taken.
 */
export async function compileFunction(
  runtime: Runtime,
  f: (inputs: tf.Tensor[]) => readonly tf.Tensor[],
  examples: readonly Pick<HostTensor, 'dtype' | 'shape'>[],
  options: CompileOptions = {},
): Promise<CompiledFunction> {
  const graph = optimize(trace(f, examples), options.passes ?? PASSES);
  const session = await runtime.open(functionModel(graph), options);
  return {
    graph,
    async run(inputs) {
      const entries = examples.map((form, index) => {
        const tensor = inputs[index];
        checkForm(`input ${index}`, tensor, form);
        return [inputName(index), runtime.put(tensor)] as const;
      });
      const outputs = await session.run(Object.fromEntries(entries));
      const read = (_: unknown, index: number) => runtime.get(outputs[outputName(index)]);
      return Promise.all(graph.outputs.map(read)) as Promise<HostTensor[]>;
    },
    release: () => session.release(),
  };
}

/** Copies an eager tensor into host memory. */
export function toHost(tensor: tf.Tensor): HostTensor {
  return {
    dtype: checkedDType(tensor.dtype),
    shape: [...tensor.shape],
    data: tensor.dataSync().slice() as HostTensor['data'],
  };
}
