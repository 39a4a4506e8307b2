/**
 * @file From a step written in tfjs to a native program: trace, passes, ONNX, runtime.
 *
 * A step is a pure function of its state (parameters, optimiser state, step counter) that returns the next state and
 * metrics. The program repeats it natively; JavaScript is out of the inner loop.
 */
import { batchingOf } from './batch';
import { findNonFinite, type NonFinite } from './diagnose/non-finite';
import { CompileError } from './errors';
import { checkForm, inPrecision } from './form';
import { allNodes, type Graph } from './graph';
import type { WideTensor } from './host';
import { type ProgramOptions, targetOf } from './options';
import { optimize, PASSES } from './passes';
import { type Repetition, repetitionMethod } from './repeat';
import type { Runtime, RuntimeOptions } from './runtime';
import {
  type DeviceState,
  type HostOf,
  type HostTensorOf,
  hostTreeOf,
  isWideTensor,
  type RunResult,
  type StateTree,
  type Step,
} from './state';
import type { Precision, Target } from './target';
import { traceStep } from './trace/step';
import { leavesOf, mapTree, type Tree } from './tree';

/**
 * A compiled step.
 * @typeParam S The form of its state, as the example it was compiled with.
 * @typeParam P In what it computes floating-point numbers.
 */
export class Program<S extends StateTree = StateTree, P extends Precision = 'float32'> {
  private constructor(
    /** The optimised graph, for inspection. */
    readonly graph: Graph,
    /** The ONNX file that runs. */
    readonly model: Uint8Array,
    private readonly traced: Graph,
    private readonly repetition: Repetition,
    private readonly runtime: Runtime,
    private readonly target: Target,
    private readonly example: Tree<WideTensor>,
    private readonly metricNames: readonly string[],
    private readonly options: RuntimeOptions,
  ) {}

  /**
   * Traces `step` once on the shapes of `example` and compiles it with everything it computes, gradient and optimiser
   * included.
   * @param example A state: names, shapes and types are taken from it, values are not. With the option `batch` a stacked
   * one.
   * @throws CompileError where the step uses an operation that cannot be compiled, reads a traced value, or returns
   * another form of state; where the example does not have the instances of `batch`.
   */
  static async compile<S extends StateTree, P extends Precision = 'float32'>(
    runtime: Runtime,
    step: Step<S>,
    example: S,
    options: ProgramOptions<P> = {},
  ): Promise<Program<S, P>> {
    const target = targetOf(runtime, options);
    const host = hostTreeOf(example);
    const batching = batchingOf(leavesOf(host, isWideTensor), options);
    const { graph: single, metricNames } = traceStep(step as Step, host, batching.forms);
    const traced = batching.apply(single);
    const graph = optimize(traced, options.passes ?? PASSES, target);
    const method = repetitionMethod(runtime);
    const model = method.model(graph, target);
    const outputs = { carried: graph.inputs.length, metrics: metricNames.length };
    const repetition = await method.open(runtime, model, outputs, options);
    return new Program<S, P>(graph, model, traced, repetition, runtime, target, host, metricNames, options);
  }

  /** Copies a state to the device. It must have the names, shapes and types of the example. */
  put(state: StateTree): DeviceState {
    const expected = leavesOf(this.example, isWideTensor);
    const given = new Map(leavesOf(hostTreeOf(state), isWideTensor));
    const tensors = expected.map(([path, form]) => {
      const tensor = given.get(path);
      const name = `'${path}' of the state`;
      checkForm(name, tensor, form);
      given.delete(path);
      return this.runtime.put(inPrecision(name, tensor, this.target.precision));
    });
    if (given.size > 0) {
      throw new CompileError(
        `the state has '${[...given.keys()].join("', '")}', which the compiled step does not`,
      );
    }
    return { tensors };
  }

  /**
   * Reads a state back into host memory, in the form of the example.
   * @typeParam T What the caller knows that form to be, where the compiler of TypeScript does not.
   */
  async get<T = HostOf<S, P>>(state: DeviceState): Promise<T> {
    const tensors = await Promise.all(state.tensors.map((tensor) => this.runtime.get(tensor)));
    let index = 0;
    return mapTree(this.example, isWideTensor, () => tensors[index++]) as T;
  }

  /**
   * Runs `steps` steps. On the CPU the event loop stands still meanwhile, so cut long runs into calls of a fraction of a
   * second; the cut does not change the results.
   * @param steps A positive integer.
   */
  async run(state: DeviceState, { steps }: { readonly steps: number }): Promise<RunResult<P>> {
    if (!Number.isInteger(steps) || steps < 1)
      throw new CompileError(`steps is ${steps}, expected a positive integer`);
    if (!Array.isArray((state as Partial<DeviceState> | undefined)?.tensors)) {
      throw new CompileError('the state given to run is not on the device; give it program.put(state)');
    }
    const result = await this.repetition.run(state.tensors, steps);
    const metrics = Object.fromEntries(
      this.metricNames.map((name, index) => [name, result.metrics[index] as HostTensorOf<P>]),
    );
    return { state: { tensors: result.state }, metrics };
  }

  /**
   * Runs `steps` steps with every intermediate number checked, and tells which operation was the first to make NaN or
   * infinity of finite numbers on the way to the next state or the metrics named. It computes the step as it was traced,
   * before any pass.
   * @param metrics Metrics that should be finite; none by default.
   * @returns `undefined` where the state and those metrics stay finite.
   */
  async findNonFinite(
    state: DeviceState,
    { steps = 1, metrics = [] }: { readonly steps?: number; readonly metrics?: readonly string[] } = {},
  ): Promise<NonFinite | undefined> {
    const unknown = metrics.find((name) => !this.metricNames.includes(name));
    if (unknown !== undefined)
      throw new CompileError(
        `the step has no metric '${unknown}'; it has '${this.metricNames.join("', '")}'`,
      );
    return findNonFinite(this.runtime, this.traced, this.target, state.tensors, {
      ...this.options,
      steps,
      metrics: metrics.map((name) => state.tensors.length + this.metricNames.indexOf(name)),
      paths: leavesOf(this.example, isWideTensor).map(([path]) => path),
    });
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
